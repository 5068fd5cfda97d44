internal import Cluster

extension HealerMachine {
    /// Refusals that pass by themselves within moments are told only if they last so long.
    static let passing = Duration.seconds(1)

    /// The leader's part: close what was left open, decide, write.
    mutating func lead(at now: Moment, isTick: Bool) {
        guard let epoch = self.leadership.epoch else { return }
        if isTick {
            self.timeOut(at: now)
            for name in self.attempts.keys { self.attempts[name]!.prune(self.policy.retry(for: name).window, at: now) }
        }
        guard self.book.isRead(under: epoch) else {
            return self.readLedgerIfDue(at: now)
        }
        for subject in self.incidents.keys.sorted() { self.giveID(to: subject) }
        let situation = self.situation(at: now)
        for (name, recovery) in self.recoveries where !situation.holdsSlot(recovery) { self.recoveries[name] = nil }
        self.writeOutcomes(at: now)
        for subject in self.order() where self.book.pending == nil && now >= self.holdOff {
            self.decide(subject, at: now)
        }
        if isTick { self.writeRecords(at: now) }
    }

    /// ZooKeeper servers first, because brokers need them; then whom a step is open for; then brokers that hold the last
    /// in-sync replicas of something that is offline.
    private func order() -> [Subject] {
        let holders = self.state.metadata?.lastHolders ?? []
        func rank(_ subject: Subject) -> Int {
            guard let name = subject.node, let node = self.state.nodes[name]?.node else { return 4 }
            guard let broker = node.brokerID else { return 0 }
            return self.recoveries[name] != nil ? 1 : (holders.contains(broker) ? 2 : 3)
        }
        return self.incidents.keys.map { (rank($0), self.incidents[$0]!.since, $0) }
            .sorted { ($0.0, $0.1, $0.2) < ($1.0, $1.1, $1.2) }.map(\.2)
    }

    func situation(at now: Moment) -> Situation {
        Situation(
            now: now, wall: self.wallTime(at: now), policy: self.policy, leadership: self.leadership,
            ledgerIsRead: self.book.isRead(under: self.leadership.epoch), unreadable: self.book.unreadable,
            control: self.control, auditFailure: self.auditFailure,
            intentFailure: self.intentFailure.flatMap { now - $0.at < Self.intentPause ? $0.reason : nil },
            state: self.state, conditions: self.conditions,
            peers: self.peers, attempts: self.attempts, recoveries: self.recoveries)
    }

    /// Whether a step of this node is under way; one whose effect is being looked for is not.
    func openStep(of node: NodeName) -> Recovery? {
        guard let recovery = self.recoveries[node] else { return nil }
        if case .settling = recovery.stage { return nil }
        return recovery
    }

    private mutating func decide(_ subject: Subject, at now: Moment) {
        guard let incident = self.incidents[subject] else { return }
        let code = incident.record.code
        guard let confirmedSince = incident.confirmedSince else {
            if now - incident.since >= self.policy.timing.unconfirmedLimit { self.page(.unconfirmed, subject, at: now) }
            return
        }
        guard incident.answersSince == nil else { return }
        let rule = self.policy.code(code, for: subject.node)
        guard let name = subject.node, let node = self.state.nodes[name]?.node else {
            let isDue = now - confirmedSince >= rule.grace
            if isDue, rule.ladder.contains(.page) { self.page(.lasts, subject, at: now) }
            return
        }
        guard self.openStep(of: name) == nil, let condition = self.conditions[name],
            condition.code(for: node.role) == code
        else { return }
        let registered = node.brokerID.flatMap { broker in
            self.state.registrations.map { $0.value[broker] != nil }
        }
        for rung in rule.ladder {
            switch rung {
            case .page:
                if now - confirmedSince >= rule.grace { self.page(.lasts, subject, at: now) }
                return
            case .step(let step):
                let isLeft = self.state.isLeftBehind(node)
                guard Ladder.applies(step, to: node, condition, registered: registered, leftBehind: isLeft) else {
                    continue
                }
                let proposal = Proposal(
                    step: step, node: node, condition: condition, incident: self.incidents[subject]!, code: code,
                    leadingSince: self.leadingSince)
                if self.propose(proposal, at: now) == .done { return }
            }
        }
    }

    private enum Proposed { case done, nextRung }

    private mutating func propose(_ proposal: Proposal, at now: Moment) -> Proposed {
        let subject = Subject.node(proposal.node.name)
        let situation = self.situation(at: now)
        if let refusal = Guard.refusal(of: proposal, in: situation, by: Guard.standing) {
            self.refuse(proposal, refusal, at: now)
            if refusal == .observing || refusal == .observedOnly { self.page(.notOurs, subject, at: now) }
            return .done
        }
        // Beside the first step, so that the step that needs it does not wait long.
        self.collectEvidence(proposal, at: now)
        var proposal = proposal
        proposal.incident = self.incidents[subject]!
        guard let refusal = Guard.refusal(of: proposal, in: situation, by: Guard.factual) else {
            self.permit(proposal, at: now)
            return .done
        }
        self.refuse(proposal, refusal, at: now)
        switch refusal {
        case .staleFacts(let methods): self.refresh(methods, for: proposal, at: now)
        case .stalePartitions: self.readPartitionStates(of: proposal.node, at: now)
        case .attemptsUsedUp(let count): self.page(.attemptsUsedUp(count), subject, at: now)
        case .flapping(let count): self.page(.flapping(count), subject, at: now)
        default: break
        }
        // A registration that may not be removed ends by itself: the next rung waits for that.
        return proposal.step == .deregister ? .nextRung : .done
    }

    private mutating func refuse(_ proposal: Proposal, _ refusal: Refusal, at now: Moment) {
        let subject = Subject.node(proposal.node.name)
        var refused =
            self.incidents[subject]!.refusals[proposal.step]
            ?? Incident.Refused(refusal: refusal, since: now, isRecorded: false)
        if refused.refusal.name != refusal.name {
            refused = Incident.Refused(refusal: refusal, since: now, isRecorded: false)
        }
        refused.refusal = refusal
        let tellNow = !refused.isRecorded && (!refusal.passesByItself || now - refused.since >= Self.passing)
        refused.isRecorded = refused.isRecorded || tellNow
        self.incidents[subject]!.refusals[proposal.step] = refused
        if tellNow {
            self.counters.refusals[refusal.name, default: 0] += 1
            self.note(.refused(proposal.step, refusal), in: subject, at: now)
        }
        // Without the removal the start goes on, but for what stands in the way of both.
        if proposal.step != .deregister || refusal.concernsEveryStep, refusal.needsPeople,
            now - refused.since >= self.policy.timing.unconfirmedLimit
        {
            self.page(.lasts, subject, at: now)
        }
    }

    private mutating func refresh(_ methods: [MonitorMethod], for proposal: Proposal, at now: Moment) {
        let oldest = now - self.policy.timing.partitionStateValidity
        let since = methods == [.zookeeper] ? proposal.registrationSince : proposal.factsSince
        self.ask(proposal.node.name, methods, since: max(since, oldest), at: now)
    }

    private mutating func readPartitionStates(of node: Node, at now: Moment) {
        guard let broker = node.brokerID, let metadata = self.state.metadata else { return }
        if let last = self.statesAskedAt, now - last < self.policy.timing.lookInterval { return }
        self.statesAskedAt = now
        self.effects.append(.readPartitionStates(metadata.hosted(by: broker).map(\.id)))
    }

    private mutating func collectEvidence(_ proposal: Proposal, at now: Moment) {
        let subject = Subject.node(proposal.node.name)
        let identity = proposal.condition.identity
        switch self.incidents[subject]!.evidence {
        case .there(identity): return
        case .asked(let request, _) where request.identity == identity: return
        case .none, .asked, .there: break
        }
        let request = EvidenceRequest(
            node: proposal.node.name, identity: identity, threadDump: proposal.step == .kill,
            limit: self.policy.timing.evidenceLimit)
        self.incidents[subject]!.evidence = .asked(request, at: now)
        self.effects.append(.collectEvidence(request))
    }

    mutating func evidence(_ request: EvidenceRequest, _ evidence: Evidence, at now: Moment) {
        let subject = Subject.node(request.node)
        guard case .asked(request, _) = self.incidents[subject]?.evidence else { return }
        self.incidents[subject]!.evidence = .there(request.identity)
        self.note(.evidence(evidence), in: subject, at: now)
    }

    /// Every guard said yes: the intent is put down. The step itself begins only in ``written(_:_:at:)``.
    private mutating func permit(_ proposal: Proposal, at now: Moment) {
        let (name, subject) = (proposal.node.name, Subject.node(proposal.node.name))
        guard case .leading(let epoch) = self.leadership, let control = self.control,
            let incident = self.incidents[subject]?.record.id
        else { return }
        self.lastIntent += 1
        let intent = Intent(
            id: IntentID(epoch: epoch, number: self.lastIntent), incident: incident, node: name, step: proposal.step,
            attempt: (self.attempts[name] ?? Attempts()).count(of: proposal.step) + 1,
            target: proposal.condition.identity, registration: self.registration(for: proposal),
            freshness: self.policy.timing.freshness, limit: self.policy.timing.limit(of: proposal.step))
        self.attempts[name, default: Attempts()].begin(intent, at: now, self.wallTime(at: now))
        self.incidents[subject]!.refusals[proposal.step] = nil
        self.note(.permitted(proposal.step), in: subject, at: now)
        self.note(.intent(intent), in: subject, at: now)
        // On the cluster's own ensemble the removal rides inside the write that permits it: committed is done.
        let rides = intent.step == .deregister && self.policy.sharesEnsemble
        var record = RecoveryRecord(intent: intent, putDownAt: self.wallTime(at: now))
        if rides {
            record.result = StepResult(.succeeded)
            record.endedAt = record.putDownAt
        }
        let changes = [
            self.book.put(.recovery(record)),
            self.book.put(.history(self.attempts[name]!.record(of: name, at: now))),
            self.book.put(.incident(self.incidents[subject]!.record)),
        ]
        self.book.incidents.remove(incident)
        self.book.histories.remove(name)
        let write = self.book.begin(
            .intent(intent, control.versions), changes, removing: rides ? intent.registration : nil, at: now)
        self.recoveries[name] = Recovery(intent: intent, stage: .asking(write.id), since: now)
        self.effects.append(.write(write))
    }

    private func registration(for proposal: Proposal) -> DeadRegistration? {
        guard proposal.step == .deregister, let broker = proposal.node.brokerID,
            let own = self.state.registrations?.value[broker]
        else { return nil }
        let controller = self.state.controller?.value.flatMap { $0.owner == own.owner ? $0 : nil }
        return DeadRegistration(
            broker: broker, owner: own.owner, version: own.version, controllerEpochVersion: controller?.epochVersion)
    }

    mutating func page(_ reason: PageReason, _ subject: Subject, at now: Moment) {
        guard self.leadership.isLeading, let record = self.incidents[subject]?.record,
            record.paged.allSatisfy({ $0.name != reason.name })
        else { return }
        self.incidents[subject]!.record.paged.append(reason)
        self.counters.pages += 1
        self.note(.paged(reason), in: subject, at: now)
        self.effects.append(
            .page(Page(incident: record.id, code: record.code, subject: subject, reason: reason)))
    }
}

extension Refusal {
    /// Facts or answers that are on their way.
    var passesByItself: Bool {
        switch self {
        case .staleFacts, .stalePartitions, .evidencePending, .agreement, .controlUnknown, .takingOver, .unconfirmed,
            .registered:
            true
        default: false
        }
    }
    /// Nothing at all is done while it lasts.
    var concernsEveryStep: Bool {
        switch self {
        case .auditUnwritable, .intentUnwritable, .unreadableRecord: true
        default: false
        }
    }
    /// If it lasts, somebody should know.
    var needsPeople: Bool {
        switch self {
        case .auditUnwritable, .intentUnwritable, .unreadableRecord, .staleFacts, .stalePartitions, .agreement,
            .registered,
            .supervisorFirst, .foreignHand,
            .notProvenBySupervisor, .minISR, .minISRUnknown, .quorum, .blastRadius:
            true
        default: false
        }
    }
}
