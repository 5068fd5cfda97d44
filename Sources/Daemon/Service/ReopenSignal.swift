import Dispatch
import Glibc

/// SIGUSR1: whoever has moved the log files away wants them begun anew.
struct ReopenSignal: Sendable {
    /// `@unchecked Sendable`: a source may be cancelled from any thread.
    private final class Source: @unchecked Sendable {
        let source: any DispatchSourceSignal
        init(_ source: any DispatchSourceSignal) { self.source = source }
    }
    private let source: Source

    /// Until ``end()``.
    init(_ reopen: @escaping @Sendable () -> Void) {
        signal(SIGUSR1, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGUSR1, queue: .global())
        source.setEventHandler(handler: reopen)
        source.resume()
        self.source = Source(source)
    }

    /// The signal is ignored from then on.
    func end() { self.source.source.cancel() }
}
