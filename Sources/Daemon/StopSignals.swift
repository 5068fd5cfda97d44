import Dispatch
import Glibc
import Synchronization

/// SIGTERM and SIGINT: the first asks for an orderly end, a second one forces it.
enum StopSignals {
    /// Returns at the first signal.
    /// - Parameter forced: the exit status of a forced end.
    static func first(forced: Int32) async {
        let (signals, report) = AsyncStream.makeStream(of: Int32.self)
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { report.yield(number) }
            source.resume()
            return source
        }
        var iterator = signals.makeAsyncIterator()
        _ = await iterator.next()
        for source in sources { source.setEventHandler { _exit(forced) } }
        Self.kept.withLock { $0 += sources }
    }

    /// Ends the process after so long, if it has not ended.
    static func endAtLatest(after limit: Duration, status: Int32) {
        runOnOwnThread {
            sleep(UInt32(limit.components.seconds))
            writeAll(STDERR_FILENO, Array("healer: something did not end in time\n".utf8))
            _exit(status)
        }
    }

    /// Sources that are let go would hear nothing more.
    private static let kept = Kept()
    /// `@unchecked Sendable`: the list is touched under the lock only.
    private final class Kept: @unchecked Sendable {
        private let lock = Mutex(())
        private var sources: [any DispatchSourceSignal] = []
        func withLock(_ body: (inout [any DispatchSourceSignal]) -> Void) {
            self.lock.withLock { _ in body(&self.sources) }
        }
    }
}
