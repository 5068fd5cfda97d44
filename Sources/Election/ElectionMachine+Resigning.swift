internal import Cluster

/// Handing over: the record is left to nobody in one multi, and then the session is closed.
extension ElectionMachine {
    mutating func resign(to successor: Successor, at now: Moment) -> [ElectionEffect] {
        switch self.phase {
        case .idle:
            self.phase = .stopped
            return [.stop]
        case .leading(let claim, _), .suspended(let claim, _):
            self.losses[.resigned, default: 0] += 1
            let told = ElectionEffect.announce(.lost(claim.epoch, .resigned))
            guard self.isConnected else { return [told] + self.finish() }
            let name: String? = if case .candidate(let name) = successor { name } else { nil }
            return [told]
                + self.ask(
                    .handOver(isNamed: name != nil), .multi(claim.resignation(to: name, in: self.layout)),
                    until: now + Self.resignLimit)
        case .opening, .joining, .following, .claiming:
            return self.finish()
        case .resigning, .stopped:
            return []
        }
    }

    private mutating func ask(_ question: ResignQuestion, _ call: StoreCall, until: Moment) -> [ElectionEffect] {
        let ticket = self.nextTicket()
        self.phase = .resigning(question, ticket, until: until)
        return [.call(ticket, call)]
    }

    mutating func resignationAnswered(
        _ question: ResignQuestion, _ ticket: Ticket, until: Moment, _ answer: Result<StoreAnswer, StoreError>
    ) -> [ElectionEffect] {
        switch (question, answer) {
        case (.handOver(isNamed: true), .success) where self.isConnected:
            return self.awaitSuccessor(until: until)
        case (.succession, .success(.node(let node))):
            let effects = self.note(node)
            guard let record = self.record, record.holder == nil else { return effects + self.finish() }
            guard self.session.mayRest(on: ticket) else { return effects + self.awaitSuccessor(until: until) }
            self.session.recordWatch = ticket
            return effects
        case (.handOver, _), (.succession, _):
            // Handed over or not: the end of the session does the rest.
            return self.finish()
        }
    }

    /// Closing is a write as well, and ours would stand before the claim of whoever we named: until then the ensemble is
    /// left to it.
    mutating func awaitSuccessor(until: Moment) -> [ElectionEffect] {
        self.ask(.succession, .get(self.layout.leader, watch: true), until: until)
    }

    mutating func finish() -> [ElectionEffect] {
        self.phase = .stopped
        return [.close(session: self.session.number), .stop]
    }
}
