import Glibc

/// Wakes a thread that waits in `poll`: whoever left it orders calls ``wake()``, the thread polls ``descriptor`` and calls
/// ``drain()``. Closed when nobody holds it any more.
final class WakePipe: Sendable {
    /// To be polled for `POLLIN`.
    let descriptor: Int32
    private let entrance: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe(&ends) == 0, "no descriptors left for a pipe")
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        (self.descriptor, self.entrance) = (ends[0], ends[1])
    }

    deinit {
        close(self.descriptor)
        close(self.entrance)
    }

    /// A full pipe wakes as well as one byte more would.
    func wake() { _ = write(self.entrance, [1], 1) }

    func drain() {
        var bytes = [UInt8](repeating: 0, count: 64)
        while read(self.descriptor, &bytes, bytes.count) > 0 {}
    }
}
