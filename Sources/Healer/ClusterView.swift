public import Cluster

/// What one healer can say at one moment, for status pages and metrics. A value: nothing in it changes any more.
public struct ClusterView: Hashable, Sendable {
    public struct NodeRow: Hashable, Sendable {
        public var node: Node
        public var status: NodeStatus
        /// The confirmed condition, or the suspected one.
        public var code: FindingCode?
        public var isConfirmed: Bool
        public var identity: ProcessIdentity?
        public var process: ProcessState.State?
        /// Registered in ZooKeeper; `nil` when not known, and for what does not register.
        public var registered: Bool?
        public var isController: Bool
        /// `nil` before the first look.
        public var lastCheck: WallTime?
        public var age: Duration?
        /// Of the last answer.
        public var response: Duration?
        /// The method of the last look.
        public var method: MonitorMethod?
        public var error: String?
    }
    public struct Partitions: Hashable, Sendable {
        /// `nil` before the first metadata.
        public var age: Duration?
        public var topics: Int
        /// All partitions as the last metadata showed them, in order of topic and partition.
        public var states: [PartitionState]
        public var offline: [TopicPartition]
        public var underReplicated: [TopicPartition]
        public var underMinISR: [TopicPartition]
        public var atMinISR: [TopicPartition]
        /// Every topic is in both, with 0 where nothing is wrong.
        public var offlineByTopic: [String: Int]
        public var underReplicatedByTopic: [String: Int]
    }
    public struct RecoveryRow: Hashable, Sendable {
        public enum Stage: String, Hashable, Sendable, Codable {
            case asking, running, probing, recording, settling
        }
        public var node: NodeName
        public var intent: Intent?
        public var stage: Stage
        public var age: Duration
    }
    public var cluster: ClusterName
    public var healer: HealerID
    public var at: WallTime
    public var leadership: Leadership
    public var mode: Policy.Mode
    public var zooKeeperMode: Bool
    public var clusterID: String?
    public var controller: BrokerID?
    public var pause: Control.Hold?
    public var maintenance: [NodeName: Control.Hold]
    /// In order of name.
    public var nodes: [NodeRow]
    public var partitions: Partitions
    /// Open ones, oldest first.
    public var openIncidents: [IncidentRecord]
    /// The newest last, bounded.
    public var closedIncidents: [IncidentRecord]
    public var recoveries: [RecoveryRow]
    /// Healers whose digest counts now, with the number of nodes on which they differ from us.
    public var divergence: [HealerID: Int]
    /// Why the audit trail cannot be written; `nil` when it can.
    public var auditFailure: String?
    /// Whether what is kept in ZooKeeper was read: then all nodes that were ever discovered are known.
    public var ledgerIsRead: Bool
    /// Why what is kept in ZooKeeper could not be read, the last time; `nil` when it was.
    public var ledgerFailure: String?
    /// Of monitors that are about no one node, until they succeed again.
    public var monitorFailures: [MonitorMethod: String]
    public var counters: Counters
}

/// What only grows while this healer runs.
public struct Counters: Hashable, Sendable {
    /// Steps that were begun.
    public var attempts: [Step: Int] = [:]
    /// Steps that ended well.
    public var stepsSucceeded: [Step: Int] = [:]
    /// Recoveries that were verified, by node.
    public var healed: [NodeName: Int] = [:]
    public var attemptsByNode: [NodeName: Int] = [:]
    /// By ``Refusal/name``, once per change of reason.
    public var refusals: [String: Int] = [:]
    /// By ``Withheld``.
    public var withheld: [Withheld: Int] = [:]
    public var isrShrinks: [TopicPartition: Int] = [:]
    public var isrExpands: [TopicPartition: Int] = [:]
    public var incidents: [FindingCode: Int] = [:]
    public var pages = 0
    public var takeovers = 0
    /// From the first sign of trouble to the confirmed finding.
    public var timeToDetect = DurationSummary()
    /// From the first sign of trouble to the verified end.
    public var timeToHeal = DurationSummary()
    public init() {}
}
