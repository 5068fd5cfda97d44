internal import Cluster

extension HealerMachine {
    /// Between two questions to the runner about a step that still runs.
    static let probeInterval = Duration.milliseconds(500)
    /// How long after its limit a step of an earlier leadership is surely ended by its runner.
    static let probeMargin = Duration.seconds(2)

    mutating func stand(_ leadership: Leadership, at now: Moment) {
        let before = self.leadership
        self.leadership = leadership
        guard leadership.epoch != before.epoch else { return }
        // What another leadership asked for is not ours any more: what runs is found again in ZooKeeper.
        self.book.reset()
        self.recoveries = [:]
        self.holdOff = .zero
        self.intentFailure = nil
        guard leadership.epoch != nil else { return }
        self.leadingSince = now
        if self.numberedUnder != leadership.epoch {
            self.numberedUnder = leadership.epoch
            self.lastIncident = 0
            self.lastIntent = 0
        }
        self.readLedgerIfDue(at: now)
    }

    /// Not while an answer is due, which may also get lost.
    mutating func readLedgerIfDue(at now: Moment) {
        if let askedAt = self.book.askedAt, now - askedAt < .seconds(2) { return }
        self.book.ask(at: now)
        self.effects.append(.readLedger)
    }

    mutating func readLedger(_ contents: LedgerContents, at now: Moment) {
        guard self.book.askedAt != nil else { return }
        self.ledgerFailure = nil
        for entry in contents.entries {
            guard case .nodes(let record) = entry.record else { continue }
            let configured = Set(self.policy.nodes.map(\.name))
            let brokers = Set(self.policy.nodes.compactMap(\.brokerID))
            for node in record.nodes where self.discovered[node.name] == nil && !configured.contains(node.name) {
                if node.brokerID.map({ brokers.contains($0) }) ?? false { continue }
                if self.policy.discovery != nil { self.add(discovered: node) }
            }
            self.book.nodes = record != self.knownNodes
        }
        guard let epoch = self.leadership.epoch else {
            // A follower only learns the nodes; it reads everything when it leads.
            self.book.read(LedgerContents(), under: .none)
            return
        }
        let isTakeover = self.book.readUnder != epoch
        self.book.read(contents, under: epoch)
        if isTakeover { self.takeOver(contents, at: now) } else { self.settleDoubts(contents, at: now) }
    }

    /// Everything of earlier leaderships that is still open becomes ours, before anything new is begun.
    private mutating func takeOver(_ contents: LedgerContents, at now: Moment) {
        self.counters.takeovers += 1
        self.attempts = [:]
        for subject in self.incidents.keys { self.incidents[subject]!.record.id = nil }
        self.closed = []
        for entry in contents.entries {
            switch entry.record {
            case .history(let record): self.attempts[record.node] = Attempts(record, at: now)
            case .incident(let record) where record.phase == .closed: self.closed.append(record)
            case .incident(let record): self.adopt(record, at: now)
            case .recovery, .nodes: break
            }
        }
        self.closed.sort { ($0.closedAt ?? $0.since) < ($1.closedAt ?? $1.since) }
        for entry in contents.entries {
            guard case .recovery(let record) = entry.record else { continue }
            if record.isOpen { self.adopt(record, at: now) } else { self.learn(record, at: now) }
        }
    }

    /// A step that ended after its leader did: the runner put its result down, and nobody has told it in the incident.
    private mutating func learn(_ record: RecoveryRecord, at now: Moment) {
        guard let result = record.result, let incident = self.incidents[.node(record.intent.node)]?.record,
            incident.id == record.intent.incident
        else { return }
        let isTold = incident.timeline.contains {
            if case .ended(record.intent.id, _, _) = $0.what { true } else { false }
        }
        if !isTold { self.stepHasEnded(record.intent, result, at: now) }
    }

    /// The same code and subject keep their id, and the timeline goes on.
    private mutating func adopt(_ record: IncidentRecord, at now: Moment) {
        let subject = record.subject
        if let name = subject.node, self.state.nodes[name] == nil {
            self.incidents[subject] = Incident(record, since: now)
            return self.close(subject, .subjectGone, at: now)
        }
        if let other = self.incidents[subject]?.record.id {
            // Two are open for one subject: the older one is the one.
            guard record.id.map({ $0 < other }) ?? false else { return }
        }
        let shadow = self.incidents[subject]
        var incident = Incident(record, since: shadow?.since ?? now)
        incident.confirmedSince = shadow?.confirmedSince
        incident.answersSince = shadow?.answersSince
        incident.wellSince = shadow?.wellSince
        incident.wasTreated = record.wasTreated
        if let shadow {
            incident.record.code = shadow.record.code
            incident.record.identity = shadow.record.identity ?? record.identity
            // A confirmed shadow goes on with its grace; one that is only suspected goes on as what was confirmed.
            incident.record.partitions = shadow.record.partitions
            incident.record.partitionCount = shadow.record.partitionCount ?? record.partitionCount
        }
        self.incidents[subject] = incident
        if let epoch = self.leadership.epoch { self.note(.adopted(epoch), in: subject, at: now) }
    }

    /// A step that an earlier leadership may have begun, or may still begin until its permission is too old. Our own
    /// claim is later than the intent, so that is over `freshness` after it.
    private mutating func adopt(_ record: RecoveryRecord, at now: Moment) {
        let intent = record.intent
        self.recoveries[intent.node] = Recovery(
            intent: intent,
            stage: .probing(mayBeginUntil: self.leadingSince + intent.freshness, askedAt: now), since: now)
        self.note(.takenOver(intent), in: .node(intent.node), at: now)
        self.effects.append(.probe(intent))
    }

    mutating func probed(_ id: IntentID, _ result: ProbeResult, at now: Moment) {
        guard let recovery = self.recoveries.values.first(where: { $0.intent.id == id }),
            case .probing(let mayBeginUntil, .some(let askedAt)) = recovery.stage
        else { return }
        // What was asked before then may be true no more.
        let isTooLateToBegin = askedAt > mayBeginUntil
        switch result {
        case .done(let result): self.stepEnded(id, result, at: now)
        case .notStarted where isTooLateToBegin:
            self.stepEnded(id, StepResult(.notStarted, output: "its leader ended before it began"), at: now)
        case .unknown where isTooLateToBegin:
            self.stepEnded(id, StepResult(.unknown, output: "its leader is gone, and its runner with it"), at: now)
        case .notStarted, .unknown, .running:
            self.recoveries[recovery.intent.node]!.stage = .probing(mayBeginUntil: mayBeginUntil, askedAt: nil)
            self.recoveries[recovery.intent.node]!.since = now
        }
    }

    /// The records were read again because it was not known what stands there.
    private mutating func settleDoubts(_ contents: LedgerContents, at now: Moment) {
        var stored: [NodeName: RecoveryRecord] = [:]
        for entry in contents.entries {
            if case .recovery(let record) = entry.record { stored[record.intent.node] = record }
        }
        for (name, recovery) in self.recoveries {
            guard case .recording(_, nil) = recovery.stage, let record = stored[name],
                record.intent.id == recovery.intent.id, let result = record.result
            else { continue }
            // Put down already: by the write whose reply was lost, or by the runner, whose healer was gone.
            self.recoveries[name] = Recovery(intent: recovery.intent, stage: .settling(result), since: now)
        }
        for (name, recovery) in self.recoveries where recovery.stage == .doubtful {
            if let record = stored[name], record.intent.id == recovery.intent.id, let result = record.result {
                // A removal that rode inside its own permission: committed is done.
                self.recoveries[name] = Recovery(intent: recovery.intent, stage: .settling(result), since: now)
                self.stepHasEnded(recovery.intent, result, at: now)
            } else if stored[name]?.intent.id != recovery.intent.id {
                self.recoveries[name] = nil
                self.attempts[name]?.cancel(recovery.intent.id)
            }
        }
        // Ours, open, and not begun by us: its permission was lost on the way.
        for (name, record) in stored where record.isOpen && record.intent.id.epoch == self.leadership.epoch {
            switch self.recoveries[name]?.stage {
            case nil, .some(.doubtful), .some(.settling):
                let result = StepResult(.notStarted, output: "the reply that permits it was lost")
                self.recoveries[name] = Recovery(intent: record.intent, stage: .recording(result, nil), since: now)
                self.attempts[name]?.end(record.intent.id, .notStarted, jitter: 0, at: now)
            case .some(.asking), .some(.running), .some(.probing), .some(.recording): break
            }
        }
    }

    /// What nobody answered in time.
    mutating func timeOut(at now: Moment) {
        if let pending = self.book.pending, now - pending.since > self.policy.timing.answerLimit {
            self.written(pending.write.id, .unknown, at: now)
        }
        for (name, recovery) in self.recoveries.sorted(by: { $0.key < $1.key }) {
            let (intent, margin) = (recovery.intent, self.policy.timing.answerLimit)
            switch recovery.stage {
            case .running(let startBy) where now > startBy + intent.limit + margin:
                self.stepEnded(intent.id, StepResult(.unknown, output: "its end was never told"), at: now)
            case .probing(let mayBeginUntil, _) where now > mayBeginUntil + intent.limit + Self.probeMargin:
                self.stepEnded(intent.id, StepResult(.unknown, output: "its time is over"), at: now)
            case .probing(let mayBeginUntil, let askedAt):
                let isDue =
                    askedAt.map { now - $0 > margin }
                    ?? (now - recovery.since >= Self.probeInterval
                        || (recovery.since <= mayBeginUntil && now > mayBeginUntil))
                guard isDue else { continue }
                self.recoveries[name]!.stage = .probing(mayBeginUntil: mayBeginUntil, askedAt: now)
                self.effects.append(.probe(intent))
            case .asking, .doubtful, .running, .recording, .settling: break
            }
        }
    }
}

extension IncidentRecord {
    /// Whether a step in it ended well.
    var wasTreated: Bool {
        self.timeline.contains {
            if case .ended(_, _, let result) = $0.what { result.outcome == .succeeded } else { false }
        }
    }
}
