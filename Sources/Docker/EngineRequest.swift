import FoundationEssentials
import Glibc

/// All that we ever ask of a Docker engine, about one container: what a healer sends, and what the filter before the
/// engine's socket lets through.
///
/// Paths carry no version: what is read of the answers has been the same since API 1.25, and engines differ in the
/// oldest version that they still accept.
public enum EngineRequest: Hashable, Sendable {
    case ping
    case inspect(ContainerReference)
    /// The last lines of both outputs.
    case logs(ContainerReference, lines: Int, since: EngineTime?)
    /// Who was asked to end, and how, since then: the engine keeps its last 256 events of all containers.
    case endings(ContainerReference, since: EngineTime, until: EngineTime)
    case start(ContainerReference)
    /// The stop signal, and SIGKILL after so many seconds.
    case stop(ContainerReference, seconds: Int)
    case kill(ContainerReference, KillSignal)
    case restart(ContainerReference, seconds: Int)

    public enum KillSignal: String, Hashable, Sendable, Codable {
        case kill = "KILL"
        /// Makes a JVM print the stacks of its threads, and go on.
        case quit = "QUIT"
    }

    /// The verbs, as the filter's list names them.
    public enum Verb: String, Hashable, Sendable, CaseIterable {
        case inspect, logs, start, stop, kill, restart
    }

    /// `nil` for what is always allowed.
    public var verb: Verb? {
        switch self {
        case .ping: nil
        case .inspect, .endings: .inspect
        case .logs: .logs
        case .start: .start
        case .stop: .stop
        // It changes nothing but the log.
        case .kill(_, .quit): .logs
        case .kill(_, .kill): .kill
        case .restart: .restart
        }
    }

    public var container: ContainerReference? {
        switch self {
        case .ping: nil
        case .inspect(let container), .logs(let container, _, _), .endings(let container, _, _),
            .start(let container), .stop(let container, _), .kill(let container, _), .restart(let container, _):
            container
        }
    }

    /// The same, about the container under another of its names.
    public func about(_ container: ContainerReference) -> EngineRequest {
        switch self {
        case .ping: .ping
        case .inspect: .inspect(container)
        case .logs(_, let lines, let since): .logs(container, lines: lines, since: since)
        case .endings(_, let since, let until): .endings(container, since: since, until: until)
        case .start: .start(container)
        case .stop(_, let seconds): .stop(container, seconds: seconds)
        case .kill(_, let signal): .kill(container, signal)
        case .restart(_, let seconds): .restart(container, seconds: seconds)
        }
    }

    public var isPost: Bool {
        switch self {
        case .ping, .inspect, .logs, .endings: false
        case .start, .stop, .kill, .restart: true
        }
    }

    /// Path and query, beginning with a slash.
    public var target: String {
        switch self {
        case .ping: return "/_ping"
        case .inspect(let container): return "/containers/\(container)/json"
        case .logs(let container, let lines, let since):
            let start = since.map { "&since=\($0)" } ?? ""
            return "/containers/\(container)/logs?stdout=1&stderr=1&tail=\(lines)\(start)"
        case .endings(let container, let since, let until):
            // A reference has no character that JSON or a URL would take for its own.
            let filters =
                "%7B%22type%22%3A%5B%22container%22%5D%2C%22container%22%3A%5B%22\(container)%22%5D%2C"
                + "%22event%22%3A%5B%22kill%22%2C%22stop%22%5D%7D"
            return "/events?since=\(since)&until=\(until)&filters=\(filters)"
        case .start(let container): return "/containers/\(container)/start"
        case .stop(let container, let seconds): return "/containers/\(container)/stop?t=\(seconds)"
        case .kill(let container, let signal): return "/containers/\(container)/kill?signal=\(signal.rawValue)"
        case .restart(let container, let seconds): return "/containers/\(container)/restart?t=\(seconds)"
        }
    }
}

/// A container by its name or by its whole id, in the characters that Docker allows in names.
public struct ContainerReference: Hashable, Sendable, Codable, CustomStringConvertible {
    public let text: String

    /// `nil` unless it has letters, digits, dots, dashes and underscores only, at most 253, the first a letter or a digit.
    public init?(_ text: some StringProtocol) {
        guard let first = text.utf8.first, text.utf8.count <= 253, Self.isAlphanumeric(first),
            text.utf8.allSatisfy({ Self.isAlphanumeric($0) || "-._".utf8.contains($0) })
        else { return nil }
        self.text = String(text)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }

    public var description: String { self.text }
}

/// A time of the engine's clock, as it takes it in queries: seconds since 1970, with nine decimals.
public struct EngineTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let seconds: Int64
    /// 0 to 999,999,999.
    public let nanoseconds: Int64

    public init(seconds: Int64, nanoseconds: Int64 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Of the engine's own texts, `2026-11-21T18:33:09.157Z`; `nil` for anything else, and for the year 1, which means
    /// never.
    public init?(_ text: String) {
        let parts = text.dropLast().split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let style = Date.ISO8601FormatStyle()
        guard text.hasSuffix("Z"), let whole = parts.first, let date = try? style.parse("\(whole)Z"),
            date.timeIntervalSince1970 > 0
        else { return nil }
        var nanoseconds: Int64 = 0
        if parts.count == 2 {
            guard (1...9).contains(parts[1].count), let read = Int64(parts[1]), parts[1].allSatisfy(\.isNumber) else {
                return nil
            }
            nanoseconds = (parts[1].count..<9).reduce(read) { value, _ in value * 10 }
        }
        self.init(seconds: Int64(date.timeIntervalSince1970), nanoseconds: nanoseconds)
    }

    /// Of the text in a query.
    init?(query text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].utf8.count == 9, parts[0].utf8.count <= 12,
            parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
            let seconds = Int64(parts[0]), let nanoseconds = Int64(parts[1])
        else { return nil }
        self.init(seconds: seconds, nanoseconds: nanoseconds)
    }

    public var description: String {
        let digits = String(self.nanoseconds)
        return "\(self.seconds).\(String(repeating: "0", count: 9 - digits.count))\(digits)"
    }

    public static func < (a: Self, b: Self) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }
}
