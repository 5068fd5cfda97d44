/// A value in a log line.
public enum LogValue: Hashable, Sendable {
    case string(String)
    case integer(Int64)
    case number(Double)
    case boolean(Bool)

    public init(_ value: some CustomStringConvertible) { self = .string(value.description) }
}

extension LogValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .boolean(value) }
}

/// `error` wakes somebody, `warning` is for the morning, `info` is what changed, `debug` is the rest.
public enum LogLevel: String, Hashable, Comparable, Sendable, Codable, CaseIterable {
    case debug = "DEBUG"
    case info = "INFO"
    case warning = "WARNING"
    case error = "ERROR"

    public static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
    private var rank: Int { Self.allCases.firstIndex(of: self)! }
}

/// One line of a log: a message that never varies, and the facts as fields with dotted names.
public struct LogRecord: Hashable, Sendable {
    public let level: LogLevel
    public let message: String
    public let fields: [String: LogValue]
    public init(level: LogLevel, message: String, fields: [String: LogValue]) {
        self.level = level
        self.message = message
        self.fields = fields
    }
}

/// Where log records go. The sink adds the time.
public struct Logger: Sendable {
    private let level: LogLevel
    private let context: [String: LogValue]
    private let sink: @Sendable (LogRecord) -> Void

    public init(level: LogLevel = .debug, sink: @escaping @Sendable (LogRecord) -> Void) {
        self.level = level
        self.context = [:]
        self.sink = sink
    }

    private init(_ other: Logger, adding fields: [String: LogValue]) {
        self.level = other.level
        self.context = other.context.merging(fields) { $1 }
        self.sink = other.sink
    }

    /// A logger that adds these fields to every line.
    public func with(_ fields: [String: LogValue]) -> Logger { Logger(self, adding: fields) }

    public func log(_ level: LogLevel, _ message: StaticString, _ fields: [String: LogValue] = [:]) {
        guard level >= self.level else { return }
        self.sink(
            LogRecord(level: level, message: "\(message)", fields: self.context.merging(fields) { $1 }))
    }
    public func debug(_ message: StaticString, _ fields: [String: LogValue] = [:]) { self.log(.debug, message, fields) }
    public func info(_ message: StaticString, _ fields: [String: LogValue] = [:]) { self.log(.info, message, fields) }
    public func warning(_ message: StaticString, _ fields: [String: LogValue] = [:]) {
        self.log(.warning, message, fields)
    }
    public func error(_ message: StaticString, _ fields: [String: LogValue] = [:]) { self.log(.error, message, fields) }
}
