/// Why an API server did not do, or did not say, what it was asked.
public struct APIFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        /// No such object.
        case notFound
        /// It is not what the precondition says, or it was written meanwhile: read it again.
        case conflict
        /// What was read is too old for the server: read it again.
        case gone
        /// The token is not, or no longer, accepted.
        case unauthorized
        /// The service account's roles do not permit it.
        case forbidden
        /// A PodDisruptionBudget does not allow the eviction now.
        case budget
        /// The server has too much to do; it may say when to come back.
        case busy(retryAfter: Duration?)
        /// Any other HTTP status.
        case status(Int)
        /// No answer. What was asked may have been done, unless nobody listened.
        case noAnswer(mayHaveArrived: Bool)
        /// Its certificate is not signed by the authority that is trusted, or is another host's; or that authority cannot be
        /// read. Nothing was sent, the token neither.
        case untrusted
        /// An answer that cannot be read.
        case nonsense
        /// The token's file cannot be read.
        case noToken
    }
    public let reason: Reason
    /// The server's own words, or libcurl's; at most a line.
    public let detail: String

    public init(_ reason: Reason, _ detail: String) {
        self.reason = reason
        self.detail = String(detail.split(whereSeparator: \.isNewline).first?.prefix(300) ?? "")
    }

    public var description: String { self.detail }
}
