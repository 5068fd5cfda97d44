/// What an incident is about. A node has at most one open incident, whose code follows the node's condition.
public enum Subject: Hashable, Comparable, Sendable, Codable {
    case node(NodeName)
    /// All partitions of the cluster with this failure.
    case partitions(FindingCode)

    public static func < (a: Self, b: Self) -> Bool {
        switch (a, b) {
        case (.node(let a), .node(let b)): a < b
        case (.node, .partitions): true
        case (.partitions, .node): false
        case (.partitions(let a), .partitions(let b)): a.rawValue < b.rawValue
        }
    }
    /// `nil` for partitions.
    public var node: NodeName? { if case .node(let name) = self { name } else { nil } }
}

/// One failure of one thing, from first suspicion to close: what stands in `incidents/<id>`, and what `explain` tells.
public struct IncidentRecord: Hashable, Sendable, Codable {
    public enum Phase: String, Hashable, Sendable, Codable {
        /// One source says so.
        case suspected
        /// Two independent sources say so, or it is one that needs no second.
        case confirmed
        case closed
    }
    public enum Closing: String, Hashable, Sendable, Codable {
        /// After a step of ours the thing was verified to be well.
        case healed
        /// It became well without us.
        case recoveredByItself
        /// It was never confirmed.
        case unconfirmed
        /// The node is no longer looked after.
        case subjectGone
    }
    /// Given by the leader when it is confirmed; `nil` in a follower's shadow, and while only suspected.
    public var id: IncidentID?
    public var code: FindingCode
    public var subject: Subject
    public var phase: Phase
    /// Since when the trouble is known to exist.
    public var since: WallTime
    public var confirmedAt: WallTime?
    public var closedAt: WallTime?
    public var closing: Closing?
    /// The life of the process that failed.
    public var identity: ProcessIdentity?
    /// For partitions: how many, and some of them.
    public var partitionCount: Int?
    public var partitions: [TopicPartition]
    /// What somebody was woken for already.
    public var paged: [PageReason]
    /// Oldest first; bounded by leaving out the middle.
    public var timeline: [TimelineItem]
    public init(code: FindingCode, subject: Subject, since: WallTime) {
        self.id = nil
        self.code = code
        self.subject = subject
        self.phase = .suspected
        self.since = since
        self.partitions = []
        self.paged = []
        self.timeline = []
    }
}

/// One thing that happened in an incident, or was decided.
public struct TimelineItem: Hashable, Sendable, Codable {
    public var at: WallTime
    public var what: What
    public init(at: WallTime, what: What) {
        self.at = at
        self.what = what
    }

    public enum What: Hashable, Sendable, Codable {
        /// A first source says so.
        case suspected(FindingCode)
        /// The rule holds, by these sources.
        case confirmed(FindingCode, by: [MonitorMethod])
        /// The node's condition became another one.
        case became(FindingCode)
        /// Somebody other than the healers is at the node.
        case foreignHand(String)
        /// Another leader took the incident over.
        case adopted(Epoch)
        case evidence(Evidence)
        /// Every guard said yes.
        case permitted(Step)
        case refused(Step, Refusal)
        /// On its way to ZooKeeper.
        case intent(Intent)
        /// In ZooKeeper, and in time: the step begins.
        case begun(IntentID, Step)
        /// The intent did not come into being, or too late: the step does not begin.
        case withheld(IntentID, Withheld)
        case ended(IntentID, Step, StepResult)
        /// What an earlier leadership left behind is looked after.
        case takenOver(Intent)
        /// It serves again; now it must hold.
        case verifying
        case paged(PageReason)
        case closed(IncidentRecord.Closing)
        /// So many entries were left out here.
        case leftOut(Int)
    }
}

/// Why a step whose intent was sent does not begin.
public enum Withheld: String, Hashable, Sendable, Codable {
    /// The reply came after `startBy`.
    case late
    /// The reply was lost.
    case unknown
    case controlMoved
    case deposed
    case notLeading
    /// The record had changed.
    case refused
    /// ZooKeeper's access lists do not let us write it.
    case notAuthorized
    /// It could not be put into the audit trail, so it was not sent.
    case notAudited
}

public enum PageReason: Hashable, Sendable, Codable {
    case attemptsUsedUp(Int)
    case flapping(Int)
    /// A step is not permitted to the healer itself: exit status or error as it came.
    case stepNotPermitted(Step, String)
    /// It lasts longer than its grace, and no step is foreseen.
    case lasts
    /// Only one source says so, for so long that somebody should look.
    case unconfirmed
    /// The mode, or the kind of cluster, leaves it to people.
    case notOurs

    /// The case without its values: nobody is woken twice for the same.
    public var name: String {
        switch self {
        case .attemptsUsedUp: "attempts_used_up"
        case .flapping: "flapping"
        case .stepNotPermitted: "step_not_permitted"
        case .lasts: "lasts"
        case .unconfirmed: "unconfirmed"
        case .notOurs: "not_ours"
        }
    }
}

/// What was found on a node before it was changed.
public struct Evidence: Hashable, Sendable, Codable {
    public var exit: ExitStatus?
    /// Where the parts below come from, with their text, capped.
    public var parts: [Part]
    public struct Part: Hashable, Sendable, Codable {
        /// Such as `log`, `threads`.
        public var name: String
        public var text: String
        public init(name: String, text: String) {
            self.name = name
            self.text = text
        }
    }
    /// The bound was reached before everything was there.
    public var isPartial: Bool
    public init(exit: ExitStatus? = nil, parts: [Part] = [], isPartial: Bool = false) {
        self.exit = exit
        self.parts = parts
        self.isPartial = isPartial
    }
}
