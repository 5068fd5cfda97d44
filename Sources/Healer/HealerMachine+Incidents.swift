internal import Cluster

extension HealerMachine {
    /// From observations to conditions to incidents: the shadow that every healer keeps.
    mutating func assess(at now: Moment) {
        self.assessNodes(at: now)
        for name in self.state.names {
            if let node = self.state.nodes[name], let condition = self.conditions[name] {
                self.update(node, condition, at: now)
            }
        }
        for code in FindingCode.ofPartitions { self.closePartitions(code, at: now) }
    }

    mutating func assessNodes(at now: Moment) {
        for (name, node) in self.state.nodes {
            self.conditions[name] = Condition.of(node, in: self.state, self.policy, at: now)
        }
    }

    private mutating func update(_ node: NodeState, _ condition: Condition, at now: Moment) {
        let subject = Subject.node(node.node.name)
        guard let code = condition.code(for: node.node.role) else {
            if condition.kind == .well, self.incidents[subject] != nil { self.verify(node, at: now) }
            return
        }
        if self.incidents[subject] == nil {
            self.open(code, subject, since: condition.since, at: now)
            self.incidents[subject]!.record.identity = condition.identity
        }
        self.incidents[subject]!.answersSince = nil
        self.incidents[subject]!.wellSince = nil
        let incident = self.incidents[subject]!
        // One source alone does not turn what two have confirmed into something else.
        guard condition.isConfirmed || incident.confirmedSince == nil else { return }
        self.incidents[subject]!.record.identity = condition.identity ?? incident.record.identity
        if incident.record.code != code {
            self.incidents[subject]!.record.code = code
            self.incidents[subject]!.confirmedSince = nil
            self.incidents[subject]!.refusals = [:]
            self.note(.became(code), in: subject, at: now)
        }
        if condition.isConfirmed, self.incidents[subject]!.confirmedSince == nil {
            self.confirm(subject, by: condition.sources, at: now)
        }
        if let hand = node.hand, self.incidents[subject]!.hand != hand {
            self.incidents[subject]!.hand = hand
            self.note(.foreignHand(hand), in: subject, at: now)
        }
    }

    private mutating func open(_ code: FindingCode, _ subject: Subject, since: Moment, at now: Moment) {
        let record = IncidentRecord(code: code, subject: subject, since: self.wallTime(at: since))
        self.incidents[subject] = Incident(record, since: since)
        self.note(.suspected(code), in: subject, at: now)
    }

    private mutating func confirm(_ subject: Subject, by sources: [MonitorMethod], at now: Moment) {
        let isFirst = self.incidents[subject]!.record.phase == .suspected
        let (code, since) = (self.incidents[subject]!.record.code, self.incidents[subject]!.since)
        self.incidents[subject]!.confirmedSince = now
        self.incidents[subject]!.record.phase = .confirmed
        if isFirst {
            self.incidents[subject]!.record.confirmedAt = self.wallTime(at: now)
            self.counters.incidents[code, default: 0] += 1
            self.counters.timeToDetect.add(now - since)
        }
        self.giveID(to: subject)
        self.note(.confirmed(code, by: sources), in: subject, at: now)
    }

    /// A node answers again. It is healed when it is registered, in sync everywhere, and stays so for a while.
    private mutating func verify(_ node: NodeState, at now: Moment) {
        let subject = Subject.node(node.node.name)
        guard var incident = self.incidents[subject] else { return }
        guard incident.record.phase == .confirmed else { return self.close(subject, .unconfirmed, at: now) }
        if incident.answersSince == nil {
            incident.answersSince = now
            self.incidents[subject] = incident
            self.note(.verifying, in: subject, at: now)
            self.ask(node.node.name, [.zookeeper, .metadata], since: now, at: now)
        }
        let back = incident.answersSince ?? now
        guard self.isRegistered(node, since: back) == true, self.isInSync(node, since: back) == true else {
            self.incidents[subject]!.wellSince = nil
            return
        }
        let wellSince = incident.wellSince ?? now
        self.incidents[subject]!.wellSince = wellSince
        guard now - wellSince >= self.policy.timing.verify, self.openStep(of: node.node.name) == nil else { return }
        self.close(subject, incident.wasTreated ? .healed : .recoveredByItself, at: now)
    }

    /// New metadata: what is wrong with partitions now.
    mutating func assessPartitions(at now: Moment) {
        // Until its incident is closed, also while it catches up.
        let failing = Set(
            self.state.brokers.compactMap { node -> BrokerID? in
                let subject = Subject.node(node.node.name)
                let hasCode = self.conditions[node.node.name]?.code(for: node.node.role) != nil
                return hasCode || self.incidents[subject] != nil ? node.node.brokerID : nil
            })
        let findings = PartitionRules.findings(in: self.state, failing: failing, at: now)
        self.partitionFindings = Dictionary(findings.map { ($0.code, $0) }) { $1 }
        for finding in findings {
            let subject = Subject.partitions(finding.code)
            let isNew = self.incidents[subject] == nil
            if isNew { self.open(finding.code, subject, since: now, at: now) }
            let countBefore = self.incidents[subject]!.record.partitionCount
            self.incidents[subject]!.record.partitions = finding.partitions
            self.incidents[subject]!.record.partitionCount = finding.count
            self.incidents[subject]!.wellSince = nil
            if countBefore != finding.count { self.touch(subject) }
            // A view later it still holds: not just a topic that is being created.
            if !isNew, self.incidents[subject]!.confirmedSince == nil {
                self.confirm(subject, by: [.metadata], at: now)
            }
        }
    }

    private mutating func closePartitions(_ code: FindingCode, at now: Moment) {
        let subject = Subject.partitions(code)
        guard let incident = self.incidents[subject], self.partitionFindings[code] == nil else { return }
        let wellSince = incident.wellSince ?? now
        self.incidents[subject]!.wellSince = wellSince
        if incident.record.phase == .suspected {
            self.close(subject, .unconfirmed, at: now)
        } else if now - wellSince >= self.policy.timing.verify {
            self.close(subject, .recoveredByItself, at: now)
        }
    }

    mutating func close(_ subject: Subject, _ closing: IncidentRecord.Closing, at now: Moment) {
        guard let incident = self.incidents[subject] else { return }
        self.incidents[subject]!.record.phase = .closed
        self.incidents[subject]!.record.closing = closing
        self.incidents[subject]!.record.closedAt = self.wallTime(at: now)
        self.note(.closed(closing), in: subject, at: now)
        let record = self.incidents.removeValue(forKey: subject)!.record
        self.closed.append(record)
        while self.closed.count > Self.keptClosed {
            if let id = self.closed.removeFirst().id {
                self.book.incidents.remove(id)
                self.book.removals.insert(id)
            }
        }
        guard let node = subject.node, closing == .healed || closing == .recoveredByItself else { return }
        let code = incident.record.firstCode
        self.attempts[node, default: Attempts()].settle(healedOf: closing == .healed ? code : nil, at: now)
        self.book.histories.insert(node)
        self.recoveries[node] = nil
        if closing == .healed {
            self.counters.healed[node, default: 0] += 1
            self.counters.timeToHeal.add(now - incident.since)
        }
    }

    /// Adds to an incident's timeline, and says so.
    mutating func note(_ what: TimelineItem.What, in subject: Subject, at now: Moment) {
        guard self.incidents[subject] != nil else { return }
        let item = TimelineItem(at: self.wallTime(at: now), what: what).capped
        self.incidents[subject]!.append(item)
        let record = self.incidents[subject]!.record
        self.touch(subject)
        self.effects.append(
            .note(
                Note(
                    incident: record.id, code: record.code, subject: subject, entry: item,
                    leading: self.leadership.epoch != nil)))
    }

    /// Its record must be written again.
    mutating func touch(_ subject: Subject) {
        if let id = self.incidents[subject]?.record.id { self.book.incidents.insert(id) }
    }

    /// A leader names what is confirmed; a follower's shadow has no name.
    mutating func giveID(to subject: Subject) {
        guard let epoch = self.leadership.epoch, self.book.readUnder == epoch,
            let incident = self.incidents[subject], incident.record.id == nil, incident.record.phase == .confirmed
        else { return }
        self.lastIncident += 1
        self.incidents[subject]!.record.id = IncidentID(epoch: epoch, number: self.lastIncident)
        self.touch(subject)
    }
}

extension IncidentRecord {
    /// What was confirmed first: a hung process that was killed is dead by then.
    var firstCode: FindingCode {
        for item in self.timeline { if case .confirmed(let code, _) = item.what { return code } }
        return self.code
    }
}

extension FindingCode {
    static let ofPartitions: [FindingCode] = [.partitionOffline, .underMinISR, .underReplicated, .isrShrink]
}
