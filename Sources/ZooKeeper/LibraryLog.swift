internal import CZooKeeper
internal import Glibc
import Synchronization

/// What the library itself logs. It has one log for the whole process; until captured, its lines are dropped.
public enum LibraryLog {
    /// Not finer: at its debug level the library uses what it has freed (ZOOKEEPER-4809).
    public enum Level: Int32, Hashable, Comparable, Sendable, CaseIterable {
        case error = 1
        case warning = 2
        case info = 3
        public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }

    public struct Line: Hashable, Sendable {
        public let level: Level
        /// The function of the library that says it.
        public let function: String
        public fileprivate(set) var message: String

        /// The library's line is `time:process(thread):LEVEL@function@line: message`.
        init(_ line: String) {
            let parts = line.split(separator: "@", maxSplits: 2)
            guard parts.count == 3, let colon = parts[2].firstIndex(of: ":") else {
                (self.level, self.function, self.message) = (.info, "", line)
                return
            }
            self.level =
                if parts[0].hasSuffix("ZOO_ERROR") { .error } else if parts[0].hasSuffix("ZOO_WARN") { .warning } else {
                    .info
                }
            self.function = String(parts[1])
            let message = parts[2][parts[2].index(after: colon)...].drop { $0 == " " }
            self.message = String(message.last?.isNewline == true ? message.dropLast() : message)
        }
    }

    /// Hands every line of this level or above to `sink`, for all sessions of this process.
    ///
    /// - Parameter sink: Called on threads of the library, and within calls of sessions. It must be short, and must not use
    ///   a session.
    public static func capture(_ level: Level, _ sink: @escaping @Sendable (Line) -> Void) {
        Self.sink.withLock { $0 = Sink(level: level, take: sink) }
    }

    /// Not the closure itself: read out of a `Mutex` it is put back wrapped in one more, at every line.
    private struct Sink: Sendable {
        let level: Level
        let take: @Sendable (Line) -> Void
    }

    private static let sink = Mutex<Sink?>(nil)

    /// The library always says all of it, whoever wants to know: ``MultiGate`` listens too.
    static func listen() { zoo_set_debug_level(ZooLogLevel(UInt32(Level.info.rawValue))) }

    /// What belongs to no session, or to one without a callback yet, would be written to standard error.
    static func muteStream() { _ = Self.muted }
    private static let muted: Void = zoo_set_log_stream(fopen("/dev/null", "we"))

    static let callback: log_callback_fn = { text in
        guard let text else { return }
        var line = Line(String(cString: text))
        // With TLS it does not say why. We are on the thread that it happened on.
        if line.level == .error, line.message.hasPrefix("Socket "), let reason = OpenSSL.lastError {
            line.message += ": \(reason)"
        }
        MultiGate.heard(line)
        // Until somebody captures it, nobody has asked for it.
        guard let sink = LibraryLog.sink.withLock({ $0 }), line.level <= sink.level else { return }
        sink.take(line)
    }
}
