public import Cluster

/// One cluster at a glance. From ZooKeeper alone it lacks what only a running healer knows (``partitions``, and the
/// details of ``nodes``).
public struct StatusPage: Hashable, Sendable, Codable {
    public var source: Source
    public var verdict: Verdict
    /// `observe` or `heal`; `nil` when no healer answered.
    public var mode: String?
    /// `nil` before the first claim of all.
    public var leader: LeaderEntry?
    /// In the order of the election: the next in line stands first.
    public var members: [MemberEntry]
    public var nodes: [NodeEntry]
    /// `nil` while nobody has read them.
    public var partitions: PartitionCounts?
    public var paused: HoldEntry?
    /// True if the pause is for all clusters of this root.
    public var pausedEverywhere: Bool
    /// By node name; only those in force.
    public var maintenance: [HoldEntry]
    /// The open ones, oldest first.
    public var incidents: [IncidentEntry]
    /// Steps that are intended or under way.
    public var recoveries: [RecoveryEntry]

    public init(
        source: Source, verdict: Verdict, mode: String? = nil, leader: LeaderEntry? = nil, members: [MemberEntry] = [],
        nodes: [NodeEntry] = [], partitions: PartitionCounts? = nil, paused: HoldEntry? = nil,
        pausedEverywhere: Bool = false, maintenance: [HoldEntry] = [], incidents: [IncidentEntry] = [],
        recoveries: [RecoveryEntry] = []
    ) {
        self.source = source
        self.verdict = verdict
        self.mode = mode
        self.leader = leader
        self.members = members
        self.nodes = nodes
        self.partitions = partitions
        self.paused = paused
        self.pausedEverywhere = pausedEverywhere
        self.maintenance = maintenance
        self.incidents = incidents
        self.recoveries = recoveries
    }
}

/// The committed claim, and whether its owner still shows a pulse.
public struct LeaderEntry: Hashable, Sendable, Codable {
    public var member: HealerID
    public var incarnation: Incarnation
    public var epoch: Epoch
    /// Where its API answers, `host:port`.
    public var address: String
    /// Since when it leads; `nil` if not known.
    public var since: WallTime?
    /// Milliseconds since its last beat; `nil` if not known.
    public var beatAgeMs: Int64?
    public var state: State

    public enum State: String, Hashable, Sendable, Codable {
        /// Its candidate is there.
        case leading
        /// Its candidate is gone, by resignation or death, and nobody has claimed since.
        case gone
    }

    public init(
        member: HealerID, incarnation: Incarnation, epoch: Epoch, address: String, since: WallTime? = nil,
        beatAgeMs: Int64? = nil, state: State
    ) {
        self.member = member
        self.incarnation = incarnation
        self.epoch = epoch
        self.address = address
        self.since = since
        self.beatAgeMs = beatAgeMs
        self.state = state
    }
}

/// One healer in the election.
public struct MemberEntry: Hashable, Sendable, Codable {
    public var member: HealerID
    public var incarnation: Incarnation
    public var role: Role
    public var address: String
    public var version: String
    /// A digest of its configuration: members whose digests differ decide differently.
    public var configuration: String
    /// Milliseconds since it published what it sees; `nil` if it has not.
    public var observedAgeMs: Int64?

    public enum Role: String, Hashable, Sendable, Codable, CaseIterable {
        case leader, follower
    }

    public init(
        member: HealerID, incarnation: Incarnation, role: Role, address: String, version: String, configuration: String,
        observedAgeMs: Int64? = nil
    ) {
        self.member = member
        self.incarnation = incarnation
        self.role = role
        self.address = address
        self.version = version
        self.configuration = configuration
        self.observedAgeMs = observedAgeMs
    }

    public init(_ member: Member, role: Role, observedAgeMs: Int64? = nil) {
        self.init(
            member: member.id, incarnation: member.incarnation, role: role, address: member.address,
            version: member.version, configuration: member.configuration, observedAgeMs: observedAgeMs)
    }
}

/// Partitions counted by what ails them; one partition may count in several.
public struct PartitionCounts: Hashable, Sendable, Codable {
    public var total: Int
    public var offline: Int
    public var underReplicated: Int
    public var underMinISR: Int
    public var atMinISR: Int

    private enum CodingKeys: String, CodingKey {
        case total, offline, underReplicated
        case underMinISR = "underMinIsr"
        case atMinISR = "atMinIsr"
    }

    public init(total: Int = 0, offline: Int = 0, underReplicated: Int = 0, underMinISR: Int = 0, atMinISR: Int = 0) {
        self.total = total
        self.offline = offline
        self.underReplicated = underReplicated
        self.underMinISR = underMinISR
        self.atMinISR = atMinISR
    }

    public init(_ partitions: some Sequence<PartitionState>) {
        self.init()
        for partition in partitions {
            self.total += 1
            self.offline += partition.isOffline ? 1 : 0
            self.underReplicated += partition.isUnderReplicated ? 1 : 0
            self.underMinISR += partition.isUnderMinISR ? 1 : 0
            self.atMinISR += partition.isAtMinISR ? 1 : 0
        }
    }
}

/// A pause, or the maintenance of one node.
public struct HoldEntry: Hashable, Sendable, Codable {
    /// `nil` for a pause.
    public var node: NodeName?
    public var by: String
    public var why: String
    public var since: WallTime?
    /// `nil`: until somebody ends it.
    public var until: WallTime?

    public init(node: NodeName? = nil, _ hold: Control.Hold) {
        self.node = node
        self.by = hold.by
        self.why = hold.why
        self.since = hold.since
        self.until = hold.until
    }
}

/// The one open recovery of a node: a step that is intended, or under way.
public struct RecoveryEntry: Hashable, Sendable, Codable {
    public var node: NodeName
    public var incident: String
    public var step: String
    /// From 1.
    public var attempt: Int
    public var epoch: Epoch
    /// In the word of the tree, such as `intended` or `started`.
    public var state: String

    public init(node: NodeName, incident: String, step: String, attempt: Int, epoch: Epoch, state: String) {
        self.node = node
        self.incident = incident
        self.step = step
        self.attempt = attempt
        self.epoch = epoch
        self.state = state
    }

    /// As it stands in the tree: `open`, or how it ended.
    public init(_ record: RecoveryRecord) {
        self.init(
            node: record.intent.node, incident: record.intent.incident.description,
            step: record.intent.step.rawValue, attempt: record.intent.attempt, epoch: record.intent.id.epoch,
            state: record.result.map { $0.outcome.rawValue } ?? "open")
    }
}
