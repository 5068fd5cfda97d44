import Dispatch
import Foundation

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
        let thread = Thread {
            Thread.sleep(forTimeInterval: Double(limit.components.seconds))
            try? FileHandle.standardError.write(contentsOf: Data("healer: something did not end in time\n".utf8))
            _exit(status)
        }
        thread.start()
    }

    /// Sources that are let go would hear nothing more.
    private static let kept = Kept()
    private final class Kept: @unchecked Sendable {
        private let lock = NSLock()
        private var sources: [any DispatchSourceSignal] = []
        func withLock(_ body: (inout [any DispatchSourceSignal]) -> Void) { self.lock.withLock { body(&self.sources) } }
    }
}
