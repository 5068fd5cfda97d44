/// A line that librdkafka wrote, with the values of secret properties taken out.
public struct LogLine: Hashable, Sendable {
    /// As in syslog: 3 is an error, 4 a warning, 6 a note, 7 for debugging.
    public let severity: Int
    /// librdkafka's word for the kind of line, such as "FAIL".
    public let facility: String
    public let message: String
}

/// Where librdkafka's lines go. Called on a thread of the client, one line at a time; it should return soon.
public typealias LogSink = @Sendable (LogLine) -> Void
