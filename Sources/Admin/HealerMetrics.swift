public import Cluster

/// What `/metrics` shows, as values. Counters grow from 0 at the start of the process.
public struct HealerMetrics: Hashable, Sendable {
    public var member: HealerID
    public var version: String
    /// In the order of the configuration.
    public var clusters: [ClusterMetrics]
    /// By kind, such as `audit`, `intent`, `monitor`; every kind that can occur stands in it from the start.
    public var errors: [String: Int]

    public init(member: HealerID, version: String, clusters: [ClusterMetrics], errors: [String: Int]) {
        self.member = member
        self.version = version
        self.clusters = clusters
        self.errors = errors
    }
}

/// The part of one cluster.
public struct ClusterMetrics: Hashable, Sendable {
    public var cluster: ClusterName
    /// All that are known, those offline as well.
    public var brokers: [Broker] = []
    public var topics: [Topic] = []
    /// How often the in-sync replicas of a partition became fewer. Partitions that it never happened to stand in it
    /// with 0, up to the caller's own bound.
    public var isrShrinks: [TopicPartition: Int] = [:]
    /// How long the last whole round of monitoring took, in seconds; `nil` before the first.
    public var monitoringSeconds: Double?
    public var recoveryAttempts = 0
    public var recoverySuccesses = 0

    public var role: MemberEntry.Role?
    /// The newest epoch seen.
    public var epoch: Epoch = .none
    /// Since when this healer has its role.
    public var roleSince: WallTime?
    public var quorum: Source.Quorum = .unknown
    /// Seconds in which this healer saw nobody lead.
    public var secondsWithoutLeader: Double = 0
    /// Nodes about which fresh observers differ.
    public var divergence = 0
    /// By the reason of the guard that said no; every reason stands in it from the start.
    public var refused: [String: Int] = [:]
    /// Open ones by code; every code stands in it from the start.
    public var openIncidents: [String: Int] = [:]
    /// Seconds from the first sign of a failure to its confirmation.
    public var timeToDetect = DurationHistogram(bounds: DurationHistogram.detectionBounds)
    /// Seconds from the first sign of a failure to its verified end.
    public var timeToHeal = DurationHistogram(bounds: DurationHistogram.healingBounds)
    public var isPaused = false
    public var nodesInMaintenance = 0
    /// Age of the oldest fact in use, in seconds; `nil` while there is none.
    public var dataAge: Double?

    public init(cluster: ClusterName) { self.cluster = cluster }

    public struct Broker: Hashable, Sendable {
        public var id: BrokerID
        public var endpoint: Endpoint
        public var isOnline: Bool
        public init(id: BrokerID, endpoint: Endpoint, isOnline: Bool) {
            self.id = id
            self.endpoint = endpoint
            self.isOnline = isOnline
        }
    }

    public struct Topic: Hashable, Sendable {
        public var topic: String
        public var underReplicated: Int
        public var offline: Int
        public init(topic: String, underReplicated: Int, offline: Int) {
            self.topic = topic
            self.underReplicated = underReplicated
            self.offline = offline
        }
    }

    /// Counts ``topics`` from the partitions of one metadata view.
    public static func topics(of partitions: some Sequence<PartitionState>) -> [Topic] {
        var topics: [String: Topic] = [:]
        for partition in partitions {
            let name = partition.id.topic
            topics[name, default: Topic(topic: name, underReplicated: 0, offline: 0)].underReplicated +=
                partition.isUnderReplicated ? 1 : 0
            topics[name]!.offline += partition.isOffline ? 1 : 0
        }
        return topics.values.sorted { $0.topic < $1.topic }
    }
}

/// Durations counted by how long they were, as Prometheus wants them.
public struct DurationHistogram: Hashable, Sendable {
    public static let detectionBounds = [0.25, 0.5, 1, 2, 5, 10, 30, 60, 300]
    public static let healingBounds = [1.0, 2, 5, 10, 20, 30, 60, 120, 300, 900, 3600]

    /// Upper bounds in seconds, growing.
    public let bounds: [Double]
    /// How many were not longer than the bound at the same place, and longer than the one before; the last: longer than
    /// all.
    public private(set) var counts: [Int]
    /// Seconds.
    public private(set) var sum: Double = 0
    public var count: Int { self.counts.reduce(0, +) }

    public init(bounds: [Double]) {
        self.bounds = bounds
        self.counts = Array(repeating: 0, count: bounds.count + 1)
    }

    public mutating func record(_ duration: Duration) {
        let seconds = duration.inSeconds
        self.counts[self.bounds.firstIndex { seconds <= $0 } ?? self.bounds.count] += 1
        self.sum += seconds
    }
}
