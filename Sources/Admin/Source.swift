public import Cluster

/// Where an answer comes from and how far it may be trusted; stands on every page.
public struct Source: Hashable, Sendable, Codable {
    public var cluster: ClusterName
    /// The healer that answered, or `zookeeper` when `healerctl` read the tree itself.
    public var answeredBy: String
    /// When the page was made, by the wall clock of who made it.
    public var readAt: WallTime
    /// Age of the oldest fact that the page rests on, in milliseconds; `nil` while there is none.
    public var dataAgeMs: Int64?
    public var quorum: Quorum

    public init(cluster: ClusterName, answeredBy: String, readAt: WallTime, dataAgeMs: Int64?, quorum: Quorum) {
        self.cluster = cluster
        self.answeredBy = answeredBy
        self.readAt = readAt
        self.dataAgeMs = dataAgeMs
        self.quorum = quorum
    }

    /// Whether the coordination ensemble accepts writes, as far as the one who answers can tell.
    public enum Quorum: String, Hashable, Sendable, Codable {
        case established
        /// Nobody may act, and what is shown may be stale.
        case lost
        case unknown
    }
}

/// Answers that every page can give: is it well, and if not, why.
public struct Verdict: Hashable, Sendable, Codable {
    public var healthy: Bool
    /// One sentence each; empty when healthy.
    public var reasons: [String]

    /// Healthy if there is no reason against it.
    public init(reasons: [String]) {
        self.healthy = reasons.isEmpty
        self.reasons = reasons
    }
}
