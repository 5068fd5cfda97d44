public import Cluster

/// What a healer says of itself to the others, who hold a connection to whoever leads.
public struct LeadershipPage: Hashable, Sendable, Codable {
    public var cluster: ClusterName
    public var member: HealerID
    /// Of its present candidacy.
    public var incarnation: Incarnation
    /// The highest it has seen.
    public var epoch: Epoch
    /// Whether it leads by its own account, which is only a belief, and would begin steps.
    public var leads: Bool

    public init(cluster: ClusterName, member: HealerID, incarnation: Incarnation, epoch: Epoch, leads: Bool) {
        self.cluster = cluster
        self.member = member
        self.incarnation = incarnation
        self.epoch = epoch
        self.leads = leads
    }
}
