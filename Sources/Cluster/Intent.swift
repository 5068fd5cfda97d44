/// `<epoch>-<n>`: the n-th of its kind in a leadership, from 1.
public protocol NumberedInEpoch: Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    var epoch: Epoch { get }
    var number: Int64 { get }
    init(epoch: Epoch, number: Int64)
}

extension NumberedInEpoch {
    /// `nil` unless it is two whole numbers with a dash between.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let epoch = Int64(parts[0]), let number = Int64(parts[1]), epoch >= 0, number >= 0
        else { return nil }
        self.init(epoch: Epoch(epoch), number: number)
    }
    public var description: String { "\(self.epoch)-\(self.number)" }
    public static func < (a: Self, b: Self) -> Bool { (a.epoch, a.number) < (b.epoch, b.number) }
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not <epoch>-<n>")
        }
        self = id
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.description)
    }
}

/// Names one intent: one permission for one step.
public struct IntentID: NumberedInEpoch {
    public let epoch: Epoch
    public let number: Int64
    public init(epoch: Epoch, number: Int64) {
        self.epoch = epoch
        self.number = number
    }
}

/// Names one incident; kept when a later leader takes it over.
public struct IncidentID: NumberedInEpoch {
    public let epoch: Epoch
    public let number: Int64
    public init(epoch: Epoch, number: Int64) {
        self.epoch = epoch
        self.number = number
    }
}

/// One rung of a ladder that changes the world.
public enum Step: String, Hashable, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    /// Takes the registration of a broker whose process is proven dead out of ZooKeeper, so that its partitions get new
    /// leaders at once and it can be started without `NodeExists`.
    case deregister
    /// Asks the node's supervisor to start it; does nothing to a running node.
    case start
    /// Asks the node's supervisor to kill exactly the process that was proven hung.
    case kill

    /// Whether it takes something away from a cluster in which too much fails already.
    public var isDisruptive: Bool { self != .start }
}

/// What a step is to do, put down in ZooKeeper before it may begin.
public struct Intent: Hashable, Sendable, Codable {
    public var id: IntentID
    public var incident: IncidentID
    public var node: NodeName
    public var step: Step
    /// From 1, per incident and step.
    public var attempt: Int
    /// Which life of the process is meant: for `kill` the one that was proven hung, for `start` the dead one that is to be
    /// followed by a new one. A runner refuses when the node has another identity. `nil` only for a `start` of a node
    /// that never ran, or whose supervisor does not tell.
    public var target: ProcessIdentity?
    /// For `deregister` only.
    public var registration: DeadRegistration?
    /// It may start so long after the write that put it down was sent, and not later (`startBy`).
    public var freshnessMilliseconds: Int64
    /// Once started it is ended after so long (`endBy`).
    public var limitMilliseconds: Int64

    public init(
        id: IntentID, incident: IncidentID, node: NodeName, step: Step, attempt: Int, target: ProcessIdentity?,
        registration: DeadRegistration? = nil, freshness: Duration, limit: Duration
    ) {
        self.id = id
        self.incident = incident
        self.node = node
        self.step = step
        self.attempt = attempt
        self.target = target
        self.registration = registration
        self.freshnessMilliseconds = freshness.wholeMilliseconds
        self.limitMilliseconds = limit.wholeMilliseconds
    }
    public var freshness: Duration { .milliseconds(self.freshnessMilliseconds) }
    public var limit: Duration { .milliseconds(self.limitMilliseconds) }
}

/// The registration that `deregister` removes, as it was read after its owner was proven dead.
public struct DeadRegistration: Hashable, Sendable, Codable {
    public var broker: BrokerID
    /// `ephemeralOwner`, which no multi can check: it is read again right before.
    public var owner: Int64
    public var version: Int32
    /// The data version of `/controller_epoch`, when the same session owns `/controller`: both are removed together.
    public var controllerEpochVersion: Int32?
    public init(broker: BrokerID, owner: Int64, version: Int32, controllerEpochVersion: Int32?) {
        self.broker = broker
        self.owner = owner
        self.version = version
        self.controllerEpochVersion = controllerEpochVersion
    }
}

/// How a step ended.
public struct StepResult: Hashable, Sendable, Codable {
    public enum Outcome: String, Hashable, Sendable, Codable {
        case succeeded
        case failed
        /// Not executable, not permitted, refused by the supervisor: no repetition will help.
        case notPermitted
        /// Somebody else goes first, and `output` says who: nothing was done to the world, and it may be tried again later.
        case yielded
        case timedOut
        /// Ended on purpose, because the leadership that had permitted it was over.
        case interrupted
        /// `startBy` had passed, or the intent was put down but never begun: nothing was done to the world.
        case notStarted
        /// Nobody can tell what became of it.
        case unknown
    }
    public var outcome: Outcome
    public var exit: ExitStatus?
    public var tookMilliseconds: Int64
    /// Head and tail of what it said, or why it was refused. Capped by the runner, and again in records.
    public var output: String
    public init(_ outcome: Outcome, exit: ExitStatus? = nil, took: Duration = .zero, output: String = "") {
        self.outcome = outcome
        self.exit = exit
        self.tookMilliseconds = took.wholeMilliseconds
        self.output = output
    }
}

/// What became of an intent that an earlier leadership left behind.
public enum ProbeResult: Hashable, Sendable {
    case notStarted
    case running
    case done(StepResult)
    case unknown
}

/// What stands in `recoveries/<node>`: the last step for this node, open while `result` is `nil`.
public struct RecoveryRecord: Hashable, Sendable, Codable {
    public var intent: Intent
    public var putDownAt: WallTime
    public var result: StepResult?
    public var endedAt: WallTime?
    public var isOpen: Bool { self.result == nil }
    public init(intent: Intent, putDownAt: WallTime, result: StepResult? = nil, endedAt: WallTime? = nil) {
        self.intent = intent
        self.putDownAt = putDownAt
        self.result = result
        self.endedAt = endedAt
    }
}

/// What stands in `history/<node>`: the attempts of the present window, so that a new leader goes on counting.
public struct HistoryRecord: Hashable, Sendable, Codable {
    public struct Attempt: Hashable, Sendable, Codable {
        public var intent: IntentID
        public var step: Step
        public var incident: IncidentID
        /// For people.
        public var at: WallTime
        /// How old the attempt was when this record was written. A later leader takes it for its age: too young rather
        /// than too old, so no clock of another host is trusted and it waits rather longer.
        public var ageMilliseconds: Int64
        /// `nil` while it is open.
        public var outcome: StepResult.Outcome?
        public init(
            intent: IntentID, step: Step, incident: IncidentID, at: WallTime, age: Duration,
            outcome: StepResult.Outcome?
        ) {
            self.intent = intent
            self.step = step
            self.incident = incident
            self.at = at
            self.ageMilliseconds = age.wholeMilliseconds
            self.outcome = outcome
        }
    }
    public struct Healed: Hashable, Sendable, Codable {
        /// What the node was healed of: what was confirmed first.
        public var code: FindingCode
        /// As ``Attempt/ageMilliseconds``.
        public var ageMilliseconds: Int64
        public init(code: FindingCode, age: Duration) {
            self.code = code
            self.ageMilliseconds = age.wholeMilliseconds
        }
    }
    public var node: NodeName
    /// Oldest first.
    public var attempts: [Attempt]
    /// Verified recoveries of this node, oldest first.
    public var healed: [Healed]
    public init(node: NodeName, attempts: [Attempt] = [], healed: [Healed] = []) {
        self.node = node
        self.attempts = attempts
        self.healed = healed
    }
}

/// What stands in `nodes`: the nodes discovered so far, and those that the leader's configuration names.
public struct NodesRecord: Hashable, Sendable, Codable {
    /// Discovered, so that they are known when everything is down. In order of name.
    public var nodes: [Node]
    /// For whoever reads the tree without a healer. Healers have a configuration of their own. In order of name.
    public var configured: [Node]
    public init(nodes: [Node], configured: [Node] = []) {
        self.nodes = nodes
        self.configured = configured
    }

    /// In order of name.
    public var all: [Node] {
        let names = Set(self.configured.map(\.name))
        return (self.configured + self.nodes.filter { !names.contains($0.name) }).sorted { $0.name < $1.name }
    }
}
