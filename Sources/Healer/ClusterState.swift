internal import Cluster

/// What is known of a cluster: the fold of all observations, each with its date.
struct ClusterState: Sendable {
    struct Read<Value: Hashable & Sendable>: Hashable, Sendable {
        var at: Moment
        var value: Value
    }

    private(set) var nodes: [NodeName: NodeState] = [:]
    /// In order of name.
    private(set) var names: [NodeName] = []
    private(set) var registrations: Read<[BrokerID: Registration]>?
    private(set) var controller: Read<Controller?>?
    private(set) var metadata: PartitionSummary?
    /// Fresh `state` znodes, because a step asked for them.
    private(set) var partitionStates: Read<[TopicPartition: PartitionState]>?
    private(set) var registeredOnce: Set<BrokerID> = []
    /// Since when a read finds no registration, and when the last such read was.
    private(set) var absent: [BrokerID: (since: Moment, last: Moment)] = [:]
    /// By when the present owner of a registration had been seen to own it: a process that its supervisor calls dead
    /// later than that is this owner, or an earlier one.
    private(set) var ownerSeenBy: [BrokerID: (owner: Int64, by: Moment)] = [:]
    /// ISR changes of the last view.
    private(set) var lastChanges: [ISRChange] = []
    /// When a partition's ISR last became smaller.
    private(set) var shrunkAt: [TopicPartition: Moment] = [:]
    private(set) var failures: [MonitorMethod: Read<String>] = [:]

    mutating func add(_ node: Node, methods: Set<MonitorMethod>) {
        if self.nodes[node.name]?.node == node { return }
        self.nodes[node.name] = NodeState(node, methods: methods)
        self.names = self.nodes.keys.sorted()
    }

    func node(of broker: BrokerID) -> NodeState? { self.nodes.values.first { $0.node.brokerID == broker } }
    var brokers: [NodeState] { self.names.compactMap { self.nodes[$0] }.filter { $0.node.brokerID != nil } }
    var zooKeepers: [NodeState] { self.names.compactMap { self.nodes[$0] }.filter { $0.node.brokerID == nil } }

    /// Returns what changed about one node.
    mutating func fold(_ observation: Observation) -> (NodeName, NodeState.Change)? {
        switch observation.fact {
        case .node(let name, let fact):
            return self.nodes[name]?.fold(fact, of: observation).map { (name, $0) }
        case .registrations(let found):
            self.fold(found, at: observation.at, seenBy: observation.at + observation.took)
        case .controller(let controller):
            if self.controller.map({ $0.at <= observation.at }) ?? true {
                self.controller = Read(at: observation.at, value: controller)
            }
        case .metadata(let view): self.fold(view, at: observation.at)
        case .partitionStates(let states):
            let byID = Dictionary(states.map { ($0.id, $0) }) { $1 }
            self.partitionStates = Read(at: observation.at, value: byID)
        case .monitorFailed(.some(let name), let reason): self.nodes[name]?.foldFailure(reason, of: observation)
        case .monitorFailed(nil, let reason):
            self.failures[observation.method] = Read(at: observation.at, value: reason)
            return nil
        }
        self.failures[observation.method] = nil
        return nil
    }

    private mutating func fold(_ found: [BrokerID: Registration], at: Moment, seenBy: Moment) {
        guard self.registrations.map({ $0.at <= at }) ?? true else { return }
        self.registrations = Read(at: at, value: found)
        self.ownerSeenBy = Dictionary(
            uniqueKeysWithValues: found.map { broker, registration in
                let known = self.ownerSeenBy[broker].flatMap { $0.owner == registration.owner ? $0 : nil }
                return (broker, known ?? (registration.owner, seenBy))
            })
        self.registeredOnce.formUnion(found.keys)
        for broker in self.registeredOnce.union(self.brokers.compactMap(\.node.brokerID)) {
            self.absent[broker] = found[broker] == nil ? (self.absent[broker]?.since ?? at, at) : nil
        }
    }

    private mutating func fold(_ view: MetadataView, at: Moment) {
        guard self.metadata.map({ $0.at <= at }) ?? true else { return }
        self.lastChanges = ISRChange.between(self.metadata?.view.partitions ?? [], view.partitions)
        for change in self.lastChanges where !change.left.isEmpty { self.shrunkAt[change.id] = at }
        self.metadata = PartitionSummary(view, at: at)
        // What is in sync again has not shrunk any more; so the table holds no more than what is under-replicated.
        if !self.shrunkAt.isEmpty {
            self.shrunkAt = self.shrunkAt.filter { self.metadata!.state(of: $0.key)?.isUnderReplicated ?? false }
        }
    }

    /// A registration was removed: what was read before says nothing any more.
    mutating func forgetRegistrations() { self.registrations = nil }

    /// Whether the node is registered by a life that has ended: its owner was seen before that life was last said to run,
    /// and so belongs to it or to one before it. False when not known.
    func isLeftBehind(_ node: Node) -> Bool {
        guard let broker = node.brokerID, let owner = self.ownerSeenBy[broker], let known = self.nodes[node.name],
            let ended = known.process?.value.ended, let ran = known.lastSaidToRun(ended)
        else { return false }
        return owner.by <= ran
    }

    /// `nil` while it is not known who is registered.
    func registration(of broker: BrokerID, readSince: Moment) -> Registration?? {
        guard let read = self.registrations, read.at >= readSince else { return nil }
        return .some(read.value[broker])
    }
}
