internal import Cluster

extension ElectionMachine {
    mutating func openSession(at now: Moment) -> [ElectionEffect] {
        self.session = Session(number: self.session.number + 1, disconnectedSince: now)
        self.phase = .opening(at: nil)
        return [.open(session: self.session.number)]
    }

    mutating func sessionIs(_ state: SessionState, at now: Moment) -> [ElectionEffect] {
        // A session that we have given up already has nothing more to say.
        if case .opening(.some) = self.phase { return [] }
        switch state {
        case .connecting:
            return self.disconnected(at: now)
        case .connected(let id):
            return self.connected(id, at: now)
        case .expired, .closed:
            // One that was never of use is not to be followed by the next at once.
            let pause = self.session.isUsable ? .zero : Self.retryPause
            return self.sessionEnded(.sessionExpired, openAgainAfter: pause, at: now)
        case .authenticationFailed:
            return self.sessionEnded(.authenticationFailed, openAgainAfter: Self.refusedPause, at: now)
        }
    }

    private mutating func connected(_ id: Int64, at now: Moment) -> [ElectionEffect] {
        guard self.session.id == nil else { return [] }
        self.session.id = id
        // Whatever was watched may have changed unseen.
        self.session.recordWatch = nil
        self.session.aheadWatch = nil
        let usable: [ElectionEffect] = self.session.isUsable ? [.announce(.sessionUsable)] : []
        switch self.phase {
        case .opening: return usable + self.ask(.stands(0), at: now)
        case .joining, .claiming: return usable + self.askWhatWaits(at: now)
        case .following(let candidate, _): return usable + self.look(candidate, at: now)
        case .leading(let claim, let pulse), .suspended(let claim, let pulse):
            return usable + self.leaderConnected(claim, pulse, at: now)
        case .idle, .resigning, .stopped: return []
        }
    }

    private mutating func disconnected(at now: Moment) -> [ElectionEffect] {
        guard self.session.id != nil else { return [] }
        self.session.id = nil
        self.session.disconnectedSince = now
        switch self.phase {
        case .leading(let claim, let pulse):
            self.phase = .suspended(claim, pulse)
            return [.announce(.suspended(claim.epoch)), .announce(.disconnected)]
        case .following(let candidate, var place):
            place.vigil = Vigil()
            place.hintDue = nil
            place.vacancyDue = nil
            self.phase = .following(candidate, place)
            return [.announce(.disconnected)]
        case .opening, .joining, .claiming, .suspended:
            return [.announce(.disconnected)]
        case .idle, .resigning, .stopped:
            return []
        }
    }

    private mutating func sessionEnded(
        _ reason: LossReason, openAgainAfter pause: Duration, at now: Moment
    ) -> [ElectionEffect] {
        switch self.phase {
        case .idle, .stopped: return []
        case .resigning: return self.finish()
        case .opening, .joining, .following, .claiming, .leading, .suspended: break
        }
        var effects: [ElectionEffect] = []
        if let claim = self.heldClaim {
            self.losses[reason, default: 0] += 1
            effects.append(.announce(.lost(claim.epoch, reason)))
        }
        if self.session.id != nil { effects.append(.announce(.disconnected)) }
        self.session.id = nil
        if reason == .authenticationFailed { effects.append(.alert(.authenticationFailed)) }
        effects.append(.close(session: self.session.number))
        if pause > .zero {
            self.phase = .opening(at: now + pause)
        } else {
            effects += self.openSession(at: now)
        }
        return effects
    }

    func isTimeToGiveUp(at now: Moment) -> Bool {
        switch self.phase {
        case .idle, .resigning, .stopped, .opening(.some): false
        case .opening(nil), .joining, .following, .claiming, .leading, .suspended:
            self.session.id == nil
                && now - self.session.disconnectedSince >= self.timing.session * Self.givingUpAfterSessions
        }
    }

    mutating func giveUpSession(at now: Moment) -> [ElectionEffect] {
        [.alert(.sessionGivenUp)] + self.sessionEnded(.sessionGivenUp, openAgainAfter: .zero, at: now)
    }
}
