import Glibc

/// Runs a loop on a thread of its own, which ends with it. Outside every pool: what waits in a pool cannot hold it up.
func runOnOwnThread(_ body: @escaping @Sendable () -> Void) {
    let work = Unmanaged.passRetained(Work(body))
    var thread = pthread_t()
    // A process that the system gives no thread cannot do its work at all.
    precondition(pthread_create(&thread, nil, threadBody, work.toOpaque()) == 0, "no thread")
    pthread_detach(thread)
}

private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

private let threadBody: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
    Unmanaged<Work>.fromOpaque(context!).takeRetainedValue().body()
    return nil
}
