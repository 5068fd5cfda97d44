internal import Cluster
internal import Election
internal import Healer

/// One life of a healer's core in the simulated world: the shipped machine, and around it what `HealingLoop` and the
/// daemon's shell do. Monitors are part of it: each healer looks for itself.
final class SimulatedHealing {
    private(set) var machine: HealerMachine
    private unowned let world: World
    private let shell: ElectionShell
    private let deliver: (@escaping () -> Void) -> Void
    private var lastSequence = 0

    init(world: World, shell: ElectionShell, deliver: @escaping (@escaping () -> Void) -> Void) {
        self.world = world
        self.shell = shell
        self.deliver = deliver
        var policy = world.policy
        policy.healer = HealerID("healer-\(shell.healer)")
        self.machine = HealerMachine(policy: policy, seed: world.scheduler.random.next())
        self.every(.milliseconds(250)) { self.handle(.ticked(world.wallTime)) }
        self.every(.seconds(1)) {
            for id in world.cluster.ids { self.contact(id) }
            self.readControl()
        }
        self.every(.seconds(5)) {
            for id in world.cluster.ids { self.askSupervisor(id) }
            self.askMetadata()
            self.askRegistrations()
        }
    }

    private func every(_ interval: Duration, _ body: @escaping () -> Void) {
        let first = self.world.scheduler.random.duration(.zero...interval)
        self.world.scheduler.after(first) { self.again(interval, body) }
    }
    private func again(_ interval: Duration, _ body: @escaping () -> Void) {
        guard !self.shell.isOver else { return }
        self.deliver(body)
        self.world.scheduler.after(interval) { self.again(interval, body) }
    }

    // MARK: Monitors

    private func observe(_ method: MonitorMethod, after delay: Duration, _ fact: @escaping () -> Observation.Fact?) {
        let asked = self.shell.now
        // What is told was true when it was asked.
        guard let fact = fact() else { return }
        self.world.scheduler.after(delay) {
            self.deliver {
                let took = self.shell.now - asked
                self.handle(.observed(Observation(at: asked, took: took, method: method, fact: fact)))
            }
        }
    }
    private func delay(_ low: Int, _ high: Int) -> Duration {
        self.world.scheduler.random.duration(.milliseconds(low)...(.milliseconds(high)))
    }

    func contact(_ id: BrokerID) {
        let delay = self.delay(1, 30)
        for (method, fact) in self.world.cluster.contact(id) {
            self.observe(method, after: delay) { .node(SimulatedCluster.name(id), fact) }
        }
    }
    /// Its held connection was reset.
    func died(_ id: BrokerID) {
        self.observe(.socket, after: self.delay(1, 10)) { .node(SimulatedCluster.name(id), .connectionReset) }
    }
    private func askSupervisor(_ id: BrokerID) {
        self.observe(.supervisor, after: self.delay(5, 300)) {
            .node(SimulatedCluster.name(id), .process(self.world.cluster.process(id)))
        }
    }
    func askRegistrations() {
        let delay = self.delay(1, 100)
        self.observe(.zookeeper, after: delay) { .registrations(self.world.cluster.registrations) }
        self.observe(.zookeeper, after: delay) { .controller(self.world.cluster.controllerNode) }
    }
    private func askMetadata() {
        self.observe(.metadata, after: self.delay(5, 200)) {
            self.world.cluster.metadata.map { .metadata($0) } ?? .monitorFailed(nil, reason: "no broker answers")
        }
    }

    private func look(_ node: NodeName?, _ methods: [MonitorMethod]) {
        let id = node.flatMap(SimulatedCluster.id)
        if let id, !Set(methods).isDisjoint(with: [.socket, .protocol]) { self.contact(id) }
        if let id, methods.contains(.supervisor) { self.askSupervisor(id) }
        if methods.contains(.metadata) { self.askMetadata() }
        if methods.contains(.zookeeper) { self.askRegistrations() }
    }

    // MARK: The machine

    func handle(_ event: Event) {
        guard !self.shell.isOver else { return }
        for effect in self.machine.handle(event, at: self.shell.now) { self.perform(effect) }
    }

    func announced(_ announcement: Announcement) {
        switch announcement {
        case .following: self.handle(.leadership(.following))
        case .leading(let epoch), .resumed(let epoch): self.handle(.leadership(.leading(epoch)))
        case .suspended(let epoch): self.handle(.leadership(.suspended(epoch)))
        case .lost: self.handle(.leadership(.following))
        case .sessionUsable: self.readControl()
        case .disconnected: break
        }
    }

    private func perform(_ effect: Effect) {
        switch effect {
        case .look(let node, let methods): self.look(node, methods)
        case .readPartitionStates:
            self.observe(.zookeeper, after: self.delay(1, 50)) { .partitionStates(self.world.cluster.partitionStates) }
        case .publish(let digest): self.world.publish(digest, from: self.shell)
        case .readLedger: self.readLedger()
        case .write(let write): self.write(write)
        case .run(let order): self.run(order)
        case .probe(let intent):
            self.world.scheduler.after(self.delay(1, 100)) {
                self.deliver { self.handle(.probed(intent.id, self.world.supervisors.result(of: intent.id))) }
            }
        case .collectEvidence(let request):
            self.world.scheduler.after(self.delay(10, 500)) {
                self.deliver { self.handle(.evidence(request, Evidence())) }
            }
        case .page(let page): self.world.paged(page, by: self.shell)
        case .watch, .note: break
        }
    }

    private func write(_ write: LedgerWrite) {
        let operations = self.world.ledger.operations(for: write)
        let request: GuardedRequest
        switch write.purpose {
        case .intent(_, let versions):
            request = GuardedRequest(.step(control: versions.cluster, globalControl: versions.global), operations)
        case .outcome, .records:
            request = GuardedRequest(.record, operations)
        }
        self.shell.write(request) { result in
            switch result {
            case .controlMoved, .deposed: self.world.tally.refusals += 1
            case .committed:
                if case .intent = write.purpose, self.world.faults.strikes(self.shell, at: .afterIntent) { return }
            case .notLeading, .refused, .unknown: break
            }
            self.handle(.written(write.id, result))
        }
    }

    /// The runner takes its time, and looks once more right before it begins.
    private func run(_ order: Order) {
        let (intent, epoch) = (order.intent, order.intent.id.epoch)
        self.world.scheduler.after(self.delay(1, 150)) {
            self.deliver {
                guard self.shell.now < order.startBy, self.shell.mayBegin(under: epoch) else {
                    self.world.tally.refusals += 1
                    return self.handle(.stepEnded(intent.id, StepResult(.notStarted)))
                }
                self.world.stepBegins(self.shell, epoch: epoch, startBy: order.startBy)
                self.world.supervisors.begin(intent, by: self.shell.healer) { result in
                    if self.world.faults.strikes(self.shell, at: .beforeOutcome) { return }
                    self.deliver { self.handle(.stepEnded(intent.id, result)) }
                }
                // Every step takes longer than that.
                self.world.scheduler.after(self.delay(1, 19)) {
                    _ = self.world.faults.strikes(self.shell, at: .midStep)
                }
            }
        }
    }

    // MARK: What stands in ZooKeeper

    private func readControl() {
        guard let client = self.shell.client, self.shell.machine.isConnected else { return }
        let layout = self.world.layout
        client.send(.get(layout.control), path: layout.control) { local in
            client.send(.get(layout.globalControl), path: layout.globalControl) { global in
                guard case .success(.node(let local)) = local, case .success(.node(let global)) = global,
                    let cluster = try? Control(json: local.data), let all = try? Control(json: global.data)
                else { return }
                let versions = ControlVersions(cluster: local.stat.version, global: global.stat.version)
                self.handle(.controlRead(ControlView(cluster: cluster, global: all, versions: versions)))
            }
        }
    }

    private func readLedger() {
        guard let client = self.shell.client else { return self.ledgerUnreadable() }
        let layout = self.world.layout
        let parents = [layout.recoveries, layout.history, layout.incidents]
        client.send(.sync, path: layout.base) { answer in
            guard case .success = answer else { return self.ledgerUnreadable() }
            self.list(client, parents[...], [layout.nodes])
        }
    }

    private func list(_ client: EnsembleClient, _ parents: ArraySlice<String>, _ paths: [String]) {
        guard let parent = parents.first else { return self.read(client, paths[...], LedgerContents()) }
        client.send(.children(parent), path: parent) { answer in
            guard case .success(.children(let names)) = answer else { return self.ledgerUnreadable() }
            self.list(client, parents.dropFirst(), paths + names.map { "\(parent)/\($0)" })
        }
    }

    private func read(_ client: EnsembleClient, _ paths: ArraySlice<String>, _ contents: LedgerContents) {
        guard let path = paths.first else { return self.handle(.ledgerRead(contents)) }
        client.send(.get(path), path: path) { answer in
            switch answer {
            case .success(.node(let node)):
                var contents = contents
                if let key = self.world.ledger.key(of: path) {
                    contents.add(key, data: node.data, version: node.stat.version)
                }
                self.read(client, paths.dropFirst(), contents)
            case .failure(let error) where error.reason == .noNode:
                self.read(client, paths.dropFirst(), contents)
            case .success, .failure:
                self.ledgerUnreadable()
            }
        }
    }

    private func ledgerUnreadable() {
        self.world.scheduler.after(.milliseconds(1)) {
            self.deliver { self.handle(.ledgerUnreadable(reason: "lost")) }
        }
    }
}
