internal import Cluster

extension HealerMachine {
    /// The answer to a write. Only here, and only by ``Permission``, does a step begin.
    mutating func written(_ id: WriteID, _ answer: GuardedResult, at now: Moment) {
        guard let write = self.book.end(id, answer) else { return }
        switch write.purpose {
        case .intent(let intent, let control): self.answered(intent, control, write, answer, at: now)
        case .outcome(let intent): self.recorded(intent, answer, at: now)
        case .records: if case .committed = answer { return } else { self.keepForLater(write, at: now) }
        }
    }

    /// Nothing was sent: as if it had never been decided, but for what is told.
    mutating func notAudited(_ id: WriteID, at now: Moment) {
        guard let write = self.book.end(id, .notLeading), case .intent(let intent, _) = write.purpose,
            self.recoveries[intent.node]?.stage == .asking(id)
        else { return }
        self.withhold(intent, .notAudited, at: now)
        self.forget(intent)
    }

    private mutating func answered(
        _ intent: Intent, _ control: ControlVersions, _ write: LedgerWrite, _ answer: GuardedResult, at now: Moment
    ) {
        guard let recovery = self.recoveries[intent.node], recovery.stage == .asking(write.id) else { return }
        let subject = Subject.node(intent.node)
        if case .committed = answer { self.intentFailure = nil }
        if case .committed = answer, write.removing != nil {
            self.recoveries[intent.node]!.stage = .settling(StepResult(.succeeded))
            self.note(.begun(intent.id, intent.step), in: subject, at: now)
            self.count(intent)
            self.stepHasEnded(intent, StepResult(.succeeded, took: now - recovery.since), at: now)
            return
        }
        switch Permission.of(intent, answer: answer, leadership: self.leadership, at: now) {
        case .begin(let order):
            self.recoveries[intent.node] = Recovery(intent: intent, stage: .running(startBy: order.startBy), since: now)
            self.note(.begun(intent.id, intent.step), in: subject, at: now)
            self.count(intent)
            self.effects.append(.run(order))
        case .withhold(let reason):
            self.withhold(intent, reason, at: now)
            self.withheld(intent, control, write, answer, at: now)
        }
    }

    private mutating func withhold(_ intent: Intent, _ reason: Withheld, at now: Moment) {
        self.counters.withheld[reason, default: 0] += 1
        self.note(.withheld(intent.id, reason), in: .node(intent.node), at: now)
    }

    private mutating func forget(_ intent: Intent) {
        self.recoveries[intent.node] = nil
        self.attempts[intent.node]?.cancel(intent.id)
        self.touch(.node(intent.node))
    }

    private mutating func count(_ intent: Intent) {
        self.counters.attempts[intent.step, default: 0] += 1
        self.counters.attemptsByNode[intent.node, default: 0] += 1
    }

    private mutating func withheld(
        _ intent: Intent, _ control: ControlVersions, _ write: LedgerWrite, _ answer: GuardedResult, at now: Moment
    ) {
        switch answer {
        case .committed:
            // It stands in ZooKeeper as open, and never begins: put that down.
            let result = StepResult(.notStarted, output: "permission came too late")
            self.recoveries[intent.node] = Recovery(intent: intent, stage: .recording(result, nil), since: now)
            self.attempts[intent.node]?.end(intent.id, .notStarted, jitter: 0, at: now)
            return
        case .unknown:
            self.recoveries[intent.node] = Recovery(intent: intent, stage: .doubtful, since: now)
            return
        case .controlMoved:
            // Unless the new control was read meanwhile, nothing is decided until it is.
            if self.control?.versions == control { self.control = nil }
        case .deposed: self.stand(.following, at: now)
        case .notLeading: self.holdOff = now + .milliseconds(200)
        case .refused(let place, let error):
            self.holdOff = now + .milliseconds(500)
            if place >= write.changes.count { self.removalRefused(intent, error, at: now) }
        }
        self.forget(intent)
    }

    private mutating func removalRefused(_ intent: Intent, _ error: StoreError, at now: Moment) {
        self.incidents[.node(intent.node)]?.failedRemovals += error.isAboutAccess ? Ladder.removalAttempts : 1
        self.incidents[.node(intent.node)]?.lastStepEnd = now
        self.ask(intent.node, [.zookeeper], since: now, at: now)
    }

    mutating func stepEnded(_ id: IntentID, _ result: StepResult, at now: Moment) {
        guard let recovery = self.recoveries.values.first(where: { $0.intent.id == id }) else { return }
        switch recovery.stage {
        case .running, .probing:
            self.recoveries[recovery.intent.node] = Recovery(
                intent: recovery.intent, stage: .recording(result, nil), since: now)
            self.stepHasEnded(recovery.intent, result, at: now)
        case .asking, .doubtful, .recording, .settling: break
        }
    }

    /// A step is over: count it, and look again, before anything else is decided for this node.
    mutating func stepHasEnded(_ intent: Intent, _ result: StepResult, at now: Moment) {
        let subject = Subject.node(intent.node)
        let jitter = Double.random(in: 0..<1, using: &self.random)
        self.attempts[intent.node, default: Attempts()].end(intent.id, result.outcome, jitter: jitter, at: now)
        self.recoveries[intent.node]?.since = now
        self.incidents[subject]?.lastStepEnd = now
        if intent.step == .deregister {
            self.state.forgetRegistrations()
        } else if result.outcome != .yielded {
            self.incidents[subject]?.yielding = nil
        }
        self.note(.ended(intent.id, intent.step, result), in: subject, at: now)
        switch (result.outcome, intent.step) {
        case (.succeeded, _):
            self.counters.stepsSucceeded[intent.step, default: 0] += 1
            self.incidents[subject]?.wasTreated = true
        case (.notPermitted, .deregister): self.incidents[subject]?.failedRemovals += Ladder.removalAttempts
        case (.notPermitted, let step): self.page(.stepNotPermitted(step, result.output), subject, at: now)
        case (.failed, .deregister), (.timedOut, .deregister), (.interrupted, .deregister), (.unknown, .deregister):
            self.incidents[subject]?.failedRemovals += 1
        case (.yielded, _): self.yield(to: result.output, intent.node, at: now)
        case (.failed, _), (.timedOut, _), (.interrupted, _), (.unknown, _), (.notStarted, _): break
        }
        guard let node = self.state.nodes[intent.node] else { return }
        self.ask(intent.node, [.supervisor] + node.liveness + [.zookeeper], since: now, at: now)
    }

    /// The least time between two attempts at a step that somebody else does not allow.
    static let yieldPause = Duration.seconds(5)

    /// Somebody else goes first, as only the attempt could show. No attempt is used up, but if it lasts, somebody should know.
    private mutating func yield(to hand: String, _ node: NodeName, at now: Moment) {
        let subject = Subject.node(node)
        guard let incident = self.incidents[subject] else { return }
        let hand = hand.split(whereSeparator: \.isNewline).last.map { String($0.prefix(300)) } ?? "somebody"
        let (since, count) = (incident.yielding?.since ?? now, (incident.yielding?.count ?? 0) + 1)
        let pause = max(self.policy.retry(for: node).delay(after: count), Self.yieldPause)
        self.incidents[subject]!.yielding = Incident.Yielding(to: hand, since: since, count: count, until: now + pause)
        if incident.hand != hand {
            self.incidents[subject]!.hand = hand
            self.note(.foreignHand(hand), in: subject, at: now)
        }
        if now - since >= self.policy.timing.unconfirmedLimit { self.page(.lasts, subject, at: now) }
    }

    /// Puts down how steps ended, one write at a time.
    mutating func writeOutcomes(at now: Moment) {
        guard now >= self.holdOff else { return }
        for name in self.recoveries.keys.sorted() {
            guard self.book.pending == nil, let recovery = self.recoveries[name],
                case .recording(let result, nil) = recovery.stage
            else { continue }
            let record = RecoveryRecord(
                intent: recovery.intent, putDownAt: self.wallTime(at: recovery.since), result: result,
                endedAt: self.wallTime(at: now))
            var changes = [self.book.put(.recovery(record))]
            if let attempts = self.attempts[name] {
                changes.append(self.book.put(.history(attempts.record(of: name, at: now))))
                self.book.histories.remove(name)
            }
            if let incident = self.incidents[.node(name)]?.record, let id = incident.id {
                changes.append(self.book.put(.incident(incident)))
                self.book.incidents.remove(id)
            }
            let write = self.book.begin(.outcome(recovery.intent.id), changes, at: now)
            self.recoveries[name]!.stage = .recording(result, write.id)
            self.effects.append(.write(write))
        }
    }

    private mutating func recorded(_ id: IntentID, _ answer: GuardedResult, at now: Moment) {
        guard let recovery = self.recoveries.values.first(where: { $0.intent.id == id }),
            case .recording(let result, _) = recovery.stage
        else { return }
        let name = recovery.intent.node
        switch answer {
        case .committed: self.recoveries[name]!.stage = .settling(result)
        case .deposed: self.stand(.following, at: now)
        case .controlMoved, .notLeading, .refused, .unknown:
            // Still to be put down: an outcome may be written twice, a step may not be begun twice.
            self.recoveries[name]!.stage = .recording(result, nil)
            self.book.histories.insert(name)
            self.touch(.node(name))
            self.holdOff = now + .milliseconds(200)
        }
    }

    /// What is worth keeping and waits for no step. Bounded in size: the rest goes with the next write.
    mutating func writeRecords(at now: Moment) {
        guard self.book.pending == nil, now >= self.holdOff else { return }
        var changes: [LedgerChange] = []
        if self.book.nodes {
            changes.append(self.book.put(.nodes(self.knownNodes)))
            self.book.nodes = false
        }
        for name in self.book.histories.sorted().prefix(20) {
            self.book.histories.remove(name)
            guard let attempts = self.attempts[name] else { continue }
            changes.append(self.book.put(.history(attempts.record(of: name, at: now))))
        }
        for id in self.book.incidents.sorted().prefix(10) {
            self.book.incidents.remove(id)
            let open = self.incidents.values.first { $0.record.id == id }?.record
            guard let record = open ?? self.closed.last(where: { $0.id == id }) else { continue }
            changes.append(self.book.put(.incident(record)))
        }
        for id in self.book.removals.sorted().prefix(20) {
            self.book.removals.remove(id)
            if let version = self.book.versions[.incident(id)] {
                changes.append(.remove(.incident(id), version: version))
            }
        }
        // What could not be read belongs to somebody else's version: it is left as it is.
        changes.removeAll { self.book.unreadable.contains($0.key) }
        guard !changes.isEmpty else { return }
        self.effects.append(.write(self.book.begin(.records, changes, at: now)))
    }

    private mutating func keepForLater(_ write: LedgerWrite, at now: Moment) {
        self.holdOff = now + .milliseconds(500)
        for change in write.changes {
            switch change.key {
            case .nodes: self.book.nodes = true
            case .history(let node): self.book.histories.insert(node)
            case .incident(let id):
                if case .remove = change { self.book.removals.insert(id) } else { self.book.incidents.insert(id) }
            case .recovery: break
            }
        }
    }
}

extension LedgerChange {
    var key: LedgerKey {
        switch self {
        case .put(let record, _): record.key
        case .remove(let key, _): key
        }
    }
}
