internal import Cluster

extension Claim {
    /// One multi, so that nothing comes between giving the dead leader's place away and taking the record.
    func operations(by candidate: Candidate, as member: Member, in layout: Layout) -> [StoreOperation] {
        let holder = LeaderRecord.Holder(
            member: member.id, incarnation: member.incarnation, address: member.address)
        let record = LeaderRecord(epoch: self.epoch, holder: holder, nonce: candidate.guid)
        var operations = [StoreOperation.check(candidate.path, version: 0)]
        if let beat { operations.append(.check(layout.beat, version: beat)) }
        if let corpse { operations.append(.delete(corpse, version: nil)) }
        operations.append(.set(layout.leader, data: record.encoded, version: self.replacing))
        return operations
    }
}

extension ElectionMachine {
    mutating func claim(
        _ candidate: Candidate, over seen: SeenRecord, corpse: String?, beat: Int32?, by takeover: Takeover,
        at now: Moment
    ) -> [ElectionEffect] {
        let epoch = max(seen.record.epoch, self.highestEpoch).next
        let claim = Claim(epoch: epoch, replacing: seen.version, corpse: corpse, beat: beat, takeover: takeover)
        return self.ask(.claim, candidate, claim, at: now)
    }

    mutating func ask(
        _ question: ClaimQuestion, _ candidate: Candidate, _ claim: Claim, after pause: Duration = .zero, at now: Moment
    ) -> [ElectionEffect] {
        guard pause == .zero, self.isConnected else {
            self.phase = .claiming(
                candidate, claim, Asking(question: question, ticket: nil, notBefore: now + pause))
            return []
        }
        let ticket = self.nextTicket()
        self.phase = .claiming(candidate, claim, Asking(question: question, ticket: ticket, notBefore: now))
        let call: StoreCall =
            switch question {
            case .claim: .multi(claim.operations(by: candidate, as: self.member, in: self.layout))
            case .whoseRecord: .get(self.layout.leader, watch: false)
            case .stillHeld(let held): .multi(held.beat(in: self.layout))
            }
        return [.call(ticket, call)]
    }

    mutating func claimAnswered(
        _ candidate: Candidate, _ claim: Claim, _ question: ClaimQuestion, _ ticket: Ticket, sentAt: Moment,
        _ answer: Result<StoreAnswer, StoreError>, at now: Moment
    ) -> [ElectionEffect] {
        switch (question, answer) {
        case (.claim, .success(.results(let results))):
            guard case .set(let stat) = results.last else { break }
            let held = HeldClaim(
                epoch: claim.epoch, nonce: candidate.guid, version: stat.version, candidate: candidate.path)
            return self.lead(held, by: claim.takeover, sentAt: sentAt, at: now)
        case (.claim, .failure(let error)):
            return self.claimFailed(candidate, claim, error, at: now)

        case (.whoseRecord, .success(.node(let node))):
            let effects = self.note(node)
            guard let record = self.record, record.holder != nil, record.nonce == candidate.guid else {
                // Not committed, or overtaken: look again, and claim again at the version that is read.
                return effects + self.look(candidate, at: now)
            }
            let held = HeldClaim(
                epoch: record.epoch, nonce: candidate.guid, version: node.stat.version, candidate: candidate.path)
            return effects + self.ask(.stillHeld(held), candidate, claim, at: now)
        case (.whoseRecord, .failure(let error)) where error.reason == .noNode:
            return self.ask(.leave(path: candidate.path), at: now)

        case (.stillHeld(let held), .success):
            return self.lead(held, by: claim.takeover, sentAt: sentAt, at: now)
        case (.stillHeld(let held), .failure(let error)):
            guard let reason = self.loss(told: error, by: held.beat(in: self.layout)) else { break }
            // Never announced, so nothing is to be taken back.
            return self.leave(candidate.path, reason, at: now)
        case (.whoseRecord, _), (.claim, .success):
            break
        }
        return self.ask(question, candidate, claim, after: Self.retryPause, at: now)
    }

    /// Which operation failed tells what to do.
    private mutating func claimFailed(
        _ candidate: Candidate, _ claim: Claim, _ error: StoreError, at now: Moment
    ) -> [ElectionEffect] {
        guard !error.isAmbiguous else { return self.ask(.whoseRecord, candidate, claim, at: now) }
        if error.reason == .notAuthorized {
            return [.alert(.notAuthorized(path: error.path))]
                + self.look(candidate, after: Self.refusedPause, at: now)
        }
        let operations = claim.operations(by: candidate, as: self.member, in: self.layout)
        switch error.operation.map({ operations[$0] }) {
        case .check(candidate.path, _):
            return self.join(at: now)
        case .set where error.reason == .noNode:
            return self.ask(.leave(path: candidate.path), at: now)
        case .delete:
            var withoutCorpse = claim
            withoutCorpse.corpse = nil
            return self.ask(.claim, candidate, withoutCorpse, at: now)
        case .set, .check:
            // Somebody else was quicker, or the pulse has moved: whoever leads is alive.
            return self.look(candidate, at: now)
        case .create, nil:
            return self.look(candidate, after: Self.retryPause, at: now)
        }
    }
}
