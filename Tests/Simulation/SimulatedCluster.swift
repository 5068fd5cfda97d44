internal import Cluster

/// Three brokers in memory with their supervisors: processes that die and freeze, registrations that outlive them,
/// partitions that move.
final class SimulatedCluster {
    struct Broker {
        enum State: Equatable {
            case down(ExitStatus)
            /// Recovers its logs; registers and opens its port at the end.
            case starting
            case serving
        }
        var state = State.serving
        var life = 1
        /// A frozen process holds its connections and answers nothing.
        var frozenSince: Moment?
        var lastFrozen: Moment?
        var inSync = true
        var registration: Registration?
        /// The life that registered.
        var registeredLife = 0
        /// Launches since it last served.
        var launches = 0
    }

    static let partitions = 3
    static let minInSyncReplicas = 2

    private unowned let world: World
    let scheduler: Scheduler
    let session: Duration
    private(set) var brokers: [BrokerID: Broker] = [:]
    private(set) var controller: BrokerID?
    private var leaders: [BrokerID?] = []
    private var lastTransaction: Int64 = 100

    /// The kernel resets a dead process's connections at once; a registration is told by watch.
    var died: (BrokerID) -> Void = { _ in }
    var registrationsChanged: () -> Void = {}

    init(world: World, session: Duration) {
        self.world = world
        self.scheduler = world.scheduler
        self.session = session
        for id in (1...3).map({ BrokerID($0) }) {
            self.brokers[id] = Broker()
            self.register(id)
        }
        self.leaders = (0..<Self.partitions).map { BrokerID(Int32($0) + 1) }
        self.controller = BrokerID(1)
    }

    var ids: [BrokerID] { self.brokers.keys.sorted() }
    static func name(_ id: BrokerID) -> NodeName { NodeName("kafka-\(id)") }
    static func endpoint(_ id: BrokerID) -> Endpoint { Endpoint(host: "kafka-\(id)", port: 9092) }
    static func id(_ name: NodeName) -> BrokerID? { Int32(name.rawValue.dropFirst(6)).map { BrokerID($0) } }
    func identity(_ id: BrokerID) -> ProcessIdentity { ProcessIdentity("\(id)#\(self.brokers[id]!.life)") }

    // MARK: Life and death

    func isRunning(_ id: BrokerID) -> Bool { if case .down = self.brokers[id]!.state { false } else { true } }
    func isHealthy(_ id: BrokerID) -> Bool {
        self.brokers[id]!.state == .serving && self.brokers[id]!.frozenSince == nil
            && self.brokers[id]!.registration != nil
    }

    func kill(_ id: BrokerID) {
        guard self.isRunning(id) else { return }
        self.end(id, .signal(9))
    }

    private func end(_ id: BrokerID, _ exit: ExitStatus) {
        self.brokers[id]!.state = .down(exit)
        self.brokers[id]!.frozenSince = nil
        self.brokers[id]!.inSync = false
        self.died(id)
        self.expireLater(id)
    }

    /// The ensemble ends the session of a process that sends nothing.
    private func expireLater(_ id: BrokerID) {
        let (owner, life) = (self.brokers[id]!.registration?.owner, self.brokers[id]!.life)
        self.scheduler.after(self.session + self.scheduler.random.duration(.zero...(.milliseconds(500)))) {
            guard self.brokers[id]!.registration?.owner == owner else { return }
            guard self.brokers[id]!.life != life || self.brokers[id]!.frozenSince != nil || !self.isRunning(id) else {
                return
            }
            self.deregister(id)
        }
    }

    func freeze(_ id: BrokerID, for duration: Duration) {
        guard self.brokers[id]!.state == .serving, self.brokers[id]!.frozenSince == nil else { return }
        self.brokers[id]!.frozenSince = self.scheduler.now
        self.brokers[id]!.lastFrozen = self.scheduler.now
        self.brokers[id]!.inSync = false
        self.expireLater(id)
        let life = self.brokers[id]!.life
        self.scheduler.after(duration) {
            guard self.brokers[id]!.life == life, self.isRunning(id), self.brokers[id]!.frozenSince != nil else {
                return
            }
            self.brokers[id]!.frozenSince = nil
            self.brokers[id]!.lastFrozen = self.scheduler.now
            if self.brokers[id]!.registration == nil { self.register(id) }
            self.brokers[id]!.inSync = true
            self.elect()
        }
    }

    /// What a supervisor does on `start`.
    func launch(_ id: BrokerID) {
        guard !self.isRunning(id) else { return }
        self.brokers[id]!.life += 1
        self.brokers[id]!.launches += 1
        self.brokers[id]!.state = .starting
        let life = self.brokers[id]!.life
        self.scheduler.after(self.scheduler.random.duration(.milliseconds(500)...(.seconds(3)))) {
            guard self.brokers[id]!.life == life, self.brokers[id]!.state == .starting else { return }
            guard self.brokers[id]!.registration == nil else { return self.end(id, .code(1)) }
            self.register(id)
            self.brokers[id]!.state = .serving
            self.brokers[id]!.launches = 0
            self.world.tally.heals += 1
            self.scheduler.after(self.scheduler.random.duration(.milliseconds(200)...(.seconds(2)))) {
                guard self.brokers[id]!.life == life, self.isHealthy(id) else { return }
                self.brokers[id]!.inSync = true
                self.elect()
            }
        }
    }

    // MARK: Registrations and partitions

    private func register(_ id: BrokerID) {
        self.lastTransaction += 1
        self.brokers[id]!.registration = Registration(
            owner: 0x2000 + self.lastTransaction, createdBy: self.lastTransaction, version: 0,
            endpoint: Self.endpoint(id))
        self.brokers[id]!.registeredLife = self.brokers[id]!.life
        self.registrationsChanged()
        self.elect()
    }

    /// Whether the process that runs now is the one that registered.
    func isRegisteredByItself(_ id: BrokerID) -> Bool {
        self.isRunning(id) && self.brokers[id]!.registration != nil
            && self.brokers[id]!.registeredLife == self.brokers[id]!.life
    }

    func deregister(_ id: BrokerID) {
        self.brokers[id]!.registration = nil
        self.registrationsChanged()
        self.elect()
    }

    /// The controller gives each partition a leader among those in sync that are registered.
    private func elect() {
        if self.controller.map({ self.brokers[$0]!.registration == nil }) ?? true {
            self.controller = self.ids.first { self.isHealthy($0) }
        }
        guard self.controller.map({ self.isHealthy($0) }) ?? false else { return }
        for place in self.leaders.indices {
            if let leader = self.leaders[place], self.brokers[leader]!.registration != nil { continue }
            self.leaders[place] = self.ids.first { self.brokers[$0]!.inSync && self.isHealthy($0) }
        }
    }

    var partitionStates: [PartitionState] {
        self.leaders.indices.map { place in
            let replicas = (0..<3).map { BrokerID(Int32(($0 + place) % 3) + 1) }
            let inSync = replicas.filter { self.brokers[$0]!.inSync }
            return PartitionState(
                TopicPartition("orders", Int32(place)), leader: self.leaders[place], replicas: replicas,
                inSyncReplicas: inSync.isEmpty ? [replicas[0]] : inSync,
                minInSyncReplicas: Self.minInSyncReplicas, uncleanElection: false)
        }
    }

    /// `nil` if no broker answers.
    var metadata: MetadataView? {
        guard self.ids.contains(where: { self.isHealthy($0) }) else { return nil }
        let registered = self.ids.filter { self.brokers[$0]!.registration != nil }
        return MetadataView(
            clusterID: "simulated", controller: self.controller,
            brokers: Dictionary(uniqueKeysWithValues: registered.map { ($0, Self.endpoint($0)) }),
            partitions: self.partitionStates)
    }

    var registrations: [BrokerID: Registration] {
        self.brokers.compactMapValues(\.registration)
    }

    var controllerNode: Controller? {
        self.controller.flatMap { id in
            self.brokers[id]!.registration.map { Controller(broker: id, owner: $0.owner, epochVersion: 1) }
        }
    }

    func process(_ id: BrokerID) -> ProcessState {
        switch self.brokers[id]!.state {
        case .down(let exit): ProcessState(state: .exited, identity: self.identity(id), exit: exit)
        case .starting, .serving: ProcessState(state: .running, identity: self.identity(id))
        }
    }

    /// What one look at the network tells.
    func contact(_ id: BrokerID) -> [(MonitorMethod, NodeFact)] {
        let broker = self.brokers[id]!
        switch broker.state {
        case .down, .starting: return [(.socket, .connectionRefused)]
        case .serving:
            guard let since = broker.frozenSince else { return [(.socket, .connected), (.protocol, .answered)] }
            return [(.socket, .connected), (.protocol, .silent(for: self.scheduler.now - since))]
        }
    }
}
