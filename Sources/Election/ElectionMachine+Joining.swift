internal import Cluster

extension ElectionMachine {
    /// Joins at the tail of the line, with a new identifier, after having seen to it that the tree stands.
    mutating func join(at now: Moment) -> [ElectionEffect] { self.ask(.stands(0), at: now) }

    mutating func ask(_ question: JoinQuestion, after pause: Duration = .zero, at now: Moment) -> [ElectionEffect] {
        guard pause == .zero, self.isConnected else {
            self.phase = .joining(Asking(question: question, ticket: nil, notBefore: now + pause))
            return []
        }
        let ticket = self.nextTicket()
        self.phase = .joining(Asking(question: question, ticket: ticket, notBefore: now))
        return [.call(ticket, self.call(for: question))]
    }

    private func call(for question: JoinQuestion) -> StoreCall {
        switch question {
        case .stands(let place): .exists(self.layout.foundation[place].path, watch: false)
        case .lay(let place):
            .create(
                self.layout.foundation[place].path, data: self.layout.foundation[place].data, kind: .persistent)
        case .leave(let path): .multi([.delete(path, version: nil)])
        case .create(let guid):
            .create(
                self.layout.candidate(CandidateName.prefix(guid)), data: self.member.encoded,
                kind: .ephemeralSequential)
        case .sync: .sync(self.layout.candidates)
        case .find: .children(self.layout.candidates)
        case .owner(_, let name): .exists(self.layout.candidate(name), watch: false)
        }
    }

    mutating func joinAnswered(
        _ question: JoinQuestion, _ answer: Result<StoreAnswer, StoreError>, at now: Moment
    ) -> [ElectionEffect] {
        if case .failure(let error) = answer, error.reason == .notAuthorized {
            return [.alert(.notAuthorized(path: error.path))] + self.ask(question, after: Self.refusedPause, at: now)
        }
        switch (question, answer) {
        case (.stands(let place), .success(.stat(nil))):
            return self.ask(.lay(place), at: now)
        case (.stands(let place), .success):
            return self.stands(place, at: now)
        case (.lay(let place), .success):
            return self.stands(place, at: now)
        case (.lay(let place), .failure(let error)) where error.reason == .nodeExists:
            return self.stands(place, at: now)

        case (.leave, .success):
            return self.join(at: now)
        case (.leave, .failure(let error)) where error.reason == .noNode:
            return self.join(at: now)

        case (.create(let guid), .success(.created(let path))):
            return self.look(Candidate(guid: guid, path: path), at: now)
        case (.create(let guid), .failure(let error)) where error.isAmbiguous:
            return self.ask(.sync(guid: guid), after: Self.retryPause, at: now)
        case (.sync(let guid), .success):
            return self.ask(.find(guid: guid), at: now)
        case (.find(let guid), .success(.children(let names))):
            let own = CandidateName.inOrder(names).first { $0.hasPrefix(CandidateName.prefix(guid)) }
            return self.ask(own.map { .owner(guid: guid, name: $0) } ?? .create(guid: guid), at: now)
        case (.owner(let guid, let name), .success(.stat(.some(let stat)))):
            // It may have been made under a session of ours that is dying, and would die with it.
            guard stat.ephemeralOwner == self.session.id else { return self.joinAnew(at: now) }
            return self.look(Candidate(guid: guid, path: self.layout.candidate(name)), at: now)
        case (.owner, .success):
            return self.joinAnew(at: now)

        case (.stands, .failure), (.lay, .failure), (.create, .failure), (.find, .failure):
            // A parent vanished under us, or the call got lost: from the start, later.
            if case .failure(let error) = answer, error.reason == .noNode {
                return self.ask(.stands(0), after: Self.retryPause, at: now)
            }
            return self.ask(question, after: Self.retryPause, at: now)
        case (.leave, .failure), (.sync, .failure), (.owner, .failure),
            (.create, .success), (.find, .success):
            return self.ask(question, after: Self.retryPause, at: now)
        }
    }

    private mutating func stands(_ place: Int, at now: Moment) -> [ElectionEffect] {
        guard place + 1 == self.layout.foundation.count else { return self.ask(.stands(place + 1), at: now) }
        let isNews = !self.session.isUsable
        self.session.isUsable = true
        return (isNews ? [.announce(.sessionUsable)] : []) + self.joinAnew(at: now)
    }

    private mutating func joinAnew(at now: Moment) -> [ElectionEffect] {
        self.ask(.create(guid: self.tokens.next()), at: now)
    }
}
