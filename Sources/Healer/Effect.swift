public import Cluster

/// What the machine asks its shell to do. Nothing here is answered by waiting: what comes of it is one more event.
public enum Effect: Hashable, Sendable {
    /// Ask these monitors at once, without waiting for their turn. `nil` when it is about no one node; `metadata` and
    /// `zookeeper` are always asked as a whole, the latter after a sync.
    case look(NodeName?, [MonitorMethod])
    /// Read the `state` znodes of these partitions, after a sync; the answer is ``Observation/Fact/partitionStates(_:)``.
    case readPartitionStates([TopicPartition])
    /// A node was discovered, or moved: watch it.
    case watch(Node)
    /// Put this into our observer node.
    case publish(Digest)
    /// Read everything that ``Ledger`` keeps, after a sync.
    case readLedger
    /// One write under the guard of the leadership, all or nothing; see ``Ledger/operations(for:)``.
    case write(LedgerWrite)
    /// The step may begin: its intent is in ZooKeeper. The runner looks at `startBy` once more, right before.
    case run(Order)
    /// What became of a step that an earlier leadership left behind?
    case probe(Intent)
    case collectEvidence(EvidenceRequest)
    /// Wake somebody. Only a leader asks for it.
    case page(Page)
    /// Something happened in an incident, for the log and the audit trail. Followers' shadows say so too.
    case note(Note)
}

/// A permitted step.
public struct Order: Hashable, Sendable {
    public var intent: Intent
    /// After this moment it must not be begun.
    public var startBy: Moment
    public init(intent: Intent, startBy: Moment) {
        self.intent = intent
        self.startBy = startBy
    }
}

public struct EvidenceRequest: Hashable, Sendable {
    public var node: NodeName
    /// The life of the process it is about.
    public var identity: ProcessIdentity?
    /// Ask the process for a thread dump: only before it is killed.
    public var threadDump: Bool
    /// The whole collection ends after so long, with what it has.
    public var limit: Duration
    public init(node: NodeName, identity: ProcessIdentity?, threadDump: Bool, limit: Duration) {
        self.node = node
        self.identity = identity
        self.threadDump = threadDump
        self.limit = limit
    }
}

public struct Page: Hashable, Sendable {
    public var incident: IncidentID?
    public var code: FindingCode
    public var subject: Subject
    public var reason: PageReason
    public init(incident: IncidentID?, code: FindingCode, subject: Subject, reason: PageReason) {
        self.incident = incident
        self.code = code
        self.subject = subject
        self.reason = reason
    }
}

public struct Note: Hashable, Sendable {
    public var incident: IncidentID?
    public var code: FindingCode
    public var subject: Subject
    public var entry: TimelineItem
    /// False in a follower's shadow.
    public var leading: Bool
    public init(
        incident: IncidentID?, code: FindingCode, subject: Subject, entry: TimelineItem, leading: Bool
    ) {
        self.incident = incident
        self.code = code
        self.subject = subject
        self.entry = entry
        self.leading = leading
    }
}
