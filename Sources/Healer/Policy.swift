public import Cluster

/// Everything that is configured about one cluster's healing. Defaults are those of DESIGN sections 6 and 7.
public struct Policy: Hashable, Sendable {
    public enum Mode: String, Hashable, Sendable, Codable, CaseIterable {
        /// Sees, says, and starts nothing.
        case observe
        case heal
    }
    public var cluster: ClusterName
    /// This healer.
    public var healer: HealerID
    /// How many healers are configured; at least 1.
    public var healers: Int
    public var mode: Mode = .observe
    /// False for a KRaft cluster, which is only observed.
    public var zooKeeperMode = true
    /// The coordination ensemble is the cluster's own: `deregister` rides inside the guard of its intent.
    public var sharesEnsemble = false
    /// What stands before `/brokers/ids` on the cluster's ensemble: empty, or such as `/kafka`.
    public var kafkaRoot = ""
    /// Nodes from the configuration.
    public var nodes: [Node] = []
    /// What a broker that registers without being among ``nodes`` is called; `nil` leaves it alone.
    public var discovery: Discovery? = Discovery()
    /// Overrides per node.
    public var overrides: [NodeName: NodePolicy] = [:]
    public var retry = RetryPolicy()
    public var codes: [FindingCode: CodePolicy] = CodePolicy.defaults
    public var timing = Timing()
    /// While more brokers than this fail, nothing disruptive is done; `nil` is a third of them, at least one.
    public var blastRadius: Int?
    /// How many verified recoveries of one node within ``RetryPolicy/window`` are the last that are tried.
    public var flappingLimit = 6

    public init(cluster: ClusterName, healer: HealerID, healers: Int = 1) {
        self.cluster = cluster
        self.healer = healer
        self.healers = healers
    }

    public func retry(for node: NodeName) -> RetryPolicy { self.overrides[node]?.retry ?? self.retry }
    public func code(_ code: FindingCode, for node: NodeName? = nil) -> CodePolicy {
        node.flatMap { self.overrides[$0]?.codes[code] } ?? self.codes[code] ?? CodePolicy(grace: .zero, ladder: [])
    }
    public func methods(for node: Node) -> Set<MonitorMethod> {
        self.overrides[node.name]?.methods ?? NodePolicy.methods(for: node.role)
    }
    /// How many healers must see the same before `deregister` and `kill`, this one included.
    public var agreement: Int { self.healers <= 2 ? self.healers : self.healers / 2 + 1 }
}

public struct NodePolicy: Hashable, Sendable {
    public var retry: RetryPolicy?
    /// The methods that the node is watched by; `nil` means those of its role.
    public var methods: Set<MonitorMethod>?
    public var codes: [FindingCode: CodePolicy]
    public init(
        retry: RetryPolicy? = nil, methods: Set<MonitorMethod>? = nil, codes: [FindingCode: CodePolicy] = [:]
    ) {
        self.retry = retry
        self.methods = methods
        self.codes = codes
    }
    public static func methods(for role: Node.Role) -> Set<MonitorMethod> {
        switch role {
        case .broker: [.socket, .protocol, .zookeeper, .metadata, .supervisor]
        case .zooKeeper: [.socket, .fourLetter, .supervisor]
        }
    }
}

/// How discovered brokers are named: `<prefix><id><suffix>`.
public struct Discovery: Hashable, Sendable {
    public var prefix: String
    public var suffix: String
    public init(prefix: String = "broker-", suffix: String = "") {
        self.prefix = prefix
        self.suffix = suffix
    }
    public func name(of broker: BrokerID) -> NodeName { NodeName("\(self.prefix)\(broker)\(self.suffix)") }
}

/// What a failure of one code gets.
public struct CodePolicy: Hashable, Sendable {
    /// A step of a ladder, or telling people.
    public enum Rung: Hashable, Sendable {
        case step(Step)
        /// Somebody must look.
        case page
    }
    /// `nil` is the cluster's. `observe` leaves this failure to people.
    public var mode: Policy.Mode?
    /// How long the finding must have held before the first rung.
    public var grace: Duration
    /// After a verified recovery of a node, how long no other is begun for the same failure of that node.
    public var cooldown: Duration
    /// In order. A step that does not apply any more (nothing is registered, the process is gone) is passed over; `start`
    /// is repeated as ``RetryPolicy`` says.
    public var ladder: [Rung]
    public init(mode: Policy.Mode? = nil, grace: Duration, cooldown: Duration = .zero, ladder: [Rung]) {
        self.mode = mode
        self.grace = grace
        self.cooldown = cooldown
        self.ladder = ladder
    }

    public static let defaults: [FindingCode: CodePolicy] = [
        .brokerDead: CodePolicy(grace: .zero, ladder: [.step(.deregister), .step(.start), .page]),
        .brokerHung: CodePolicy(grace: .seconds(30), cooldown: .seconds(300), ladder: [.step(.kill), .page]),
        .brokerStarting: CodePolicy(grace: .seconds(30 * 60), ladder: [.step(.deregister), .page]),
        .brokerStopped: CodePolicy(grace: .seconds(5 * 60), ladder: [.page]),
        .brokerUnregistered: CodePolicy(grace: .zero, ladder: [.page]),
        .zooKeeperDead: CodePolicy(grace: .zero, ladder: [.step(.start), .page]),
        .zooKeeperHung: CodePolicy(grace: .seconds(20), ladder: [.page]),
        // A restart brings back neither a quorum nor room on a disk.
        .zooKeeperNotServing: CodePolicy(grace: .seconds(20), ladder: [.page]),
        .zooKeeperStarting: CodePolicy(grace: .seconds(30 * 60), ladder: [.page]),
        .zooKeeperStopped: CodePolicy(grace: .seconds(5 * 60), ladder: [.page]),
        .partitionOffline: CodePolicy(grace: .zero, ladder: [.page]),
        .underMinISR: CodePolicy(grace: .seconds(30), ladder: [.page]),
        .underReplicated: CodePolicy(grace: .seconds(10 * 60), ladder: [.page]),
        .isrShrink: CodePolicy(grace: .seconds(10 * 60), ladder: [.page]),
    ]
}

/// How often a node is started, and how long lies between. The first attempt is immediate.
public struct RetryPolicy: Hashable, Sendable {
    /// Starts of one node within ``window`` that did not end in a verified recovery.
    public var attempts: Int
    /// Between the first attempt and the second.
    public var initialDelay: Duration
    public var multiplier: Double
    public var maximumDelay: Duration
    /// The share of a delay by which it is made longer at random, 0 to 1.
    public var jitter: Double
    public var window: Duration
    public init(
        attempts: Int = 3, initialDelay: Duration = .seconds(10), multiplier: Double = 1.5,
        maximumDelay: Duration = .seconds(120), jitter: Double = 0.1, window: Duration = .seconds(30 * 60)
    ) {
        self.attempts = attempts
        self.initialDelay = initialDelay
        self.multiplier = multiplier
        self.maximumDelay = maximumDelay
        self.jitter = jitter
        self.window = window
    }

    /// Between this attempt, from 1, and the next; without jitter.
    public func delay(after attempt: Int) -> Duration {
        var delay = self.initialDelay
        for _ in 1..<max(attempt, 1) where delay < self.maximumDelay { delay = delay * self.multiplier }
        return min(delay, self.maximumDelay)
    }
}

/// How long facts hold, what is waited for, and what is bounded.
public struct Timing: Hashable, Sendable {
    /// How long an observation may be built upon; three intervals of the monitors.
    public var validity: Duration = .seconds(15)
    /// The same for ``MonitorMethod/metadata``.
    public var metadataValidity: Duration = .seconds(20)
    /// How old the partition states may be that a disruptive step is permitted with.
    public var partitionStateValidity: Duration = .seconds(2)
    /// How long the brokers' ZooKeeper sessions last (`zookeeper.session.timeout.ms`).
    public var brokerSession: Duration = .seconds(18)
    /// Silence of a process that served before is called hung after so long.
    public var hungConfirm: Duration = .seconds(5)
    /// How long a ZooKeeper server must say that it does not serve; an election of its ensemble takes less.
    public var refusingConfirm: Duration = .seconds(10)
    /// How long a step may begin after its intent was sent: the profile's step freshness.
    public var freshness: Duration = .seconds(1)
    /// How long a healed node must stay well.
    public var verify: Duration = .seconds(3)
    public var evidenceLimit: Duration = .seconds(5)
    public var limits: [Step: Duration] = [.deregister: .seconds(5), .start: .seconds(60), .kill: .seconds(10)]
    /// After a step has ended, how long the cluster's one recovery waits for its effect to be seen.
    public var settleLimit: Duration = .seconds(15)
    /// Between two questions for the same facts.
    public var lookInterval: Duration = .milliseconds(500)
    public var digestInterval: Duration = .seconds(2)
    /// How long another healer's digest counts after it changed.
    public var digestValidity: Duration = .seconds(7)
    /// A suspicion that lasts so long without a second source is said to somebody.
    public var unconfirmedLimit: Duration = .seconds(60)
    /// After this the answer to a write or the end of a step is no longer waited for.
    public var answerLimit: Duration = .seconds(10)
    public init() {}

    public func validity(of method: MonitorMethod) -> Duration {
        method == .metadata ? self.metadataValidity : self.validity
    }
    public func limit(of step: Step) -> Duration { self.limits[step] ?? .seconds(60) }
}
