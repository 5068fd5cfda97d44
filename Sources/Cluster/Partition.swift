public struct TopicPartition: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    public let topic: String
    public let partition: Int32
    public init(_ topic: String, _ partition: Int32) {
        self.topic = topic
        self.partition = partition
    }
    public var description: String { "\(self.topic)-\(self.partition)" }
    public static func < (a: Self, b: Self) -> Bool { (a.topic, a.partition) < (b.topic, b.partition) }
}

/// Where a partition stands, as one source saw it at one time.
public struct PartitionState: Hashable, Sendable, Codable {
    public let id: TopicPartition
    /// `nil` while the partition has no leader.
    public var leader: BrokerID?
    /// In assignment order: the first is the preferred leader.
    public var replicas: [BrokerID]
    public var inSyncReplicas: [BrokerID]
    /// The topic's `min.insync.replicas`; `nil` while it is not known.
    public var minInSyncReplicas: Int?
    /// The topic's `unclean.leader.election.enable`; `nil` while it is not known.
    public var uncleanElection: Bool?

    public init(
        _ id: TopicPartition, leader: BrokerID?, replicas: [BrokerID], inSyncReplicas: [BrokerID],
        minInSyncReplicas: Int? = nil, uncleanElection: Bool? = nil
    ) {
        self.id = id
        self.leader = leader
        self.replicas = replicas
        self.inSyncReplicas = inSyncReplicas
        self.minInSyncReplicas = minInSyncReplicas
        self.uncleanElection = uncleanElection
    }

    public var isOffline: Bool { self.leader == nil }
    public var isUnderReplicated: Bool { self.inSyncReplicas.count < self.replicas.count }
    /// False while the minimum is not known.
    public var isUnderMinISR: Bool { self.minInSyncReplicas.map { self.inSyncReplicas.count < $0 } ?? false }
    /// False while the minimum is not known.
    public var isAtMinISR: Bool { self.minInSyncReplicas.map { self.inSyncReplicas.count == $0 } ?? false }
}
