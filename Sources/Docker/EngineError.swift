/// Why an engine did not do, or did not say, what it was asked.
public struct EngineError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        /// No container has that name.
        case noSuchContainer
        /// The container's state does not allow it, such as a kill of one that does not run.
        case conflict
        /// Refused by the filter, or by the engine's authorization.
        case forbidden
        /// Any other HTTP status.
        case status(Int)
        /// No answer. What was asked may have been done, unless nobody listened.
        case noAnswer(mayHaveArrived: Bool)
        /// An answer that cannot be read.
        case nonsense
    }
    public let reason: Reason
    /// The engine's own words, or libcurl's; at most a line.
    public let detail: String

    public init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        self.detail = String(detail.split(whereSeparator: \.isNewline).first?.prefix(300) ?? "")
    }

    public var description: String { self.detail }
}
