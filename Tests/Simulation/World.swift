internal import Cluster
internal import Election

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

    var tally = Tally()
    private(set) var violations: [Violation] = []

    /// What the record said after the last entry.
    private var record = LeaderRecord.vacant(.none)
    private var epochsHaveRestarted = false
    /// Steps that were permitted and have not begun: by epoch and nonce, the latest permit.
    private var permits: [String: Int] = [:]

    init(seed: UInt64, healers: Int = 3) {
        self.seed = seed
        self.scheduler = Scheduler(seed: seed)
        self.timing = self.scheduler.random.chance(0.5) ? .steady : .fast
        self.delay = .microseconds(200)...(.milliseconds(Int.random(in: 1...8, using: &self.scheduler.random)))
        // With Kafka's own setting a server that was cut off serves old reads for longer than our session lasts.
        let tick = self.scheduler.random.chance(0.5) ? Duration.milliseconds(500) : .milliseconds(2000)
        self.ensemble = Ensemble(servers: 3, tick: tick, scheduler: self.scheduler)
        self.ensemble.committed = { [unowned self] mark, operations in self.committed(mark, operations) }
        self.healers = (0..<healers).map { SimulatedHealer(index: $0, world: self) }
        for healer in self.healers {
            self.scheduler.after(self.scheduler.random.duration(.zero...(.seconds(1)))) { healer.start() }
        }
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
                self.permits["\(mark.epoch)/\(mark.nonce)", default: 0] += 1
                let paused = [self.layout.control, self.layout.globalControl].contains { path in
                    self.ensemble.tree[path].map { Errands.paused($0.data) } ?? false
                }
                if paused { self.violated("S2", "a step was permitted under epoch \(mark.epoch) after the pause") }
            }
        }
        guard operations.contains(where: { $0.path == self.layout.leader }) else { return }
        guard let node = self.ensemble.tree[self.layout.leader] else { return self.treeWasTakenAway() }
        guard let record = try? LeaderRecord(decoding: node.data), record != self.record else { return }
        if record.holder != nil {
            if record.epoch <= self.record.epoch {
                self.violated("S2", "a claim went from epoch \(self.record.epoch) to \(record.epoch)")
            }
            self.tally.claims += 1
            if self.record.holder != nil { self.tally.takeovers += 1 }
        } else if record.epoch < self.record.epoch {
            self.violated("S2", "a resignation went from epoch \(self.record.epoch) to \(record.epoch)")
        }
        self.record = record
    }

    /// Sees every step that begins, in the world, not in the healer.
    func stepBegins(_ shell: ElectionShell, epoch: Epoch, nonce: String, startBy: Moment) {
        self.tally.starts += 1
        let key = "\(epoch)/\(nonce)"
        if self.permits[key, default: 0] == 0 {
            self.violated("S2", "healer \(shell.healer) began a step under epoch \(epoch) that nothing permitted")
        } else {
            self.permits[key]! -= 1
        }
        if self.scheduler.now >= startBy {
            self.violated("S2", "healer \(shell.healer) began a step after its startBy")
        }
        guard case .connected? = shell.client?.told else {
            return self.violated("S4", "healer \(shell.healer) began a step after it was told that it is disconnected")
        }
        let lease = shell.lastGoodSent.map { self.scheduler.now - $0 } ?? .seconds(1_000_000)
        if lease >= self.timing.limit {
            self.violated("S4", "healer \(shell.healer) began a step \(lease) after its last good renewal was sent")
        }
    }

    /// After every step of the world.
    func check() {
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

    /// Hurts the world for a while, then leaves it alone until it has settled.
    func run() -> RunReport {
        let begin = self.scheduler.now
        let faults = Faults(world: self)
        let calm = begin + self.scheduler.random.duration(.seconds(30)...(.seconds(60)))
        faults.go(until: calm)
        while self.scheduler.step(until: calm), self.violations.isEmpty { self.check() }
        faults.end()
        let deadline = calm + .seconds(60)
        while self.violations.isEmpty, self.unsettled != nil {
            guard self.scheduler.step(until: deadline) else {
                self.violated("L2", self.unsettled ?? "")
                break
            }
            self.check()
        }
        return RunReport(
            seed: self.seed, violations: self.violations, tally: self.tally, simulated: self.scheduler.now - begin)
    }
}

/// One healer of the installation: a process that is killed, frozen and started again.
final class SimulatedHealer {
    let index: Int
    private unowned let world: World
    private(set) var election: ElectionShell?
    private var errands: Errands?
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
        self.errands = Errands(world: self.world, shell: shell, deliver: deliver)
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
        election.handle(.resignAsked)
        let life = self.life
        self.world.scheduler.after(.seconds(1)) {
            guard life == self.life, self.election != nil else { return }
            self.kill()
            self.start()
        }
    }
}
