/// A point in time on this host's CLOCK_BOOTTIME, which never steps and goes on while the host sleeps.
///
/// Only the difference of two moments of one host means anything; wall-clock time is for people (``WallTime``).
public struct Moment: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Nanoseconds since the host started.
    public let nanoseconds: Int64
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }
    public init(_ sinceStart: Duration) { self.nanoseconds = sinceStart.wholeNanoseconds }
    public static let zero = Moment(nanoseconds: 0)

    public static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }
    public static func + (a: Self, b: Duration) -> Self { Moment(nanoseconds: a.nanoseconds + b.wholeNanoseconds) }
    public static func - (a: Self, b: Duration) -> Self { Moment(nanoseconds: a.nanoseconds - b.wholeNanoseconds) }
    public static func - (a: Self, b: Self) -> Duration { .nanoseconds(a.nanoseconds - b.nanoseconds) }
    public var description: String { "\(Double(self.nanoseconds / 1_000_000) / 1000)s" }
}

/// Milliseconds since 1970, UTC: for people and for other hosts, never for deciding what is due.
public struct WallTime: RawRepresentable, Hashable, Comparable, Sendable, Codable {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    public init(from decoder: any Decoder) throws {
        self.rawValue = try decoder.singleValueContainer().decode(Int64.self)
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.rawValue)
    }
}

extension Duration {
    /// Rounded towards zero.
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
    /// Rounded towards zero.
    public var wholeMilliseconds: Int64 { self.wholeNanoseconds / 1_000_000 }
    public var inSeconds: Double { Double(self.wholeNanoseconds) / 1e9 }
}
