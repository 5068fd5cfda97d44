internal import Cluster

/// A guard says yes (`nil`) or no, with a reason, to one proposed step. Each is a small pure function; a step is taken
/// only when all of them say yes, and the first no is what people are told.
struct Guard: Sendable {
    let name: String
    let refusal: @Sendable (Proposal, Situation) -> Refusal?
    init(_ name: String, _ refusal: @escaping @Sendable (Proposal, Situation) -> Refusal?) {
        self.name = name
        self.refusal = refusal
    }

    /// In this order.
    static let all = standing + factual

    /// Whether anything may be done for this node at all.
    static let standing: [Guard] = [
        Guard("leadership", Self.leadership), Guard("mode", Self.mode), Guard("control", Self.control),
        Guard("audit", Self.audit), Guard("intent", Self.intent), Guard("confirmed", Self.confirmed),
        Guard("grace", Self.grace),
    ]

    /// Whether this step may be taken now.
    static let factual: [Guard] = [
        Guard("supervisor first", Self.supervisorFirst), Guard("foreign hand", Self.foreignHand),
        Guard("policy", Self.stepPolicy),
        Guard("flapping", Self.flapping), Guard("attempts", Self.attempts), Guard("one at a time", Self.oneAtATime),
        Guard("process facts", Self.processFacts), Guard("registration facts", Self.registrationFacts),
        Guard("registered", Self.registered), Guard("agreement", Self.agreement),
        Guard("blast radius", Self.blastRadius), Guard("unclean election", Self.uncleanElection),
        Guard("min ISR", Self.minISR), Guard("quorum", Self.quorum), Guard("evidence", Self.evidence),
    ]

    static func refusal(of proposal: Proposal, in situation: Situation, by guards: [Guard] = all) -> Refusal? {
        for one in guards { if let refusal = one.refusal(proposal, situation) { return refusal } }
        return nil
    }
}

extension Guard {
    @Sendable static func leadership(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        guard situation.leadership.isLeading else { return .suspended }
        guard situation.ledgerIsRead else { return .takingOver }
        let keys: Set<LedgerKey> = [.recovery(proposal.node.name), .history(proposal.node.name)]
        return situation.unreadable.isDisjoint(with: keys) ? nil : .unreadableRecord
    }

    @Sendable static func mode(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        guard situation.policy.zooKeeperMode else { return .observedOnly }
        let own = situation.policy.code(proposal.ruledBy, for: proposal.node.name).mode
        return situation.policy.mode == .heal && own != .observe ? nil : .observing
    }

    @Sendable static func control(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        guard let control = situation.control else { return .controlUnknown }
        if let pause = control.pause(at: situation.wall) {
            return .paused(by: pause.by, why: pause.why, until: pause.until)
        }
        return control.maintenance(of: proposal.node.name, at: situation.wall)
            .map { .maintenance(by: $0.by, why: $0.why, until: $0.until) }
    }

    @Sendable static func audit(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        situation.auditFailure.map { .auditUnwritable(reason: $0) }
    }

    @Sendable static func intent(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        situation.intentFailure.map { .intentUnwritable(reason: $0) }
    }

    @Sendable static func confirmed(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        proposal.condition.isConfirmed && proposal.incident.confirmedSince != nil ? nil : .unconfirmed
    }

    @Sendable static func grace(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        let grace = situation.policy.code(proposal.ruledBy, for: proposal.node.name).grace
        let held = proposal.incident.confirmedSince.map { situation.now - $0 } ?? .zero
        return held >= grace ? nil : .grace(milliseconds: grace.wholeMilliseconds)
    }

    @Sendable static func supervisorFirst(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        // A delete cannot check the owner, and a supervisor that starts it by itself may do so meanwhile. While the dead
        // life's session cannot have expired (a client's last word to its server is at most a third of the session older
        // than its death), nobody else can own the registration.
        let cannotHaveExpired =
            situation.now - proposal.condition.since < situation.policy.timing.brokerSession / 2
        switch proposal.condition.kind {
        case .restarting: return .supervisorFirst
        case .starting:
            let isLeft = proposal.step == .deregister && situation.state.isLeftBehind(proposal.node)
            return isLeft && cannotHaveExpired ? nil : .supervisorFirst
        case .dead where proposal.step == .deregister:
            let startsByItself = situation.process(of: proposal.node.name)?.value.ended != nil
            return startsByItself && !cannotHaveExpired ? .supervisorFirst : nil
        default: return nil
        }
    }

    /// Whoever is at the node already goes first. What a dead life left in ZooKeeper is in that hand's way as well.
    @Sendable static func foreignHand(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        guard proposal.step != .deregister else { return nil }
        if let hand = situation.process(of: proposal.node.name)?.value.hand { return .foreignHand(hand) }
        // One that only its refusal shows is asked again now and then.
        guard let yielding = proposal.incident.yielding, situation.now < yielding.until else { return nil }
        return .foreignHand(yielding.to)
    }

    /// A live broker must never lose its registration, so only its supervisor's word that the process has ended will do;
    /// and exactly the process that was proven hung is killed, so it must have a name.
    @Sendable static func stepPolicy(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        switch proposal.step {
        case .start: nil
        case .kill: proposal.condition.identity == nil ? .notProvenBySupervisor : nil
        case .deregister:
            if proposal.incident.failedRemovals >= Ladder.removalAttempts {
                .byPolicy
            } else {
                proposal.condition.sources.contains(.supervisor) ? nil : .notProvenBySupervisor
            }
        }
    }

    @Sendable static func flapping(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        let attempts = situation.attempts[proposal.node.name] ?? Attempts()
        guard attempts.healed.count < situation.policy.flappingLimit else { return .flapping(attempts.healed.count) }
        let cooldown = situation.policy.code(proposal.code, for: proposal.node.name).cooldown
        guard let last = attempts.healed.last(where: { $0.code == proposal.code })?.at,
            situation.now - last < cooldown
        else { return nil }
        return .coolingDown(until: situation.wall(at: last + cooldown))
    }

    @Sendable static func attempts(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        let retry = situation.policy.retry(for: proposal.node.name)
        let attempts = situation.attempts[proposal.node.name] ?? Attempts()
        let count = attempts.count(of: proposal.step)
        // As often as it is started, and without a delay: it is one conditional write.
        if proposal.step == .deregister { return count < retry.attempts ? nil : .byPolicy }
        guard count < retry.attempts else { return .attemptsUsedUp(count) }
        guard let due = attempts.nextDue(proposal.step, retry), situation.now < due else { return nil }
        return .coolingDown(until: situation.wall(at: due))
    }

    @Sendable static func oneAtATime(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        situation.recoveries.values
            .filter { $0.intent.node != proposal.node.name && situation.holdsSlot($0) }
            .map(\.intent.node).min().map { .busy(with: $0) }
    }

    @Sendable static func processFacts(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        // Where the supervisor cannot be asked, the registration was the second source: see the rule for dead brokers.
        guard proposal.condition.sources.contains(.supervisor) else { return nil }
        let timing = situation.policy.timing
        let validity = proposal.step.isDisruptive ? timing.partitionStateValidity : timing.validity
        guard let process = situation.process(of: proposal.node.name), process.at >= proposal.factsSince,
            situation.now - process.at <= validity
        else { return .staleFacts([.supervisor]) }
        return nil
    }

    @Sendable static func registrationFacts(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        guard proposal.node.brokerID != nil, proposal.step != .kill else { return nil }
        guard situation.registration(for: proposal) != nil else { return .staleFacts([.zookeeper]) }
        guard proposal.step == .deregister else { return nil }
        // Who is the controller is told together with who is registered.
        guard let registrations = situation.state.registrations, let controller = situation.state.controller,
            controller.at >= registrations.at,
            situation.now - registrations.at <= situation.policy.timing.partitionStateValidity
        else { return .staleFacts([.zookeeper]) }
        // A process that was started since would own a registration that is younger than the word that it is dead.
        if let broker = proposal.node.brokerID, let owner = situation.state.ownerSeenBy[broker],
            situation.process(of: proposal.node.name).map({ $0.at < owner.by }) ?? true
        {
            return .staleFacts([.supervisor])
        }
        return nil
    }

    /// A broker started while its old registration stands dies of `NodeExists`.
    @Sendable static func registered(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        guard proposal.step == .start, proposal.node.brokerID != nil else { return nil }
        guard case .some(nil) = situation.registration(for: proposal) else { return .registered }
        return nil
    }

    @Sendable static func agreement(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        guard proposal.step.isDisruptive else { return nil }
        let verdict = Digest.Verdict(code: proposal.code, identity: proposal.condition.identity)
        let seen =
            1
            + situation.peers.count(
                seeing: verdict, of: proposal.node.name, at: situation.now, situation.policy.timing.digestValidity)
        let needed = situation.policy.agreement
        return seen >= needed ? nil : .agreement(seen: seen, needed: needed)
    }

    @Sendable static func blastRadius(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        guard proposal.step.isDisruptive, proposal.node.brokerID != nil else { return nil }
        let limit = situation.policy.blastRadius ?? max(1, situation.state.brokers.count / 3)
        let failing = situation.failingBrokers.count
        return failing <= limit ? nil : .blastRadius(failing: failing, limit: limit)
    }

    /// Removing the last holder's registration makes the controller elect an unclean leader where that is allowed: the
    /// loss would be of our making.
    @Sendable static func uncleanElection(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        guard proposal.step == .deregister, let broker = proposal.node.brokerID else { return nil }
        guard let metadata = situation.state.metadata else { return .staleFacts([.metadata]) }
        let atRisk = metadata.hosted(by: broker).filter { $0.uncleanElection != false }
        guard !atRisk.isEmpty else { return nil }
        guard let states = situation.freshStates else { return .stalePartitions }
        let failing = situation.failingBrokers
        let lost = atRisk.first { partition in
            (states[partition.id] ?? partition).inSyncReplicas.allSatisfy { failing.contains($0) }
        }
        return lost.map { .uncleanElection($0.id) }
    }

    /// DESIGN section 7: never stop n if some partition has n in its ISR, a live leader other than n, an ISR of at least
    /// the minimum, and an ISR less n less failing nodes below it. A minimum that is not known is a no.
    @Sendable static func minISR(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        guard proposal.step == .kill, let broker = proposal.node.brokerID else { return nil }
        guard let metadata = situation.state.metadata else { return .staleFacts([.metadata]) }
        guard let states = situation.freshStates else { return .stalePartitions }
        let failing = situation.failingBrokers
        for hosted in metadata.hosted(by: broker) {
            guard let state = states[hosted.id] else { return .stalePartitions }
            guard state.inSyncReplicas.contains(broker) else { continue }
            guard let leader = state.leader, leader != broker, !failing.contains(leader) else { continue }
            guard let minimum = state.minInSyncReplicas ?? hosted.minInSyncReplicas else { return .minISRUnknown }
            let rest = state.inSyncReplicas.count { $0 != broker && !failing.contains($0) }
            if state.inSyncReplicas.count >= minimum, rest < minimum { return .minISR(hosted.id) }
        }
        return nil
    }

    /// An ensemble is never taken under its quorum: neither is a server of it killed, nor, without one, anything else.
    @Sendable static func quorum(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        let servers = situation.state.zooKeepers
        guard proposal.step == .kill, !servers.isEmpty else { return nil }
        let needed = servers.count / 2 + 1
        let serving = servers.count {
            $0.node.name != proposal.node.name && situation.conditions[$0.node.name]?.kind == .well
        }
        return serving >= needed ? nil : .quorum(serving: serving, needed: needed)
    }

    /// What the process left behind is read before it is killed, or overwritten by a new one.
    @Sendable static func evidence(_ proposal: Proposal, _ situation: Situation) -> Refusal? {
        guard proposal.step != .deregister else { return nil }
        switch proposal.incident.evidence {
        case .there(let identity) where identity == proposal.condition.identity: return nil
        case .asked(let request, let at) where request.identity == proposal.condition.identity:
            return situation.now - at >= request.limit + Ladder.evidenceMargin ? nil : .evidencePending
        case .none, .asked, .there: return .evidencePending
        }
    }
}

extension Situation {
    /// `nil` when they must be read (again) first.
    var freshStates: [TopicPartition: PartitionState]? {
        guard let read = self.state.partitionStates,
            self.now - read.at <= self.policy.timing.partitionStateValidity
        else { return nil }
        return read.value
    }
    func wall(at moment: Moment) -> WallTime {
        WallTime(self.wall.rawValue + (moment - self.now).wholeMilliseconds)
    }
}
