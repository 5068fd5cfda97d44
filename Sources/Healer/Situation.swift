internal import Cluster

/// Everything that a guard may look at, at one moment.
struct Situation: Sendable {
    var now: Moment
    var wall: WallTime
    var policy: Policy
    var leadership: Leadership
    /// What the leader before left behind is read.
    var ledgerIsRead: Bool
    var unreadable: Set<LedgerKey>
    var control: ControlView?
    var auditFailure: String?
    /// Set while no other intent is to be sent.
    var intentFailure: String?
    var state: ClusterState
    var conditions: [NodeName: Condition]
    var peers: Peers
    var attempts: [NodeName: Attempts]
    var recoveries: [NodeName: Recovery]
}

/// A step that the ladder asks for.
struct Proposal: Sendable {
    var step: Step
    var node: Node
    var condition: Condition
    var incident: Incident
    var code: FindingCode
    /// When the present leadership began.
    var leadingSince: Moment
    /// Whose grace and mode hold for the step: a registration is removed by the rule for dead brokers.
    var ruledBy: FindingCode { self.step == .deregister ? .brokerDead : self.code }
    /// Facts about the node must have been asked for at this moment or later: after its trouble began, after the last
    /// step ended, and after we began to lead, since the leader before may have changed what we saw.
    var factsSince: Moment {
        max(self.condition.since, self.leadingSince, self.incident.lastStepEnd ?? self.condition.since)
    }
    /// The registration is read after its owner was confirmed dead.
    var registrationSince: Moment { max(self.factsSince, self.incident.confirmedSince ?? self.factsSince) }
}

extension Situation {
    func process(of node: NodeName) -> NodeState.Dated<ProcessState>? { self.state.nodes[node]?.process }

    /// The registration of the proposal's broker, by a read that is recent enough. `nil`: must be read first.
    func registration(for proposal: Proposal) -> Registration?? {
        guard let broker = proposal.node.brokerID, let read = self.state.registrations,
            self.now - read.at <= self.policy.timing.validity
        else { return nil }
        return self.state.registration(of: broker, readSince: proposal.registrationSince)
    }

    /// Brokers that fail, or of which nothing is known.
    var failingBrokers: Set<BrokerID> {
        Set(
            self.state.brokers.compactMap { node in
                self.conditions[node.node.name]?.isFailing ?? true ? node.node.brokerID : nil
            })
    }

    /// Whether the cluster's one recovery is with this node: a step is open, or its effect is not seen yet.
    func holdsSlot(_ recovery: Recovery) -> Bool {
        guard case .settling(let result) = recovery.stage else { return true }
        guard result.outcome == .succeeded, self.now - recovery.since < self.policy.timing.settleLimit,
            let node = self.state.nodes[recovery.intent.node]
        else { return false }
        // What its supervisor said since.
        let process = node.process.flatMap { $0.at >= recovery.since ? $0.value.state : nil }
        switch (recovery.intent.step, node.node.role) {
        case (.start, .broker(let broker)):
            // Free again once it is starting or registered; and when the start came to nothing.
            if case .some(.some) = self.state.registration(of: broker, readSince: recovery.since) { return false }
            return process == nil
        case (.start, .zooKeeper):
            // Never two servers of an ensemble at once: it must serve, or at least say that it cannot.
            if process == .exited || process == .stopped { return false }
            guard process != nil, let contact = node.contact, contact.at >= recovery.since else { return true }
            return node.troubleSince != nil
        case (.kill, _): return process == nil
        case (.deregister, .broker(let broker)):
            return self.state.registration(of: broker, readSince: recovery.since) == nil
        case (.deregister, .zooKeeper): return false
        }
    }
}
