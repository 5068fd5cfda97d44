internal import Cluster
internal import Election

/// One life of a healer in the simulated world: the shipped election machine, and around it what `Elector` does.
final class ElectionShell {
    let healer: Int
    let life: Int
    private(set) var machine: ElectionMachine
    private(set) var client: EnsembleClient?
    private var clientNumber = 0
    /// How fast this host's clock goes, in thousandths.
    private let rate: Int64
    private let born: Moment
    /// When the last renewal or claim that was answered had been sent, by this host's clock: the witness's own account of
    /// the lease.
    private(set) var lastGoodSent: Moment?
    private(set) var isOver = false
    private unowned let world: World
    private let deliver: (@escaping () -> Void) -> Void
    /// What the healer is told.
    var announce: (Announcement) -> Void = { _ in }

    /// - Parameter deliver: runs something in the process, when it is not frozen and still lives.
    init(healer: Int, life: Int, world: World, deliver: @escaping (@escaping () -> Void) -> Void) {
        self.healer = healer
        self.life = life
        self.world = world
        self.deliver = deliver
        self.rate = .random(in: 800...1200, using: &world.scheduler.random)
        self.born = world.scheduler.now
        let member = Member(
            id: HealerID("healer-\(healer)"), incarnation: Incarnation("\(healer)-\(life)"),
            address: "healer-\(healer):8080", version: "simulated", configuration: "")
        self.machine = ElectionMachine(
            member: member, layout: world.layout, timing: world.timing,
            seed: (world.scheduler.random.next(), world.scheduler.random.next()))
    }

    /// By this host's clock.
    var now: Moment {
        let passed = (self.world.scheduler.now - self.born).wholeNanoseconds
        return self.born + .nanoseconds(passed / 1000 * self.rate)
    }

    func start() {
        self.handle(.started)
        self.planTick()
    }

    private func planTick() {
        self.world.scheduler.after(self.world.timing.beat / 4 * 1000 / Int(self.rate)) {
            guard !self.isOver else { return }
            self.deliver { self.handle(.ticked) }
            self.planTick()
        }
    }

    func handle(_ event: ElectionEvent) {
        guard !self.isOver else { return }
        for effect in self.machine.handle(event, at: self.now) { self.perform(effect) }
    }

    private func perform(_ effect: ElectionEffect) {
        switch effect {
        case .open(let number):
            self.clientNumber = number
            self.client = EnsembleClient(
                ensemble: self.world.ensemble, timeout: self.world.timing.session, delay: self.world.delay,
                deliver: self.deliver, tell: { self.handle(.session(number, $0)) })
        case .close(let number):
            guard number == self.clientNumber else { break }
            self.client?.close()
        case .call(let ticket, let call):
            self.make(call, ticket)
        case .announce(let announcement):
            self.world.told(self, announcement)
            self.announce(announcement)
        case .alert(let alert):
            self.world.alerted(alert)
        case .stop:
            self.isOver = true
        }
    }

    private func make(_ call: StoreCall, _ ticket: Ticket) {
        let sentAt = self.now
        self.client?.make(
            call, watch: { self.handle(.watchFired(ticket)) },
            answer: { answer in
                if case .success(.results(let results)) = answer, case .set? = results.last {
                    self.lastGoodSent = max(self.lastGoodSent ?? sentAt, sentAt)
                }
                self.handle(.answered(ticket, sentAt: sentAt, answer))
            })
    }

    /// As `Elector.write`.
    func write(_ request: GuardedRequest, answer: @escaping (GuardedResult) -> Void) {
        let sentAt = self.now
        guard !self.isOver, let claim = self.machine.permits(request.kind, at: sentAt), let client else {
            return self.world.scheduler.after(.zero) { self.deliver { answer(.notLeading) } }
        }
        var opensStep = false
        if case .step = request.kind { opensStep = true }
        let mark = WriteMark(healer: self.healer, epoch: claim.epoch, nonce: claim.nonce, opensStep: opensStep)
        let operations = claim.operations(for: request, in: self.world.layout)
        client.send(.write(operations), path: "", mark: mark) { result in
            let answered = result.map { done -> [StoreResult] in
                if case .results(let results) = done { results } else { [] }
            }
            let meaning = claim.result(of: answered, to: request, sentAt: sentAt, in: self.world.layout)
            if meaning == .deposed { self.handle(.deposed(claim)) }
            answer(meaning)
        }
    }

    func mayBegin(under epoch: Epoch) -> Bool {
        !self.isOver && self.machine.mayBegin(under: epoch, at: self.now)
    }

    /// Runs something that arrives in this process.
    func inProcess(_ body: @escaping () -> Void) { self.deliver(body) }

    /// The process is killed.
    func die() {
        self.isOver = true
        self.client?.die()
        // It holds us.
        self.client = nil
    }
}
