import Cluster
import Healer

/// A cluster of three brokers and three ZooKeeper servers as a machine sees it, without any server: tests change the
/// cluster, the rig tells the machine what its monitors would, and answers what it asks.
struct Rig {
    /// How a node's process answers the network.
    enum Network: Hashable {
        case answers
        case refuses
        case silent(since: Moment)
        case refusesToServe
    }
    struct Machinery: Hashable {
        var network = Network.answers
        var process: ProcessState
    }

    var machine: HealerMachine
    var now = Moment(.seconds(1000))
    let nodes: [Node]
    var cluster: [NodeName: Machinery] = [:]
    var registrations: [BrokerID: Registration] = [:]
    var controller: Controller?
    var partitions: [PartitionState] = []
    var ledger = MemoryLedger()
    var digests: [HealerID: Int64] = [:]
    /// Everything that was asked for, in order.
    var effects: [Effect] = []

    // What the rig does by itself.
    var answersLooks = true
    var answersWrites = true
    var answersReads = true
    var collectsEvidence = true
    var supervisorAnswers = true
    /// What a probe finds; `nil` leaves it unanswered.
    var probeAnswer: ProbeResult?
    var zooKeeperAnswers = true

    static func broker(_ id: Int32) -> NodeName { NodeName("kafka-\(id)") }
    static func server(_ number: Int) -> NodeName { NodeName("zk-\(number)") }
    static func life(_ node: NodeName, _ number: Int) -> ProcessIdentity { ProcessIdentity("\(node)#\(number)") }

    static func policy(healers: Int = 1, _ change: (inout Policy) -> Void = { _ in }) -> Policy {
        var policy = Policy(cluster: ClusterName("main"), healer: HealerID("a"), healers: healers)
        policy.mode = .heal
        policy.sharesEnsemble = true
        policy.nodes =
            (1...3).map {
                Node(
                    name: self.broker($0), role: .broker(BrokerID($0)),
                    endpoint: Endpoint(host: "host", port: UInt16(9000 + $0)))
            }
            + (1...3).map {
                Node(
                    name: self.server($0), role: .zooKeeper, endpoint: Endpoint(host: "host", port: UInt16(2000 + $0)))
            }
        change(&policy)
        return policy
    }

    init(_ policy: Policy = Self.policy(), ledger: MemoryLedger = MemoryLedger()) {
        self.machine = HealerMachine(policy: policy, seed: 7)
        self.nodes = policy.nodes
        self.ledger = ledger
        for node in self.nodes {
            self.cluster[node.name] = Machinery(
                process: ProcessState(state: .running, identity: Self.life(node.name, 1)))
        }
        for id in Int32(1)...3 {
            self.registrations[BrokerID(id)] = Registration(
                owner: Int64(100 + id), createdBy: Int64(id), version: 0, endpoint: nil)
        }
        self.controller = Controller(broker: BrokerID(1), owner: 101, epochVersion: 4)
        self.partitions = (0..<3).map { number in
            PartitionState(
                TopicPartition("orders", Int32(number)), leader: BrokerID(Int32(number) + 1),
                replicas: (1...3).map { BrokerID($0) }, inSyncReplicas: (1...3).map { BrokerID($0) },
                minInSyncReplicas: 2, uncleanElection: false)
        }
    }

    /// A leader that has seen everything well for a moment.
    static func leading(_ policy: Policy = Self.policy(), epoch: Int64 = 1, ledger: MemoryLedger = MemoryLedger())
        -> Rig
    {
        var rig = Rig(policy, ledger: ledger)
        rig.settle()
        rig.lead(epoch)
        return rig
    }

    /// Followers too: well, and watched for a moment.
    mutating func settle() {
        self.send(.ticked(self.wall))
        self.readControl()
        self.refresh()
        self.pass(.seconds(1))
        self.refresh()
    }

    mutating func lead(_ epoch: Int64) {
        self.send(.leadership(.leading(Epoch(epoch))))
        self.pass(.milliseconds(200))
    }

    var wall: WallTime { WallTime(1_800_000_000_000 + self.now.nanoseconds / 1_000_000) }

    mutating func readControl(
        pause: Control.Hold? = nil, maintenance: [NodeName: Control.Hold] = [:], version: Int32 = 0
    ) {
        self.send(
            .controlRead(
                ControlView(
                    cluster: Control(paused: pause, maintenance: maintenance), global: Control(),
                    versions: ControlVersions(cluster: version, global: 0))))
    }

    // MARK: - Time and events

    /// Hands one event in, and answers what comes of it until nothing more is asked.
    @discardableResult
    mutating func send(_ event: Event) -> [Effect] {
        var all: [Effect] = []
        var events = [event]
        while !events.isEmpty {
            let effects = self.machine.handle(events.removeFirst(), at: self.now)
            all += effects
            // Nothing is answered at the very moment it is asked.
            if !effects.isEmpty { self.now = self.now + .microseconds(100) }
            for effect in effects { events += self.answers(to: effect) }
            // Questions and answers that never end would be a fault of the machine's.
            precondition(all.count < 2000, "\(all.suffix(12))")
        }
        self.effects += all
        return all
    }

    @discardableResult
    mutating func see(_ node: NodeName, _ fact: NodeFact, _ method: MonitorMethod, at: Moment? = nil) -> [Effect] {
        self.send(
            .observed(
                Observation(at: at ?? self.now, took: .milliseconds(3), method: method, fact: .node(node, fact))))
    }

    /// Ticks as the loop does; the monitors take their turn every second.
    mutating func pass(_ duration: Duration) {
        let end = self.now + duration
        var nextRound = self.now + .seconds(1)
        while self.now < end {
            self.now = min(self.now + (self.machine.isCalm ? HealingLoop.calmTick : HealingLoop.tick), end)
            if self.now >= nextRound {
                self.refresh()
                nextRound = self.now + .seconds(1)
            }
            self.send(.ticked(self.wall))
        }
    }

    /// Every monitor looks once.
    mutating func refresh() {
        for node in self.nodes {
            for event in self.facts(of: node.name, Set(MonitorMethod.allCases)) { self.send(event) }
        }
        for event in self.wholes([.zookeeper, .metadata]) { self.send(event) }
    }

    // MARK: - What monitors would say

    private func facts(of name: NodeName, _ methods: Set<MonitorMethod>) -> [Event] {
        guard let one = self.cluster[name], let node = self.nodes.first(where: { $0.name == name }) else { return [] }
        let asking: MonitorMethod = node.brokerID == nil ? .fourLetter : .protocol
        func fact(_ fact: NodeFact, _ method: MonitorMethod) -> Event {
            .observed(Observation(at: self.now, took: .milliseconds(3), method: method, fact: .node(name, fact)))
        }
        var events: [Event] = []
        if methods.contains(.socket) || methods.contains(asking) {
            switch one.network {
            case .answers: events += [fact(.connected, .socket), fact(.answered, asking)]
            case .refuses: events.append(fact(.connectionRefused, .socket))
            case .silent(let since):
                events += [fact(.connected, .socket)]
                if self.now > since { events.append(fact(.silent(for: self.now - since), asking)) }
            case .refusesToServe: events.append(fact(.refusedToServe(reason: "not serving"), asking))
            }
        }
        if methods.contains(.supervisor) {
            if self.supervisorAnswers {
                events.append(fact(.process(one.process), .supervisor))
            } else {
                events.append(
                    .observed(
                        Observation(
                            at: self.now, method: .supervisor, fact: .monitorFailed(name, reason: "no route"))))
            }
        }
        return events
    }

    private func wholes(_ methods: Set<MonitorMethod>) -> [Event] {
        var events: [Event] = []
        func add(_ fact: Observation.Fact, _ method: MonitorMethod) {
            events.append(.observed(Observation(at: self.now, took: .milliseconds(3), method: method, fact: fact)))
        }
        if methods.contains(.zookeeper) {
            if self.zooKeeperAnswers {
                add(.registrations(self.registrations), .zookeeper)
                add(.controller(self.controller), .zookeeper)
            } else {
                add(.monitorFailed(nil, reason: "no quorum"), .zookeeper)
            }
        }
        if methods.contains(.metadata) {
            add(
                .metadata(
                    MetadataView(
                        clusterID: "id", controller: self.controller?.broker, brokers: [:],
                        partitions: self.partitions)), .metadata)
        }
        return events
    }

    private mutating func answers(to effect: Effect) -> [Event] {
        switch effect {
        case .look(let name, let methods) where self.answersLooks:
            return (name.map { self.facts(of: $0, Set(methods)) } ?? []) + self.wholes(Set(methods))
        case .readPartitionStates(let ids) where self.answersLooks:
            let wanted = self.partitions.filter { ids.contains($0.id) }.map { state in
                var state = state
                // The znode does not say what the topic's configuration does.
                state.minInSyncReplicas = nil
                state.uncleanElection = nil
                return state
            }
            return [.observed(Observation(at: self.now, method: .zookeeper, fact: .partitionStates(wanted)))]
        case .readLedger where self.answersReads: return [.ledgerRead(self.ledger.contents)]
        case .write(let write) where self.answersWrites: return [.written(write.id, self.commit(write))]
        case .collectEvidence(let request) where self.collectsEvidence:
            return [.evidence(request, Evidence(parts: [.init(name: "log", text: "last words")]))]
        case .probe(let intent): return self.probeAnswer.map { [.probed(intent.id, $0)] } ?? []
        default: return []
        }
    }

    /// Applies a write as the ensemble would.
    mutating func commit(_ write: LedgerWrite) -> GuardedResult {
        let answer = self.ledger.apply(write, sentAt: self.now)
        if case .committed = answer, let removed = write.removing {
            self.registrations[removed.broker] = nil
            if removed.controllerEpochVersion != nil { self.controller = nil }
        }
        return answer
    }

    // MARK: - What happens to the cluster

    /// SIGKILL: the connection is reset, the supervisor knows, the registration stays until its session ends.
    mutating func kill(_ name: NodeName) {
        self.now = self.now + .milliseconds(1)
        self.cluster[name]!.network = .refuses
        self.cluster[name]!.process.state = .exited
        self.cluster[name]!.process.exit = .signal(9)
        self.see(name, .connectionReset, .socket)
    }
    mutating func freeze(_ name: NodeName) { self.cluster[name]!.network = .silent(since: self.now) }
    mutating func thaw(_ name: NodeName) {
        self.cluster[name]!.network = .answers
        self.refresh()
    }
    /// A new life of the process, which does not serve yet.
    mutating func start(_ name: NodeName, life: Int = 2) {
        self.now = self.now + .milliseconds(1)
        self.cluster[name] = Machinery(
            network: .refuses, process: ProcessState(state: .running, identity: Self.life(name, life)))
        self.refresh()
    }
    /// Registered, answering, in sync.
    mutating func serve(_ name: NodeName) {
        self.now = self.now + .milliseconds(1)
        self.cluster[name]!.network = .answers
        if let broker = self.nodes.first(where: { $0.name == name })?.brokerID {
            self.registrations[broker] = Registration(owner: 900, createdBy: 900, version: 0, endpoint: nil)
            for index in self.partitions.indices where self.partitions[index].replicas.contains(broker) {
                self.partitions[index].inSyncReplicas = self.partitions[index].replicas
            }
        }
        self.refresh()
    }
    mutating func expireSession(of broker: BrokerID) {
        self.now = self.now + .milliseconds(1)
        self.registrations[broker] = nil
        for index in self.partitions.indices {
            self.partitions[index].inSyncReplicas.removeAll { $0 == broker }
            if self.partitions[index].leader == broker {
                self.partitions[index].leader = self.partitions[index].inSyncReplicas.first
            }
        }
        self.refresh()
    }
    /// Another healer's digest that has just changed.
    mutating func peer(_ id: String, sees verdicts: [NodeName: Digest.Verdict]) {
        let healer = HealerID(id)
        for _ in 0..<2 {
            self.digests[healer, default: 0] += 1
            self.send(
                .digestRead(
                    healer,
                    Digest(healer: healer, sequence: self.digests[healer]!, at: self.wall, verdicts: verdicts)))
        }
    }
    mutating func end(_ intent: IntentID, _ outcome: StepResult.Outcome = .succeeded) {
        self.now = self.now + .milliseconds(1)
        self.send(.stepEnded(intent, StepResult(outcome, took: .milliseconds(40))))
    }
}
