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
    /// How often the in-sync replicas of a partition became fewer; 0 for those that it never happened to.
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
    /// How often this healer saw a former leader go on believing that it leads.
    public var twoLeadersSeen = 0
    public var election = ElectionMetrics()
    /// Nodes about which fresh observers differ.
    public var divergence = 0
    /// By ``Refusal/name``.
    public var refused: [String: Int] = [:]
    /// By code.
    public var openIncidents: [String: Int] = [:]
    /// From the first sign of a failure to its confirmation.
    public var timeToDetect = DurationSummary()
    /// From the first sign of a failure to its verified end.
    public var timeToHeal = DurationSummary()
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

    /// Sets ``topics`` and ``isrShrinks`` from all partitions of one metadata view.
    /// - Parameter shrinks: what was counted; partitions without a count get 0.
    public mutating func set(partitions: some Collection<PartitionState>, isrShrinks shrinks: [TopicPartition: Int]) {
        self.topics = Self.topics(of: partitions)
        self.isrShrinks = shrinks
        for partition in partitions where shrinks[partition.id] == nil { self.isrShrinks[partition.id] = 0 }
    }

    /// Counts ``topics`` from all partitions of one metadata view, in order of name.
    public static func topics(of partitions: some Sequence<PartitionState>) -> [Topic] {
        var topics: [String: Topic] = [:]
        for partition in partitions {
            let name = partition.id.topic
            var topic = topics[name] ?? Topic(topic: name, underReplicated: 0, offline: 0)
            topic.underReplicated += partition.isUnderReplicated ? 1 : 0
            topic.offline += partition.isOffline ? 1 : 0
            topics[name] = topic
        }
        return topics.values.sorted { $0.topic < $1.topic }
    }
}

/// This healer's part in one cluster's election, counted from its start.
public struct ElectionMetrics: Hashable, Sendable {
    /// Claims that were committed.
    public var claims = 0
    /// Of these, by what each was possible; every word that can occur stands in it from the start.
    public var takeovers: [String: Int] = [:]
    /// Leaderships that ended, by the reason; every word that can occur stands in it from the start.
    public var ended: [String: Int] = [:]
    /// How often the limit passed without an answered renewal.
    public var lateRenewals = 0
    /// How often another healer claimed over our head while we led in good order.
    public var needlessHandovers = 0
    /// From sending a write under the guard to its answer, of the last five to ten minutes; `nil` before the first.
    public var guardP50: Duration?
    public var guardP99: Duration?
    /// How long a leader goes on without an answered renewal.
    public var limit: Duration?

    public init(limit: Duration? = nil) { self.limit = limit }
}

extension Refusal {
    /// Every ``Refusal/name``, so that each has its series before it first occurs.
    public static let names = [
        "suspended", "taking_over", "control_unknown", "observing", "observed_only", "paused", "maintenance",
        "audit_unwritable", "intent_unwritable", "unreadable_record", "unconfirmed", "grace", "stale_facts",
        "evidence_pending",
        "agreement", "cooldown", "attempts_used_up", "flapping", "one_at_a_time", "registered", "supervisor_first",
        "not_proven_by_supervisor", "min_isr", "min_isr_unknown", "unclean_election", "quorum", "blast_radius",
        "policy",
    ]
}
