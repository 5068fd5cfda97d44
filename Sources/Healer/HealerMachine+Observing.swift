internal import Cluster

extension HealerMachine {
    /// How long, and how often, a supervisor is asked again that calls a process running whose port was just closed: it
    /// may not have noticed yet.
    static let hurry = (for: Duration.seconds(2), every: Duration.milliseconds(100))

    mutating func observe(_ observation: Observation, at now: Moment) {
        if let (name, change) = self.state.fold(observation), let node = self.state.nodes[name] {
            self.follow(change, of: node, at: now)
        }
        switch observation.fact {
        case .registrations(let found): self.discover(found.mapValues(\.endpoint), at: now)
        case .metadata(let view):
            if !self.policy.zooKeeperMode { self.discover(view.brokers.mapValues { $0 }, at: now) }
            for change in self.state.lastChanges {
                if !change.left.isEmpty { self.counters.isrShrinks[change.id, default: 0] += 1 }
                if !change.joined.isEmpty { self.counters.isrExpands[change.id, default: 0] += 1 }
            }
            self.assessNodes(at: now)
            self.assessPartitions(at: now)
        default: break
        }
    }

    /// One source said something new: the other is asked at once, not at its turn.
    private mutating func follow(_ change: NodeState.Change, of node: NodeState, at now: Moment) {
        let methods: [MonitorMethod] =
            switch change {
            case .trouble: node.methods.contains(.supervisor) ? [.supervisor] : [.zookeeper]
            case .closed: node.liveness + [.supervisor]
            case .answers: [.supervisor, .zookeeper, .metadata]
            case .process: node.liveness + [.zookeeper]
            }
        self.ask(node.node.name, methods, since: now, at: now)
    }

    private mutating func discover(_ brokers: [BrokerID: Endpoint?], at now: Moment) {
        guard let discovery = self.policy.discovery else { return }
        for (broker, endpoint) in brokers.sorted(by: { $0.key < $1.key }) {
            guard let endpoint, !self.policy.nodes.contains(where: { $0.brokerID == broker }) else { continue }
            let node = Node(name: discovery.name(of: broker), role: .broker(broker), endpoint: endpoint)
            guard self.policy.nodes.allSatisfy({ $0.name != node.name }), self.discovered[node.name] != node else {
                continue
            }
            self.add(discovered: node)
            self.book.nodes = true
        }
    }

    /// As they are to stand in ZooKeeper.
    var knownNodes: NodesRecord {
        NodesRecord(
            nodes: self.discovered.values.sorted { $0.name < $1.name },
            configured: self.policy.nodes.sorted { $0.name < $1.name })
    }

    mutating func add(discovered node: Node) {
        self.discovered[node.name] = node
        self.state.add(node, methods: self.policy.methods(for: node))
        self.effects.append(.watch(node))
    }

    /// Asks those methods that this node is watched by, and that were not asked since; but again after an interval.
    mutating func ask(
        _ name: NodeName?, _ methods: [MonitorMethod], since: Moment, every interval: Duration? = nil, at now: Moment
    ) {
        let interval = interval ?? self.policy.timing.lookInterval
        let node = name.flatMap { self.state.nodes[$0] }
        let wanted = methods.filter { method in
            if let node, !node.methods.contains(method) { return false }
            if method == .zookeeper, !self.policy.zooKeeperMode { return false }
            let key = Asked(node: method.isAboutOneNode ? name : nil, method: method)
            if let last = self.asked[key], last >= since, now - last < interval { return false }
            self.asked[key] = now
            return true
        }
        if !wanted.isEmpty { self.effects.append(.look(name, wanted)) }
    }

    /// What is asked again as time passes: what would settle a suspicion, what verifies a recovery, what grows stale.
    mutating func askAgain(at now: Moment) {
        let timing = self.policy.timing
        for name in self.state.names {
            guard let node = self.state.nodes[name], let condition = self.conditions[name] else { continue }
            if !condition.missing.isEmpty {
                let isRecent = node.portIsClosed && now - condition.since < Self.hurry.for
                let interval =
                    isRecent ? Self.hurry.every : (condition.kind == .unknown ? timing.lookInterval * 4 : nil)
                self.ask(name, condition.missing, since: condition.since, every: interval, at: now)
            }
            if node.troubleSince != nil, let process = node.process, now - process.at > timing.validity / 2 {
                self.ask(name, [.supervisor], since: process.at, at: now)
            }
            if let back = self.incidents[.node(name)]?.answersSince {
                if self.isRegistered(node, since: back) != true { self.ask(name, [.zookeeper], since: back, at: now) }
                if self.isInSync(node, since: back) != true { self.ask(name, [.metadata], since: back, at: now) }
            }
        }
        if self.policy.zooKeeperMode {
            let isOld = self.state.registrations.map { now - $0.at > timing.validity / 3 } ?? true
            if isOld { self.ask(nil, [.zookeeper], since: .zero, every: timing.lookInterval * 4, at: now) }
        }
    }

    /// By a read of this time or later; `nil` when there is none. True for what does not register.
    func isRegistered(_ node: NodeState, since: Moment) -> Bool? {
        guard self.policy.zooKeeperMode, let broker = node.node.brokerID else { return true }
        guard let found = self.state.registration(of: broker, readSince: since) else { return nil }
        return found != nil
    }

    /// Whether it is in the ISR of all its partitions, by metadata of this time or later; `nil` when there is none.
    func isInSync(_ node: NodeState, since: Moment) -> Bool? {
        guard let broker = node.node.brokerID, node.methods.contains(.metadata) else { return true }
        guard let metadata = self.state.metadata, metadata.at >= since else { return nil }
        return metadata.lagging[broker] == nil
    }
}

extension MonitorMethod {
    /// The others are asked as a whole.
    var isAboutOneNode: Bool { self != .zookeeper && self != .metadata }
}
