public import Cluster

/// The partitions that are not well, and how many there are in all.
public struct PartitionsPage: Hashable, Sendable, Codable {
    /// As many as a page lists; what is left out is counted.
    public static let limit = 1000

    public var source: Source
    public var verdict: Verdict
    public var counts: PartitionCounts
    /// Those that are not well, offline ones first, then by topic and partition.
    public var partitions: [PartitionEntry]
    public var leftOut: Int

    /// - Parameter states: all partitions, in any order.
    public init(source: Source, verdict: Verdict, states: some Collection<PartitionState>) {
        let sick = states.filter { $0.isOffline || $0.isUnderReplicated || $0.isUnderMinISR }
            .sorted { ($0.isOffline ? 0 : 1, $0.id) < ($1.isOffline ? 0 : 1, $1.id) }
        self.source = source
        self.verdict = verdict
        self.counts = PartitionCounts(states)
        self.partitions = sick.prefix(Self.limit).map { PartitionEntry($0) }
        self.leftOut = max(0, sick.count - Self.limit)
    }
}

/// One partition that is not well.
public struct PartitionEntry: Hashable, Sendable, Codable {
    public var topic: String
    public var partition: Int32
    /// `nil` while it has no leader.
    public var leader: BrokerID?
    /// In assignment order: the first is the preferred leader.
    public var replicas: [BrokerID]
    public var inSyncReplicas: [BrokerID]
    /// `nil` while it is not known.
    public var minInSyncReplicas: Int?
    /// The worst first.
    public var ails: [Ailment]

    public enum Ailment: String, Hashable, Sendable, Codable {
        case offline
        case underMinISR = "under_min_isr"
        case underReplicated = "under_replicated"
    }

    public init(_ state: PartitionState) {
        self.topic = state.id.topic
        self.partition = state.id.partition
        self.leader = state.leader
        self.replicas = state.replicas
        self.inSyncReplicas = state.inSyncReplicas
        self.minInSyncReplicas = state.minInSyncReplicas
        self.ails =
            (state.isOffline ? [.offline] : []) + (state.isUnderMinISR ? [.underMinISR] : [])
            + (state.isUnderReplicated ? [.underReplicated] : [])
    }
}
