internal import Cluster

/// How a node is, by all that is known of it: the rules of DESIGN section 6. A node has one condition at a time.
struct Condition: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// Nothing fresh is known.
        case unknown
        case well
        /// Alive, and says that it cannot serve: for a moment as in an election, or, confirmed, for longer.
        case refusing
        /// Its process runs and has never answered in this life, or its supervisor is at it: never touched.
        case starting
        /// Ended because somebody asked for it.
        case stopped
        /// Ended, and its supervisor is about to start it again: it goes first.
        case restarting
        case dead
        case hung
        /// Answers, but is not registered.
        case unregistered
    }
    var kind: Kind
    /// By two independent sources; or by one, where nothing more is done than telling people.
    var isConfirmed: Bool
    /// Which life of the process is meant.
    var identity: ProcessIdentity?
    var since: Moment
    var sources: [MonitorMethod] = []
    /// Whose word would settle it.
    var missing: [MonitorMethod] = []

    /// `nil` when there is nothing to find.
    func code(for role: Node.Role) -> FindingCode? {
        switch (self.kind, role) {
        case (.unknown, _), (.well, _), (.refusing, .broker): nil
        // Every election of the ensemble makes all servers refuse for a moment.
        case (.refusing, .zooKeeper): self.isConfirmed ? .zooKeeperNotServing : nil
        case (.dead, .broker), (.restarting, .broker): .brokerDead
        case (.dead, .zooKeeper), (.restarting, .zooKeeper): .zooKeeperDead
        case (.hung, .broker): .brokerHung
        case (.hung, .zooKeeper): .zooKeeperHung
        case (.starting, .broker): .brokerStarting
        case (.starting, .zooKeeper): .zooKeeperStarting
        case (.stopped, .broker): .brokerStopped
        case (.stopped, .zooKeeper): .zooKeeperStopped
        case (.unregistered, _): .brokerUnregistered
        }
    }

    /// Whether it counts as failing where it is asked how much may fail at once. What is not known fails.
    var isFailing: Bool { self.kind != .well }
}

extension Condition {
    static func of(_ node: NodeState, in state: ClusterState, _ policy: Policy, at now: Moment) -> Condition {
        guard let trouble = node.troubleSince else { return self.withoutTrouble(node, in: state, policy, at: now) }
        let method = node.contact?.method ?? .socket
        guard let contact = node.contact, now - contact.at <= policy.timing.validity else {
            return Condition(kind: .unknown, isConfirmed: false, since: trouble, missing: node.liveness)
        }
        // Asked after the trouble began: an older word is about another time.
        guard let process = node.process, process.at >= trouble, now - process.at <= policy.timing.validity else {
            return self.withoutSupervisor(node, in: state, policy, since: trouble, by: method)
        }
        let (life, both) = (process.value.identity, [method, .supervisor])
        switch process.value.state {
        case .exited:
            return Condition(kind: .dead, isConfirmed: true, identity: life, since: trouble, sources: both)
        case .restarting:
            return Condition(kind: .restarting, isConfirmed: true, identity: life, since: trouble, sources: both)
        case .starting:
            return Condition(
                kind: .starting, isConfirmed: true, identity: process.value.ended ?? life, since: trouble,
                sources: both)
        case .stopped:
            return Condition(kind: .stopped, isConfirmed: true, identity: life, since: trouble, sources: both)
        case .running:
            let hasServed = life.map { $0 == node.served } ?? (node.lastAnswer != nil)
            guard hasServed else {
                // The life that ended is what healers agree upon: those who looked a moment earlier saw no other yet.
                return Condition(
                    kind: .starting, isConfirmed: true, identity: process.value.ended ?? life, since: trouble,
                    sources: both)
            }
            let isConfirmed = now - trouble >= policy.timing.hungConfirm
            return Condition(
                kind: .hung, isConfirmed: isConfirmed, identity: life, since: trouble, sources: both,
                missing: isConfirmed ? [] : [.supervisor])
        }
    }

    private static func withoutTrouble(
        _ node: NodeState, in state: ClusterState, _ policy: Policy, at now: Moment
    ) -> Condition {
        if let process = node.process, process.value.state != .running, now - process.at <= policy.timing.validity,
            node.lastAnswer.map({ $0.at < process.at }) ?? true
        {
            // One source only: the network has not said so yet.
            let kind: Kind =
                switch process.value.state {
                case .stopped: .stopped
                case .starting: .starting
                case .running, .exited, .restarting: .dead
                }
            return Condition(
                kind: kind, isConfirmed: false, identity: process.value.identity, since: process.at,
                sources: [.supervisor], missing: node.liveness)
        }
        guard let contact = node.contact, now - contact.at <= policy.timing.validity else {
            return Condition(kind: .unknown, isConfirmed: false, since: now, missing: node.liveness)
        }
        if case .refusedToServe = contact.value {
            let since = node.refusingSince ?? contact.at
            // Its own word is enough, since nothing is done about it but telling people.
            let isConfirmed = node.node.brokerID == nil && now - since >= policy.timing.refusingConfirm
            let runs = node.process.map { $0.value.state == .running && now - $0.at <= policy.timing.validity } ?? false
            return Condition(
                kind: .refusing, isConfirmed: isConfirmed, identity: runs ? node.process?.value.identity : nil,
                since: since, sources: runs ? [contact.method, .supervisor] : [contact.method])
        }
        guard node.answers(at: now, within: policy.timing.validity) else {
            return Condition(kind: .unknown, isConfirmed: false, since: contact.at, missing: node.liveness)
        }
        if policy.zooKeeperMode, node.methods.contains(.zookeeper), let broker = node.node.brokerID,
            let absent = state.absent[broker],
            state.registeredOnce.contains(broker) || node.served != nil,
            absent.last - absent.since >= policy.timing.brokerSession * 2, now - absent.last <= policy.timing.validity
        {
            return Condition(
                kind: .unregistered, isConfirmed: true, identity: node.process?.value.identity, since: absent.since,
                sources: [contact.method, .zookeeper])
        }
        return Condition(
            kind: .well, isConfirmed: true, identity: node.process?.value.identity, since: contact.at,
            sources: [contact.method])
    }

    /// The supervisor has not said anything since the trouble began. Where it cannot be asked, a registration that was
    /// there and is gone is the second source.
    private static func withoutSupervisor(
        _ node: NodeState, in state: ClusterState, _ policy: Policy, since trouble: Moment, by method: MonitorMethod
    ) -> Condition {
        let cannotBeAsked =
            !node.methods.contains(.supervisor) || (node.failures[.supervisor].map { $0.at >= trouble } ?? false)
        if cannotBeAsked, policy.zooKeeperMode, let broker = node.node.brokerID,
            state.registeredOnce.contains(broker), case .some(nil) = state.registration(of: broker, readSince: trouble)
        {
            return Condition(kind: .dead, isConfirmed: true, since: trouble, sources: [method, .zookeeper])
        }
        return Condition(
            kind: .dead, isConfirmed: false, since: trouble, sources: [method],
            missing: cannotBeAsked ? [.zookeeper, .supervisor] : [.supervisor])
    }
}

extension NodeState {
    /// The methods that tell whether it answers.
    var liveness: [MonitorMethod] {
        [.socket, .protocol, .fourLetter].filter { self.methods.contains($0) }
    }
}
