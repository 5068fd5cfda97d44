public import Cluster

/// What is wrong with one cluster, and what is to be done: a pure machine. Every healer runs one for each cluster, always;
/// followers shadow, that is, do everything but act.
///
/// Events and the time come in, effects come out; it calls nothing, logs nothing, reads no clock. ``Permission`` is the
/// one place that lets a step begin, ``Guard`` lists what may forbid one, ``Condition`` has the rules for nodes.
public struct HealerMachine: Sendable {
    public let policy: Policy
    var state = ClusterState()
    var conditions: [NodeName: Condition] = [:]
    /// Of the last metadata view.
    var partitionFindings: [FindingCode: PartitionFinding] = [:]
    var leadership = Leadership.following
    /// When the present leadership began, which is not before its claim was committed.
    var leadingSince = Moment.zero
    var control: ControlView?
    var auditFailure: String?
    /// Why ZooKeeper did not take the last intent, until it takes one.
    var intentFailure: (reason: String, at: Moment)?
    var peers = Peers()
    /// Open ones.
    var incidents: [Subject: Incident] = [:]
    /// The newest last.
    var closed: [IncidentRecord] = []
    var attempts: [NodeName: Attempts] = [:]
    var recoveries: [NodeName: Recovery] = [:]
    var book = LedgerBook()
    var discovered: [NodeName: Node] = [:]
    var wall: (at: Moment, time: WallTime)?
    /// When each method was asked last, about which node.
    var asked: [Asked: Moment] = [:]
    var statesAskedAt: Moment?
    /// No intent before: the last one was not even sent, and asking again at once would not help.
    var holdOff = Moment.zero
    var lastIncident: Int64 = 0
    var lastIntent: Int64 = 0
    /// The leadership that both numbers belong to.
    var numberedUnder: Epoch?
    /// Why the records could not be read, the last time.
    var ledgerFailure: String?
    var published: Digest?
    var publishedAt: Moment?
    var counters = Counters()
    var random: SeededRandom
    /// Of the event that is being handled.
    var effects: [Effect] = []

    struct Asked: Hashable, Sendable {
        var node: NodeName?
        var method: MonitorMethod
    }

    /// As many closed incidents as are kept.
    static let keptClosed = 20
    /// Between two intents while ZooKeeper does not let us write any.
    public static let intentPause = Duration.seconds(30)

    /// - Parameter seed: decides the jitter between attempts.
    public init(policy: Policy, seed: UInt64) {
        self.policy = policy
        self.random = SeededRandom(seed: seed)
        for node in policy.nodes { self.state.add(node, methods: policy.methods(for: node)) }
    }

    public mutating func handle(_ event: Event, at now: Moment) -> [Effect] {
        self.effects = []
        var isTick = false
        switch event {
        case .ticked(let time):
            isTick = true
            self.wall = (now, time)
            // Nodes that were discovered before are known from here even when everything is down.
            if self.leadership == .following, self.book.readUnder == nil { self.readLedgerIfDue(at: now) }
        case .observed(let observation): self.observe(observation, at: now)
        case .leadership(let leadership): self.stand(leadership, at: now)
        case .controlRead(let control): self.control = control
        case .digestRead(let healer, let digest):
            if healer != self.policy.healer { self.peers.read(digest, of: healer, at: now) }
        case .ledgerRead(let contents): self.readLedger(contents, at: now)
        case .ledgerUnreadable(let reason): self.ledgerFailure = reason
        case .written(let id, let answer): self.written(id, answer, at: now)
        case .notAudited(let id): self.notAudited(id, at: now)
        case .stepEnded(let id, let result): self.stepEnded(id, result, at: now)
        case .probed(let id, let result): self.probed(id, result, at: now)
        case .evidence(let request, let evidence): self.evidence(request, evidence, at: now)
        case .auditUnwritable(let reason): self.auditFailure = reason
        case .intentUnwritable(let reason): self.intentFailure = (reason, now)
        }
        self.assess(at: now)
        self.publish(at: now)
        if isTick { self.askAgain(at: now) }
        self.lead(at: now, isTick: isTick)
        return self.effects
    }

    /// Whether every node is known to be well, and nothing is under way or owed to the records: nothing then is due sooner
    /// than the next look.
    public var isCalm: Bool {
        self.incidents.isEmpty && self.recoveries.isEmpty
            && (self.book.isSettled || self.leadership == .following)
            && self.state.names.allSatisfy { name in
                self.conditions[name]?.kind == .well && self.state.nodes[name]?.troubleSince == nil
            }
    }

    func wallTime(at moment: Moment) -> WallTime {
        guard let wall = self.wall else { return WallTime(0) }
        return WallTime(wall.time.rawValue + (moment - wall.at).wholeMilliseconds)
    }

    var verdicts: [NodeName: Digest.Verdict] {
        var verdicts: [NodeName: Digest.Verdict] = [:]
        for (name, condition) in self.conditions where condition.isConfirmed {
            guard let role = self.state.nodes[name]?.node.role, let code = condition.code(for: role) else { continue }
            verdicts[name] = Digest.Verdict(code: code, identity: condition.identity)
        }
        return verdicts
    }

    /// At once when a verdict changed, and often enough for others to know that it still holds.
    private mutating func publish(at now: Moment) {
        let verdicts = self.verdicts
        let isDue = self.publishedAt.map { now - $0 >= self.policy.timing.digestInterval } ?? true
        guard isDue || self.published?.verdicts != verdicts else { return }
        let digest = Digest(
            healer: self.policy.healer, sequence: (self.published?.sequence ?? 0) + 1, at: self.wallTime(at: now),
            verdicts: verdicts)
        self.published = digest
        self.publishedAt = now
        self.effects.append(.publish(digest))
    }
}
