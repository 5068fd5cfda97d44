/// Why a guard said no to a step.
public enum Refusal: Hashable, Sendable, Codable {
    /// Leadership stands in doubt: nothing new is started.
    case suspended
    /// What the leader before left behind is not read yet.
    case takingOver
    /// `control` is not read yet, or was written while the step was decided.
    case controlUnknown
    case observing
    /// A KRaft cluster.
    case observedOnly
    case paused(by: String, why: String, until: WallTime?)
    case maintenance(by: String, why: String, until: WallTime?)
    case auditUnwritable(reason: String)
    /// ZooKeeper's access lists do not let us put an intent down.
    case intentUnwritable(reason: String)
    case unreadableRecord
    /// Only one source says so.
    case unconfirmed
    case grace(milliseconds: Int64)
    /// These must be asked again first.
    case staleFacts([MonitorMethod])
    /// The partition states must be read first.
    case stalePartitions
    case evidencePending
    case agreement(seen: Int, needed: Int)
    /// Back-off between attempts.
    case coolingDown(until: WallTime)
    case attemptsUsedUp(Int)
    /// Healed so often within the window that healing is not the cure.
    case flapping(Int)
    /// One recovery at a time.
    case busy(with: NodeName)
    /// Its own old registration would kill a started broker.
    case registered
    /// Its supervisor is about to start it.
    case supervisorFirst
    /// Somebody else is at it.
    case foreignHand(String)
    case notProvenBySupervisor
    case minISR(TopicPartition)
    case minISRUnknown
    case uncleanElection(TopicPartition)
    case quorum(serving: Int, needed: Int)
    case blastRadius(failing: Int, limit: Int)
    case byPolicy

    /// For metrics and for telling whether the reason changed: the case without its values.
    public var name: String {
        switch self {
        case .suspended: "suspended"
        case .takingOver: "taking_over"
        case .controlUnknown: "control_unknown"
        case .observing: "observing"
        case .observedOnly: "observed_only"
        case .paused: "paused"
        case .maintenance: "maintenance"
        case .auditUnwritable: "audit_unwritable"
        case .intentUnwritable: "intent_unwritable"
        case .unreadableRecord: "unreadable_record"
        case .unconfirmed: "unconfirmed"
        case .grace: "grace"
        case .staleFacts, .stalePartitions: "stale_facts"
        case .evidencePending: "evidence_pending"
        case .agreement: "agreement"
        case .coolingDown: "cooldown"
        case .attemptsUsedUp: "attempts_used_up"
        case .flapping: "flapping"
        case .busy: "one_at_a_time"
        case .registered: "registered"
        case .supervisorFirst: "supervisor_first"
        case .foreignHand: "foreign_hand"
        case .notProvenBySupervisor: "not_proven_by_supervisor"
        case .minISR: "min_isr"
        case .minISRUnknown: "min_isr_unknown"
        case .uncleanElection: "unclean_election"
        case .quorum: "quorum"
        case .blastRadius: "blast_radius"
        case .byPolicy: "policy"
        }
    }
}
