internal import Cluster

extension ElectionMachine {
    /// Looks at everything again: the line, the record, whoever we wait for.
    mutating func look(_ candidate: Candidate, after pause: Duration = .zero, at now: Moment) -> [ElectionEffect] {
        let place: Place
        if case .following(candidate, let known) = self.phase {
            place = known
        } else {
            place = Place(line: [], seen: nil, asking: nil, lookAgainAt: now)
        }
        return self.ask(.line, candidate, place, after: pause, at: now)
    }

    mutating func ask(
        _ question: LookQuestion, _ candidate: Candidate, _ place: Place, after pause: Duration = .zero, at now: Moment
    ) -> [ElectionEffect] {
        var place = place
        guard pause == .zero, self.isConnected else {
            place.asking = Asking(question: question, ticket: nil, notBefore: now + pause)
            self.phase = .following(candidate, place)
            return []
        }
        let ticket = self.nextTicket()
        place.asking = Asking(question: question, ticket: ticket, notBefore: now)
        self.phase = .following(candidate, place)
        let call: StoreCall =
            switch question {
            case .line, .lineAfterNews: .children(self.layout.candidates)
            // One watch at a time, or each change would set off more looks than the last one.
            case .record, .news: .get(self.layout.leader, watch: self.session.recordWatch == nil)
            case .ahead(let path): .exists(path, watch: self.session.aheadWatch?.path != path)
            }
        return [.call(ticket, call)]
    }

    mutating func lookAnswered(
        _ candidate: Candidate, _ place: Place, _ ticket: Ticket, _ answer: Result<StoreAnswer, StoreError>,
        at now: Moment
    ) -> [ElectionEffect] {
        var place = place
        guard let question = place.asking?.question else { return [] }
        switch (question, answer) {
        case (.line, .success(.children(let names))):
            place.line = CandidateName.inOrder(names)
            // What we have created ourselves we do see: it was removed.
            guard place.line.contains(candidate.name) else { return self.join(at: now) }
            return self.ask(.record, candidate, place, at: now)
        case (.lineAfterNews, .success(.children(let names))):
            place.line = CandidateName.inOrder(names)
            guard place.line.contains(candidate.name) else { return self.join(at: now) }
            guard let seen = place.seen else { return self.look(candidate, at: now) }
            return self.takePlace(candidate, place, seen, at: now)
        case (.record, .success(.node(let node))), (.news, .success(.node(let node))):
            if self.session.recordWatch == nil {
                guard self.session.mayRest(on: ticket) else { return self.look(candidate, at: now) }
                self.session.recordWatch = ticket
            }
            return self.recordSeen(candidate, place, node, isNews: question == .news, at: now)
        case (.ahead(let path), .success(.stat(.some))):
            if self.session.aheadWatch?.path != path {
                guard self.session.mayRest(on: ticket) else { return self.look(candidate, at: now) }
                self.session.aheadWatch = Session.Armed(ticket: ticket, path: path)
            }
            place.asking = nil
            place.lookAgainAt = now + self.timing.session
            self.phase = .following(candidate, place)
            return []
        case (.ahead, .success):
            // Gone between the two looks.
            return self.look(candidate, at: now)
        case (_, .failure(let error)) where error.reason == .noNode:
            // The tree was taken away: build it again, and stand in line anew.
            return self.ask(.leave(path: candidate.path), at: now)
        case (_, .failure(let error)) where error.reason == .notAuthorized:
            return [.alert(.notAuthorized(path: error.path))]
                + self.look(candidate, after: Self.refusedPause, at: now)
        case (_, .failure), (.line, .success), (.lineAfterNews, .success), (.record, .success), (.news, .success):
            return self.look(candidate, after: Self.retryPause, at: now)
        }
    }

    private mutating func recordSeen(
        _ candidate: Candidate, _ place: Place, _ node: StoreNode, isNews: Bool, at now: Moment
    ) -> [ElectionEffect] {
        var place = place
        let before = place.seen
        var effects = self.note(node)
        place.seen = self.record.map { SeenRecord(record: $0, version: node.stat.version) }
        if before?.version != place.seen?.version {
            place.vigil = Vigil()
            place.hintDue = nil
            place.vacancyDue = nil
        }
        guard let seen = place.seen else {
            // Written by a healer that we do not understand: neither lead nor overwrite it.
            place.asking = nil
            place.lookAgainAt = now + Self.refusedPause
            self.phase = .following(candidate, place)
            return effects + [.announce(.following(leader: nil))]
        }
        if seen.record.holder != nil, seen.record.nonce == candidate.guid {
            // A claim of ours whose reply was lost.
            let held = HeldClaim(
                epoch: seen.record.epoch, nonce: candidate.guid, version: seen.version, candidate: candidate.path)
            let claim = Claim(epoch: held.epoch, replacing: seen.version - 1, corpse: nil, beat: nil, takeover: nil)
            return effects + self.ask(.stillHeld(held), candidate, claim, at: now)
        }
        let leader = seen.record.holder == nil ? nil : seen.record
        if before?.record != seen.record { effects.append(.announce(.following(leader: leader))) }
        if leader == nil, seen.record.successor == candidate.name {
            return effects + self.claim(candidate, over: seen, corpse: nil, beat: nil, by: .vacancy, at: now)
        }
        // The line that is known is older than the record: whoever leads now may have joined since.
        if isNews { return effects + self.ask(.lineAfterNews, candidate, place, at: now) }
        return effects + self.takePlace(candidate, place, seen, at: now)
    }

    /// Waits for whoever is to be waited for, or claims.
    private mutating func takePlace(
        _ candidate: Candidate, _ place: Place, _ seen: SeenRecord, at now: Moment
    ) -> [ElectionEffect] {
        var place = place
        if let awaited = self.awaited(by: candidate, place, seen.record) {
            if seen.record.holder == nil, place.vacancyDue == nil {
                let isNamed = seen.record.successor.map { place.line.contains($0) } ?? false
                place.vacancyDue =
                    now + (isNamed ? Self.standBackLimit : .zero) + self.patience(of: candidate, place)
            }
            return self.ask(.ahead(path: self.layout.candidate(awaited)), candidate, place, at: now)
        }
        if let successor = seen.record.successor, place.line.contains(successor) {
            if place.standingBack?.version != seen.version {
                place.standingBack = StandingBack(version: seen.version, until: now + Self.standBackLimit)
            }
            if let until = place.standingBack?.until, now < until {
                // The watch on the record tells of its claim.
                place.asking = nil
                place.lookAgainAt = until
                self.phase = .following(candidate, place)
                return []
            }
        }
        let takeover = seen.record.holder == nil ? Takeover.vacancy : .expiry
        return self.claim(candidate, over: seen, corpse: nil, beat: nil, by: takeover, at: now)
    }

    /// Whom we wait for: the one ahead of us; if there is none, the leader, if it is still in line behind us.
    private func awaited(by candidate: Candidate, _ place: Place, _ record: LeaderRecord) -> String? {
        guard let own = place.line.firstIndex(of: candidate.name) else { return nil }
        return own > 0 ? place.line[own - 1] : self.leader(of: record, in: place.line)
    }

    func leader(of record: LeaderRecord, in line: [String]) -> String? {
        guard record.holder != nil else { return nil }
        return line.first { $0.hasPrefix(CandidateName.prefix(record.nonce)) }
    }

    /// Takes down what the record says.
    mutating func note(_ node: StoreNode) -> [ElectionEffect] {
        do throws(LeaderRecord.Problem) {
            let record = try LeaderRecord(decoding: node.data)
            self.record = record
            defer { self.highestEpoch = max(self.highestEpoch, record.epoch) }
            guard record.epoch < self.highestEpoch, record.epoch != self.wentBackTo else { return [] }
            self.wentBackTo = record.epoch
            return [.alert(.epochWentBack(from: self.highestEpoch, to: record.epoch))]
        } catch {
            self.record = nil
            return [.alert(.recordRefused(error))]
        }
    }
}
