internal import Cluster

/// Claiming out of turn: over the head of whoever leads, on a hint at once, on silence after a while; and where nobody leads,
/// over the heads of those ahead in line who do not claim.
extension ElectionMachine {
    mutating func followerTicked(_ candidate: Candidate, _ place: Place, at now: Moment) -> [ElectionEffect] {
        guard self.isConnected else { return [] }
        if let due = place.hintDue, now >= due { return self.overtake(candidate, place, by: .crash, at: now) }
        if let due = place.vacancyDue, now >= due, let seen = place.seen {
            return self.claim(candidate, over: seen, corpse: nil, beat: nil, by: .vacancy, at: now)
        }
        var effects: [ElectionEffect] = []
        if place.asking == nil, now >= place.lookAgainAt {
            effects += self.look(candidate, at: now)
        } else {
            effects += self.askWhatWaits(at: now)
        }
        return effects + self.keepVigil(at: now)
    }

    // MARK: A hint

    mutating func hinted(_ incarnation: Incarnation, at now: Moment) -> [ElectionEffect] {
        // Whoever is about to claim, leads, or is not in line has no use for it.
        guard case .following(let candidate, var place) = self.phase, self.isConnected,
            place.seen?.record.holder?.incarnation == incarnation, place.hintDue == nil
        else { return [] }
        if let last = self.hintedAt, now - last < Self.hintPause { return [] }
        let patience = self.patience(of: candidate, place)
        guard patience > .zero else { return self.overtake(candidate, place, by: .crash, at: now) }
        place.hintDue = now + patience
        self.phase = .following(candidate, place)
        return []
    }

    // MARK: Silence

    /// Asks what is due for the vigil.
    private mutating func keepVigil(at now: Moment) -> [ElectionEffect] {
        guard case .following(let candidate, var place) = self.phase, place.seen?.record.holder != nil,
            place.vigil.ticket == nil, now >= self.vigilDue(candidate, place)
        else { return [] }
        let ticket = self.nextTicket()
        place.vigil.question = .write
        place.vigil.ticket = ticket
        place.vigil.nextAt = now + self.timing.beat
        self.phase = .following(candidate, place)
        return [.call(ticket, .multi([.check(candidate.path, version: 0)]))]
    }

    /// At every beat, and at once when the pulse has stood still for long enough.
    private func vigilDue(_ candidate: Candidate, _ place: Place) -> Moment {
        guard place.vigil.beat != nil else { return place.vigil.nextAt }
        return min(place.vigil.nextAt, place.vigil.since + self.timing.silence + self.patience(of: candidate, place))
    }

    mutating func vigilAnswered(
        _ candidate: Candidate, _ place: Place, _ answer: Result<StoreAnswer, StoreError>, at now: Moment
    ) -> [ElectionEffect] {
        var place = place
        place.vigil.ticket = nil
        switch (place.vigil.question, answer) {
        case (.write, .success):
            guard self.isConnected else { break }
            let ticket = self.nextTicket()
            place.vigil.question = .pulse
            place.vigil.ticket = ticket
            self.phase = .following(candidate, place)
            return [.call(ticket, .get(self.layout.beat, watch: false))]
        case (.pulse, .success(.node(let node))):
            return self.pulseSeen(candidate, place, node.stat.version, at: now)
        case (.write, .failure(let error)) where error.reason == .noNode:
            // Somebody has taken our place in line away.
            return self.join(at: now)
        case (.pulse, .success), (_, .failure):
            break
        }
        place.vigil = Vigil(nextAt: place.vigil.nextAt)
        self.phase = .following(candidate, place)
        return []
    }

    private mutating func pulseSeen(
        _ candidate: Candidate, _ place: Place, _ beat: Int32, at now: Moment
    ) -> [ElectionEffect] {
        var place = place
        // In a long gap between two of our own writes the leader may have been unable to write, too.
        let isUnbroken = now - place.vigil.seenAt <= self.timing.beat * Self.vigilGap
        if place.vigil.beat != beat || !isUnbroken { place.vigil.since = now }
        place.vigil.beat = beat
        place.vigil.seenAt = now
        self.phase = .following(candidate, place)
        let limit = self.timing.silence + self.patience(of: candidate, place)
        guard now - place.vigil.since >= limit else { return [] }
        return self.overtake(candidate, place, by: .silence, beat: beat, at: now)
    }

    // MARK: Both

    /// How much longer than the next in line we wait.
    func patience(of candidate: Candidate, _ place: Place) -> Duration {
        let leader = place.seen.flatMap { self.leader(of: $0.record, in: place.line) }
        let ahead = place.line.prefix { $0 != candidate.name }.count { $0 != leader }
        return self.timing.silence * (Self.percentPerPlace * ahead) / 100
    }

    private mutating func overtake(
        _ candidate: Candidate, _ place: Place, by takeover: Takeover, beat: Int32? = nil, at now: Moment
    ) -> [ElectionEffect] {
        guard let seen = place.seen, seen.record.holder != nil else { return [] }
        let corpse = self.leader(of: seen.record, in: place.line).map { self.layout.candidate($0) }
        return self.claim(candidate, over: seen, corpse: corpse, beat: beat, by: takeover, at: now)
    }
}
