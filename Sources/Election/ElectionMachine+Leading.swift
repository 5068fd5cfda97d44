internal import Cluster

extension ElectionMachine {
    mutating func lead(
        _ claim: HeldClaim, by takeover: Takeover?, sentAt: Moment, at now: Moment
    ) -> [ElectionEffect] {
        self.claims += 1
        self.lastTakeover = takeover
        if let takeover { self.takeovers[takeover, default: 0] += 1 }
        if takeover == .crash { self.hintedAt = now }
        self.highestEpoch = max(self.highestEpoch, claim.epoch)
        let holder = LeaderRecord.Holder(
            member: self.member.id, incarnation: self.member.incarnation, address: self.member.address)
        self.record = LeaderRecord(epoch: claim.epoch, holder: holder, nonce: claim.nonce)
        let pulse = Pulse(lastGood: sentAt, nextBeat: now, beat: nil, reading: nil)
        // Connected, or the answer would not have come; an answer that comes too late is of no use to begin with.
        let isFresh = self.isConnected && now - sentAt < self.timing.limit
        self.phase = isFresh ? .leading(claim, pulse) : .suspended(claim, pulse)
        var effects: [ElectionEffect] = [.announce(.leading(claim.epoch))]
        if !isFresh { effects.append(.announce(.suspended(claim.epoch))) }
        effects += self.leaderTicked(claim, pulse, at: now)
        // The watch that our own claim has not set off yet will do.
        if self.session.recordWatch == nil { effects += self.readRecord() }
        return effects
    }

    mutating func leaderTicked(_ claim: HeldClaim, _ pulse: Pulse, at now: Moment) -> [ElectionEffect] {
        var effects: [ElectionEffect] = []
        var pulse = pulse
        if self.isConnected, pulse.beat == nil, now >= pulse.nextBeat {
            let ticket = self.nextTicket()
            pulse.beat = ticket
            pulse.nextBeat = now + self.timing.beat
            effects.append(.call(ticket, .multi(claim.beat(in: self.layout))))
        }
        if case .leading = self.phase {
            if now - pulse.lastGood >= self.timing.limit {
                self.lateRenewals += 1
                self.phase = .suspended(claim, pulse)
                effects.append(.announce(.suspended(claim.epoch)))
            } else {
                self.phase = .leading(claim, pulse)
            }
        } else {
            self.phase = .suspended(claim, pulse)
        }
        return effects
    }

    /// The connection is back: renew at once, and see what the record says.
    mutating func leaderConnected(_ claim: HeldClaim, _ pulse: Pulse, at now: Moment) -> [ElectionEffect] {
        var pulse = pulse
        pulse.nextBeat = now
        return self.leaderTicked(claim, pulse, at: now) + self.readRecord()
    }

    /// Reads what the record says, with a watch.
    mutating func readRecord() -> [ElectionEffect] {
        guard self.isConnected else { return [] }
        let ticket = self.nextTicket()
        switch self.phase {
        case .leading(let claim, var pulse):
            pulse.reading = ticket
            self.phase = .leading(claim, pulse)
        case .suspended(let claim, var pulse):
            pulse.reading = ticket
            self.phase = .suspended(claim, pulse)
        default:
            return []
        }
        return [.call(ticket, .get(self.layout.leader, watch: true))]
    }

    mutating func leaderAnswered(
        _ claim: HeldClaim, _ pulse: Pulse, _ ticket: Ticket, sentAt: Moment,
        _ answer: Result<StoreAnswer, StoreError>, at now: Moment
    ) -> [ElectionEffect] {
        var pulse = pulse
        if ticket == pulse.beat {
            pulse.beat = nil
            switch answer {
            case .success:
                pulse.lastGood = max(pulse.lastGood, sentAt)
            case .failure(let error):
                if let reason = self.loss(told: error, by: claim.beat(in: self.layout)) {
                    return self.lose(reason, at: now)
                }
            }
            return self.renewed(claim, pulse, at: now)
        }
        guard ticket == pulse.reading else { return [] }
        pulse.reading = nil
        switch answer {
        case .success(.node(let node)):
            let isWatched = self.session.mayRest(on: ticket)
            if isWatched { self.session.recordWatch = ticket }
            let effects = self.note(node)
            guard self.record?.nonce == claim.nonce, node.stat.version == claim.version else {
                let isRebuilt = node.stat.version < claim.version
                return effects + self.lose(isRebuilt ? .treeGone : .deposed, at: now)
            }
            return effects + self.renewed(claim, pulse, at: now) + (isWatched ? [] : self.readRecord())
        case .failure(let error) where error.reason == .noNode:
            return self.lose(.treeGone, at: now)
        case .success, .failure:
            // The next renewal tells as well.
            return self.renewed(claim, pulse, at: now)
        }
    }

    /// Puts down the pulse; a suspended leader whose renewal was answered in time leads again.
    private mutating func renewed(_ claim: HeldClaim, _ pulse: Pulse, at now: Moment) -> [ElectionEffect] {
        let isFresh = self.isConnected && now - pulse.lastGood < self.timing.limit
        switch self.phase {
        case .suspended where isFresh:
            self.phase = .leading(claim, pulse)
            return [.announce(.resumed(claim.epoch))]
        case .leading:
            self.phase = .leading(claim, pulse)
        default:
            self.phase = .suspended(claim, pulse)
        }
        return []
    }

    /// What a refused renewal says about the leadership; `nil` if nothing.
    func loss(told error: StoreError, by operations: [StoreOperation]) -> LossReason? {
        guard !error.isAmbiguous, let place = error.operation else { return nil }
        switch (operations[place].path, error.reason) {
        case (self.layout.leader, .badVersion): return .deposed
        case (self.layout.leader, .noNode), (self.layout.beat, .noNode): return .treeGone
        case (_, .noNode), (_, .badVersion): return .candidateGone
        default: return nil
        }
    }

    /// Leads no more, and goes to the tail of the line.
    mutating func lose(_ reason: LossReason, at now: Moment) -> [ElectionEffect] {
        guard let claim = self.heldClaim else { return [] }
        self.losses[reason, default: 0] += 1
        if case .leading(_, let pulse) = self.phase, reason == .deposed, now - pulse.lastGood < self.timing.limit {
            self.needlessHandovers += 1
        }
        let told = ElectionEffect.announce(.lost(claim.epoch, reason))
        let alert: [ElectionEffect] = reason == .treeGone ? [.alert(.treeGone(claim.epoch))] : []
        return [told] + alert + self.leave(claim.candidate, reason, at: now)
    }

    /// A place in line that once led must not stay there: whoever is behind would wait for it.
    mutating func leave(_ path: String, _ reason: LossReason, at now: Moment) -> [ElectionEffect] {
        switch reason {
        case .deposed, .treeGone: self.ask(.leave(path: path), at: now)
        case .candidateGone, .sessionExpired, .sessionGivenUp, .authenticationFailed, .resigned: self.join(at: now)
        }
    }
}
