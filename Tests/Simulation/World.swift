internal import Cluster
internal import Election
internal import Healer

/// A whole installation in memory, hurt by a seed: three healers, an ensemble of three servers of which one lags.
///
/// What healers do is judged by witnesses of the world's own: the ensemble's log and the steps that began.
final class World {
    let seed: UInt64
    let scheduler: Scheduler
    let ensemble: Ensemble
    let layout = Layout(root: "/kafka-healer", cluster: ClusterName("main"))
    let timing: Election.Timing
    /// How long a message takes.
    let delay: ClosedRange<Duration>
    private(set) var healers: [SimulatedHealer] = []
    /// `nil` where healers have errands to run instead of brokers to look after.
    private(set) var cluster: SimulatedCluster!
    private(set) var supervisors: Supervisors!
    let ledger: Ledger
    let hasLag: Bool
    private(set) var policy: Policy
    private var paged: Set<Subject> = []

    private(set) var faults: Faults!
    var tally = Tally()
    private(set) var violations: [Violation] = []

    /// What the record said after the last entry.
    private var record = LeaderRecord.vacant(.none)
    private var epochsHaveRestarted = false
    /// Who was told that it leads which epoch.
    private var led: Set<Epoch> = []
    /// For how long a renewal would have been accepted since the last one was.
    private var renewable = Duration.zero
    private var checkedAt: Moment
    /// Steps that were permitted and have not begun.
    private var permits: [Epoch: Int] = [:]

    /// - Parameter cluster: with brokers that die and freeze. Without, leaders run errands all the time, so that more is
    ///   written under the guard, and the ensemble is hurt more.
    ///   - lag: whether one server hears of commits late.
    init(seed: UInt64, cluster: Bool, lag: Bool = true, healers: Int = 3) {
        self.hasLag = lag
        self.seed = seed
        self.scheduler = Scheduler(seed: seed)
        self.checkedAt = self.scheduler.now
        self.timing = self.scheduler.random.chance(0.5) ? .steady : .fast
        self.delay = .microseconds(200)...(.milliseconds(Int.random(in: 1...8, using: &self.scheduler.random)))
        // With Kafka's own setting a server that was cut off serves old reads for longer than our session lasts.
        let tick = self.scheduler.random.chance(0.5) ? Duration.milliseconds(500) : .milliseconds(2000)
        self.ensemble = Ensemble(servers: 3, tick: tick, lag: lag, scheduler: self.scheduler)
        self.ledger = Ledger(self.layout)
        self.policy = Policy(cluster: self.layout.cluster, healer: HealerID("healer-0"), healers: healers)
        if cluster { self.addCluster() }
        self.ensemble.committed = { [unowned self] mark, operations in self.committed(mark, operations) }
        self.healers = (0..<healers).map { SimulatedHealer(index: $0, world: self) }
        for healer in self.healers {
            self.scheduler.after(self.scheduler.random.duration(.zero...(.seconds(1)))) { healer.start() }
        }
    }

    private func addCluster() {
        let session = Duration.seconds(self.scheduler.random.chance(0.5) ? 6 : 18)
        self.policy.mode = .heal
        self.policy.nodes = (1...3).map { BrokerID($0) }.map {
            Node(name: SimulatedCluster.name($0), role: .broker($0), endpoint: SimulatedCluster.endpoint($0))
        }
        self.policy.discovery = nil
        self.policy.timing.brokerSession = session
        self.policy.timing.freshness = self.timing.freshness
        self.policy.timing.hungConfirm = .seconds(2)
        // Shorter than in life, so that a run sees more of it.
        self.policy.codes[.brokerHung] = CodePolicy(grace: .seconds(5), ladder: [.step(.kill), .page])
        self.policy.flappingLimit = 100
        self.supervisors = Supervisors(world: self)
        self.cluster = SimulatedCluster(world: self, session: session)
        self.cluster.died = { [unowned self] id in for healer in self.healers { healer.healing?.died(id) } }
        self.cluster.registrationsChanged = { [unowned self] in
            for healer in self.healers { healer.healing?.askRegistrations() }
        }
    }

    /// For people only: the healers' wall clocks agree here.
    var wallTime: WallTime { WallTime(1_700_000_000_000 + (self.scheduler.now - .zero).wholeMilliseconds) }

    /// A digest goes through ZooKeeper: whoever is connected reads it soon.
    func publish(_ digest: Digest, from shell: ElectionShell) {
        guard shell.machine.isConnected else { return }
        for healer in self.healers where healer.index != shell.healer {
            self.scheduler.after(self.scheduler.random.duration(.milliseconds(5)...(.milliseconds(300)))) {
                guard let election = healer.election, election.machine.isConnected else { return }
                election.inProcess { healer.healing?.handle(.digestRead(digest.healer, digest)) }
            }
        }
    }

    func paged(_ page: Page, by shell: ElectionShell) {
        if shell.machine.heldClaim == nil { self.violated("S3", "healer \(shell.healer) paged as a follower") }
        self.paged.insert(page.subject)
    }

    /// Whether this very intent stands open where the next leader would find it.
    func hasIntent(_ intent: Intent, at path: String) -> Bool {
        guard let node = self.ensemble.tree[path],
            case .recovery(let record)? = Ledger.decode(node.data, of: .recovery(intent.node))
        else { return false }
        return record.isOpen && record.intent == intent
    }

    func violated(_ invariant: String, _ what: String) {
        self.violations.append(Violation(invariant: invariant, what: what, at: self.scheduler.now))
    }

    /// The tree was taken away by a fault, so nobody can know the former epochs for sure.
    func treeWasTakenAway() {
        self.epochsHaveRestarted = true
        self.record = .vacant(.none)
    }

    func alerted(_ alert: ElectionAlert) {}

    /// Whom somebody may want to lead next, dead or alive.
    var anySuccessor: Successor {
        let names = self.ensemble.tree[self.layout.candidates]?.children.sorted() ?? []
        switch Int.random(in: 0..<3, using: &self.scheduler.random) {
        case 0: return .firstInLine
        case 1: return names.max { $0.suffix(10) < $1.suffix(10) }.map { .candidate($0) } ?? .firstInLine
        default: return .candidate(names.randomElement(using: &self.scheduler.random) ?? "nobody")
        }
    }

    // MARK: Witnesses

    /// Sees every multi that was committed.
    private func committed(_ mark: WriteMark?, _ operations: [StoreOperation]) {
        if let mark {
            // Two may believe that they lead; the ensemble accepts the writes of one.
            if mark.epoch != self.record.epoch || mark.nonce != self.record.nonce {
                self.violated(
                    "S2",
                    "healer \(mark.healer) had a write accepted under epoch \(mark.epoch) while the record said "
                        + "\(self.record.epoch)")
            }
            if mark.opensStep {
                self.permits[mark.epoch, default: 0] += 1
                let paused = [self.layout.control, self.layout.globalControl].contains { path in
                    self.ensemble.tree[path].map { Errands.paused($0.data) } ?? false
                }
                if paused { self.violated("S2", "a step was permitted under epoch \(mark.epoch) after the pause") }
            }
        }
        if operations.contains(where: { if case .set(self.layout.beat, _, _) = $0 { true } else { false } }) {
            self.renewable = .zero
        }
        guard operations.contains(where: { $0.path == self.layout.leader }) else { return }
        guard let node = self.ensemble.tree[self.layout.leader] else { return self.treeWasTakenAway() }
        guard let record = try? LeaderRecord(decoding: node.data), record != self.record else { return }
        if record.holder != nil {
            if record.epoch <= self.record.epoch {
                self.violated("S2", "a claim went from epoch \(self.record.epoch) to \(record.epoch)")
            }
            if operations.contains(where: { if case .check(self.layout.beat, _) = $0 { true } else { false } }),
                self.renewable < self.shortestSilence
            {
                self.violated("S13", "a claim for silence after only \(self.renewable) in which one could have renewed")
            }
            self.renewable = .zero
            self.tally.claims += 1
            if self.record.holder != nil { self.tally.takeovers += 1 }
        } else if record.epoch < self.record.epoch {
            self.violated("S2", "a resignation went from epoch \(self.record.epoch) to \(record.epoch)")
        }
        self.record = record
    }

    /// Sees every step that begins, in the world, not in the healer.
    func stepBegins(_ shell: ElectionShell, epoch: Epoch, startBy: Moment) {
        self.tally.starts += 1
        if self.permits[epoch, default: 0] == 0 {
            self.violated("S2", "healer \(shell.healer) began a step under epoch \(epoch) that nothing permitted")
        } else {
            self.permits[epoch]! -= 1
        }
        if shell.machine.heldClaim == nil {
            self.violated("S3", "healer \(shell.healer) began a step as a follower")
        }
        if shell.now >= startBy {
            self.violated("S2", "healer \(shell.healer) began a step after its startBy")
        }
        guard case .connected? = shell.client?.told else {
            return self.violated("S4", "healer \(shell.healer) began a step after it was told that it is disconnected")
        }
        let lease = shell.lastGoodSent.map { shell.now - $0 } ?? .seconds(1_000_000)
        if lease >= self.timing.limit {
            self.violated("S4", "healer \(shell.healer) began a step \(lease) after its last good renewal was sent")
        }
    }

    /// The least that may pass for silence: by the fastest clock, with a gap of the longest kind in between.
    private var shortestSilence: Duration { (self.timing.silence - self.timing.beat * 3) * 9 / 12 }

    /// Hears what each healer is told.
    func told(_ shell: ElectionShell, _ announcement: Announcement) {
        guard case .leading(let epoch) = announcement else { return }
        switch shell.machine.lastTakeover {
        case .crash: self.tally.hints += 1
        case .silence: self.tally.silences += 1
        case .vacancy, .expiry, nil: break
        }
        if !self.led.insert(epoch).inserted, !self.epochsHaveRestarted {
            self.violated("S2", "healer \(shell.healer) leads epoch \(epoch), which was led before")
        }
    }

    /// After every step of the world.
    func check() {
        if self.ensemble.isWritable { self.renewable += self.scheduler.now - self.checkedAt }
        self.checkedAt = self.scheduler.now
        for healer in self.healers {
            // Whoever believes that it leads has had its claim committed, and nobody else had one under that epoch.
            guard let shell = healer.election, case .leading(let claim, _) = shell.machine.phase else { continue }
            if claim.epoch > self.record.epoch, !self.epochsHaveRestarted {
                self.violated("S2", "healer \(healer.index) leads epoch \(claim.epoch), which nobody has claimed")
            }
        }
    }

    /// What must be so once nothing has been hurt for long enough; `nil` if it is.
    var unsettled: String? {
        let leading = self.healers.filter {
            if case .leading = $0.election?.machine.phase { true } else { false }
        }
        guard leading.count == 1 else { return "\(leading.count) healers lead" }
        let others = self.healers.filter { if case .following = $0.election?.machine.phase { true } else { false } }
        guard others.count == self.healers.count - 1 else { return "\(others.count) healers follow" }
        guard let claim = leading[0].election?.machine.heldClaim, claim.nonce == self.record.nonce else {
            return "the record names another leader"
        }
        let line = self.ensemble.tree[self.layout.candidates]?.children.count ?? 0
        guard line == self.healers.count else { return "\(line) candidates stand in line" }
        return nil
    }

    /// Of the cluster; which promise is broken, and how.
    private var unhealed: (invariant: String, what: String)? {
        guard let cluster else { return nil }
        for id in cluster.ids where !cluster.isHealthy(id) {
            guard self.paged.contains(.node(SimulatedCluster.name(id))) else {
                return ("L1", "\(SimulatedCluster.name(id)) is neither back nor handed to people")
            }
        }
        for name in self.ensemble.tree[self.layout.recoveries]?.children.sorted() ?? [] {
            let node = self.ensemble.tree["\(self.layout.recoveries)/\(name)"]
            if case .recovery(let record)? = node.flatMap({ Ledger.decode($0.data, of: .recovery(NodeName(name))) }),
                record.isOpen
            {
                return ("L3", "the intent \(record.intent.id) for \(name) is still open")
            }
        }
        return nil
    }

    /// Hurts the world for a while, then leaves it alone until it has settled.
    func run() -> RunReport {
        let begin = self.scheduler.now
        let faults = Faults(world: self)
        self.faults = faults
        let calm = begin + self.scheduler.random.duration(.seconds(30)...(.seconds(self.cluster == nil ? 60 : 120)))
        faults.go(until: calm)
        while self.scheduler.step(until: calm), self.violations.isEmpty { self.check() }
        faults.end()
        self.settle(until: calm + .seconds(60)) { self.unsettled.map { ("L2", $0) } }
        self.settle(until: calm + .seconds(180)) { self.unhealed }
        for healer in self.healers { healer.kill() }
        self.scheduler.end()
        return RunReport(
            seed: self.seed, violations: self.violations, tally: self.tally, simulated: self.scheduler.now - begin)
    }
}

extension World {
    private func settle(until deadline: Moment, _ open: () -> (invariant: String, what: String)?) {
        while self.violations.isEmpty, let open = open() {
            guard self.scheduler.step(until: deadline) else { return self.violated(open.invariant, open.what) }
            self.check()
        }
    }
}

/// One healer of the installation: a process that is killed, frozen and started again.
final class SimulatedHealer {
    let index: Int
    private unowned let world: World
    private(set) var election: ElectionShell?
    private var errands: Errands?
    private(set) var healing: SimulatedHealing?
    private var life = 0
    private var frozenUntil = Moment.zero
    /// What has arrived while it was frozen.
    private var backlog: [() -> Void] = []

    init(index: Int, world: World) {
        self.index = index
        self.world = world
    }

    var isUp: Bool { self.election != nil }
    var isFrozen: Bool { self.frozenUntil > self.world.scheduler.now }

    func start() {
        guard self.election == nil else { return }
        self.life += 1
        let life = self.life
        let deliver: (@escaping () -> Void) -> Void = { [unowned self] body in self.deliver(to: life, body) }
        let shell = ElectionShell(healer: self.index, life: life, world: self.world, deliver: deliver)
        self.election = shell
        if self.world.cluster == nil {
            self.errands = Errands(world: self.world, shell: shell, deliver: deliver)
        } else {
            let healing = SimulatedHealing(world: self.world, shell: shell, deliver: deliver)
            self.healing = healing
            shell.announce = { [unowned healing] in healing.announced($0) }
        }
        shell.start()
    }

    private func deliver(to life: Int, _ body: @escaping () -> Void) {
        guard life == self.life, self.election != nil else { return }
        if self.isFrozen { self.backlog.append { [unowned self] in if life == self.life { body() } } } else { body() }
    }

    func kill() {
        self.election?.die()
        self.election = nil
        self.errands = nil
        self.healing = nil
        self.backlog = []
        self.frozenUntil = .zero
    }

    func freeze(for duration: Duration) {
        guard self.isUp, !self.isFrozen else { return }
        self.frozenUntil = self.world.scheduler.now + duration
        self.world.scheduler.at(self.frozenUntil) { self.thaw() }
    }

    func thaw() {
        self.frozenUntil = self.world.scheduler.now
        while !self.backlog.isEmpty, !self.isFrozen { self.backlog.removeFirst()() }
    }

    /// Stops in order; started again when it is over.
    func resign() {
        guard let election, !self.isFrozen else { return }
        election.handle(.resignAsked(self.world.anySuccessor))
        let life = self.life
        self.world.scheduler.after(.seconds(1)) {
            guard life == self.life, self.election != nil else { return }
            self.kill()
            self.start()
        }
    }
}
