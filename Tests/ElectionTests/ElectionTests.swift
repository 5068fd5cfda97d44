import Cluster
import Testing

@testable import Election

/// One machine, and an ensemble that answers as the test says.
struct Bench {
    static let layout = Layout(root: "/healer", cluster: ClusterName("main"))
    var machine: ElectionMachine
    var now = Moment(.seconds(100))
    var session = 0
    /// What was asked for last, in order.
    var effects: [ElectionEffect] = []

    init(timing: Election.Timing = .steady) {
        self.machine = ElectionMachine(
            member: Member(
                id: HealerID("h1"), incarnation: Incarnation("i1"), address: "h1:8080", version: "1",
                configuration: "c"),
            layout: Self.layout, timing: timing, seed: (1, 2))
    }

    @discardableResult
    mutating func handle(_ event: ElectionEvent) -> [ElectionEffect] {
        self.effects = self.machine.handle(event, at: self.now)
        return self.effects
    }

    mutating func pass(_ duration: Duration) { self.now = self.now + duration }

    /// The only call among the last effects.
    var call: (ticket: Ticket, call: StoreCall)? {
        self.calls.count == 1 ? self.calls[0] : nil
    }
    var calls: [(ticket: Ticket, call: StoreCall)] {
        self.effects.compactMap { if case .call(let ticket, let call) = $0 { (ticket, call) } else { nil } }
    }
    var announcements: [Announcement] {
        self.effects.compactMap { if case .announce(let announcement) = $0 { announcement } else { nil } }
    }
    var alerts: [ElectionAlert] {
        self.effects.compactMap { if case .alert(let alert) = $0 { alert } else { nil } }
    }

    /// Answers the last call (or this one), sent now.
    @discardableResult
    mutating func answer(
        _ answer: Result<StoreAnswer, StoreError>, to ticket: Ticket? = nil, sentAt: Moment? = nil
    ) throws -> [ElectionEffect] {
        let ticket = try ticket ?? #require(self.calls.last?.ticket)
        return self.handle(.answered(ticket, sentAt: sentAt ?? self.now, answer))
    }

    static func fails(_ reason: StoreError.Reason, at operation: Int? = nil) -> Result<StoreAnswer, StoreError> {
        .failure(StoreError(reason, path: "/", operation: operation))
    }
    static func stat(version: Int32 = 0, owner: Int64 = 0) -> StoreStat {
        StoreStat(createdBy: 1, modifiedBy: 1, version: version, ephemeralOwner: owner, childrenCount: 0)
    }
    static func node(_ record: LeaderRecord, version: Int32) -> Result<StoreAnswer, StoreError> {
        .success(.node(StoreNode(data: record.encoded, stat: Self.stat(version: version))))
    }
    static func rival(epoch: Int64, nonce: String = "rival") -> LeaderRecord {
        let holder = LeaderRecord.Holder(
            member: HealerID("h2"), incarnation: Incarnation("i2"), address: "h2:8080")
        return LeaderRecord(epoch: Epoch(epoch), holder: holder, nonce: nonce)
    }
    static let committedClaim: Result<StoreAnswer, StoreError> = .success(
        .results([.checked, .set(Self.stat(version: 8))]))
    static let committedBeat: Result<StoreAnswer, StoreError> = .success(
        .results([.checked, .checked, .set(Self.stat(version: 1))]))

    /// Connected, and every node of the foundation stands: about to create the candidate.
    mutating func connect() throws {
        self.handle(.started)
        self.session = 1
        self.handle(.session(1, .connected(session: 77)))
        while case .exists = self.call?.call { try self.answer(.success(.stat(Self.stat()))) }
    }

    /// The prefix that the candidate is asked for with.
    var requestedPrefix: String {
        guard case .create(let path, _, .ephemeralSequential) = self.calls.last?.call else { return "" }
        return path
    }

    /// In line, the line and the record are about to be read.
    mutating func join() throws -> String {
        try self.connect()
        let path = self.requestedPrefix + "0000000005"
        try self.answer(.success(.created(path: path)))
        return path
    }

    static func name(_ path: String) -> String { String(path.split(separator: "/").last!) }

    /// First in line over a vacant record at version 7: the claim is on its way.
    mutating func claim() throws -> String {
        let path = try self.join()
        try self.answer(.success(.children([Self.name(path)])))
        try self.answer(Self.node(.vacant(Epoch(3)), version: 7))
        return path
    }

    mutating func lead() throws -> String {
        let path = try self.claim()
        try self.answer(Self.committedClaim)
        return path
    }
}

@Suite("Joining the line")
struct JoiningTests {
    @Test("Parents that are missing are created, and one that stands already is fine")
    func foundation() throws {
        var bench = Bench()
        bench.handle(.started)
        #expect(bench.effects == [.open(session: 1)])
        bench.handle(.session(1, .connected(session: 77)))
        var created: [String] = []
        while bench.requestedPrefix.isEmpty {
            switch try #require(bench.call).call {
            case .exists: try bench.answer(.success(.stat(nil)))
            case .create(let path, _, .persistent):
                created.append(path)
                // Every other one was created by somebody else meanwhile.
                try bench.answer(created.count % 2 == 0 ? Bench.fails(.nodeExists) : .success(.created(path: path)))
            default: Issue.record("unexpected call")
            }
        }
        #expect(created == Bench.layout.foundation.map(\.path))
        #expect(bench.announcements == [.sessionUsable])
    }

    @Test("A candidate whose create was not answered is found again and adopted if it is of our session")
    func adopted() throws {
        var bench = Bench()
        try bench.connect()
        let prefix = bench.requestedPrefix
        try bench.answer(Bench.fails(.timedOut))
        bench.pass(.seconds(1))
        bench.handle(.ticked)
        #expect(bench.call?.call == .sync(Bench.layout.candidates))
        try bench.answer(.success(.synced))
        try bench.answer(.success(.children(["other-n_0000000001", Bench.name(prefix + "0000000002")])))
        #expect(bench.call?.call == .exists(prefix + "0000000002", watch: false))
        try bench.answer(.success(.stat(Bench.stat(owner: 77))))
        guard case .following(let candidate, _) = bench.machine.phase else {
            Issue.record("not in line")
            return
        }
        #expect(candidate.path == prefix + "0000000002")
    }

    @Test("One of a session that is dying is not adopted: a new one is created under a new identifier")
    func notAdopted() throws {
        var bench = Bench()
        try bench.connect()
        let prefix = bench.requestedPrefix
        try bench.answer(Bench.fails(.connectionLost))
        bench.pass(.seconds(1))
        bench.handle(.ticked)
        try bench.answer(.success(.synced))
        try bench.answer(.success(.children([Bench.name(prefix + "0000000002")])))
        try bench.answer(.success(.stat(Bench.stat(owner: 76))))
        #expect(!bench.requestedPrefix.isEmpty)
        #expect(bench.requestedPrefix != prefix)
    }

    @Test("One that was never created is created under the same identifier")
    func createdAgain() throws {
        var bench = Bench()
        try bench.connect()
        let prefix = bench.requestedPrefix
        try bench.answer(Bench.fails(.connectionLost))
        bench.pass(.seconds(1))
        bench.handle(.ticked)
        try bench.answer(.success(.synced))
        try bench.answer(.success(.children([])))
        #expect(bench.requestedPrefix == prefix)
    }

    @Test("A missing right is an alert, and no loop")
    func notAuthorized() throws {
        var bench = Bench()
        try bench.connect()
        try bench.answer(Bench.fails(.notAuthorized))
        #expect(bench.alerts == [.notAuthorized(path: "/")])
        bench.pass(.seconds(1))
        bench.handle(.ticked)
        #expect(bench.calls.isEmpty)
    }

    @Test("Refused credentials are an alert, and the next session waits")
    func authenticationFailed() throws {
        var bench = Bench()
        bench.handle(.started)
        bench.handle(.session(1, .authenticationFailed))
        #expect(bench.alerts == [.authenticationFailed])
        bench.pass(.seconds(1))
        #expect(bench.handle(.ticked).isEmpty)
        bench.pass(.seconds(5))
        #expect(bench.handle(.ticked) == [.open(session: 2)])
    }

    @Test("Closing before the first connection leaves nothing behind")
    func closedEarly() {
        var bench = Bench()
        bench.handle(.started)
        #expect(bench.handle(.resignAsked(.firstInLine)) == [.close(session: 1), .stop])
    }

    @Test("A connection that stays away for long is given up for a new session")
    func givenUp() throws {
        var bench = Bench()
        _ = try bench.lead()
        bench.handle(.session(1, .connecting))
        bench.pass(.seconds(61))
        bench.handle(.ticked)
        #expect(bench.alerts == [.sessionGivenUp])
        #expect(bench.announcements.contains(.lost(Epoch(4), .sessionGivenUp)))
        #expect(bench.effects.contains(.open(session: 2)))
    }
}

@Suite("Following and claiming")
struct ClaimingTests {
    @Test("Whoever is not first watches the one ahead, by number and not by identifier")
    func watchesPredecessor() throws {
        var bench = Bench()
        let path = try bench.join()
        try bench.answer(
            .success(.children(["zz-n_0000000002", Bench.name(path), "aa-n_0000000009", "zy-n_0000000004"])))
        try bench.answer(Bench.node(Bench.rival(epoch: 3), version: 7))
        #expect(bench.call?.call == .exists(Bench.layout.candidate("zy-n_0000000004"), watch: true))
        #expect(bench.announcements == [.following(leader: Bench.rival(epoch: 3))])
    }

    @Test("A predecessor that is gone between the two looks is noticed")
    func predecessorVanishes() throws {
        var bench = Bench()
        let path = try bench.join()
        try bench.answer(.success(.children(["aa-n_0000000002", Bench.name(path)])))
        try bench.answer(Bench.node(Bench.rival(epoch: 3), version: 7))
        try bench.answer(.success(.stat(nil)))
        #expect(bench.call?.call == .children(Bench.layout.candidates))
    }

    @Test("A watch that fires before its answer is handed in is not lost")
    func earlyWatch() throws {
        var bench = Bench()
        let path = try bench.join()
        try bench.answer(.success(.children(["aa-n_0000000002", Bench.name(path)])))
        try bench.answer(Bench.node(Bench.rival(epoch: 3), version: 7))
        let ticket = try #require(bench.call).ticket
        bench.handle(.watchFired(ticket))
        try bench.answer(.success(.stat(Bench.stat())), to: ticket)
        #expect(bench.call?.call == .children(Bench.layout.candidates))
    }

    @Test("First in line claims: own candidate checked, the record set at the version that was read, epoch plus one")
    func claims() throws {
        var bench = Bench()
        let path = try bench.claim()
        guard case .multi(let operations) = try #require(bench.call).call, operations.count == 2,
            case .set(Bench.layout.leader, let data, 7) = operations[1]
        else {
            Issue.record("no claim")
            return
        }
        #expect(operations[0] == .check(path, version: 0))
        #expect(try LeaderRecord(decoding: data).epoch == Epoch(4))
        try bench.answer(Bench.committedClaim)
        #expect(bench.announcements == [.leading(Epoch(4))])
        #expect(bench.machine.heldClaim?.version == 8)
    }

    @Test("First in line waits while the holder of the record still stands in line behind it")
    func holderLives() throws {
        var bench = Bench()
        let path = try bench.join()
        try bench.answer(.success(.children([Bench.name(path), "rival-n_0000000009"])))
        try bench.answer(Bench.node(Bench.rival(epoch: 3), version: 7))
        #expect(bench.call?.call == .exists(Bench.layout.candidate("rival-n_0000000009"), watch: true))
    }

    @Test("A record that has moved means that somebody else was quicker: look again")
    func recordMoved() throws {
        var bench = Bench()
        _ = try bench.claim()
        try bench.answer(Bench.fails(.badVersion, at: 1))
        #expect(bench.machine.role == .following)
        #expect(bench.call?.call == .children(Bench.layout.candidates))
    }

    @Test("A candidate that is gone means: join again, with a new identifier")
    func candidateGone() throws {
        var bench = Bench()
        _ = try bench.claim()
        try bench.answer(Bench.fails(.noNode, at: 0))
        #expect(bench.machine.role == .joining)
    }

    @Test("A claim without an answer is read back, and believed only after a guarded write")
    func unknownCommitted() throws {
        var bench = Bench()
        let path = try bench.claim()
        guard case .multi(let operations) = try #require(bench.call).call, case .set(_, let data, _) = operations[1]
        else { return }
        let record = try LeaderRecord(decoding: data)
        try bench.answer(Bench.fails(.timedOut))
        #expect(bench.call?.call == .get(Bench.layout.leader, watch: false))
        try bench.answer(Bench.node(record, version: 8))
        #expect(bench.announcements.isEmpty)
        #expect(bench.machine.permits(.record, at: bench.now) == nil)
        guard case .multi(let check) = try #require(bench.call).call else {
            Issue.record("no guarded write")
            return
        }
        #expect(check.prefix(2) == [.check(Bench.layout.leader, version: 8), .check(path, version: 0)])
        try bench.answer(Bench.committedBeat)
        #expect(bench.announcements == [.leading(Epoch(4))])
    }

    @Test("A claim without an answer that is not in the record is made again at the version that is read")
    func unknownLost() throws {
        var bench = Bench()
        let path = try bench.claim()
        try bench.answer(Bench.fails(.timedOut))
        try bench.answer(Bench.node(.vacant(Epoch(9)), version: 12))
        try bench.answer(.success(.children([Bench.name(path)])))
        try bench.answer(Bench.node(.vacant(Epoch(9)), version: 12))
        guard case .multi(let operations) = try #require(bench.call).call,
            case .set(_, let data, 12) = operations[1]
        else {
            Issue.record("no second claim")
            return
        }
        #expect(try LeaderRecord(decoding: data).epoch == Epoch(10))
    }

    @Test("A record of an unknown format is neither claimed nor overwritten")
    func unknownFormat() throws {
        var bench = Bench()
        let path = try bench.join()
        try bench.answer(.success(.children([Bench.name(path)])))
        let data = Array(#"{"format":2,"epoch":5}"#.utf8)
        try bench.answer(.success(.node(StoreNode(data: data, stat: Bench.stat(version: 7)))))
        #expect(bench.calls.isEmpty)
        #expect(bench.alerts == [.recordRefused(.unknownFormat(2))])
    }

    @Test("After an ensemble was rebuilt the next claim is above every epoch seen, and somebody is told")
    func epochWentBack() throws {
        var bench = Bench()
        let path = try bench.join()
        try bench.answer(.success(.children(["aa-n_0000000002", Bench.name(path)])))
        try bench.answer(Bench.node(Bench.rival(epoch: 30), version: 7))
        try bench.answer(.success(.stat(nil)))
        try bench.answer(.success(.children([Bench.name(path)])))
        try bench.answer(Bench.node(.vacant(.none), version: 0))
        #expect(bench.alerts == [.epochWentBack(from: Epoch(30), to: .none)])
        guard case .multi(let operations) = try #require(bench.call).call, case .set(_, let data, 0) = operations[1]
        else { return }
        #expect(try LeaderRecord(decoding: data).epoch == Epoch(31))
    }

    @Test("A reconnection keeps the place in line, and everything is read again")
    func reconnects() throws {
        var bench = Bench()
        let path = try bench.join()
        try bench.answer(.success(.children(["aa-n_0000000002", Bench.name(path)])))
        try bench.answer(Bench.node(Bench.rival(epoch: 3), version: 7))
        try bench.answer(.success(.stat(Bench.stat())))
        bench.handle(.session(1, .connecting))
        #expect(bench.announcements == [.disconnected])
        bench.handle(.session(1, .connected(session: 77)))
        #expect(bench.announcements == [.sessionUsable])
        #expect(bench.call?.call == .children(Bench.layout.candidates))
    }
}

@Suite("Leading")
struct LeadingTests {
    @Test("Each beat checks the record and the own candidate, then sets the pulse")
    func beats() throws {
        var bench = Bench()
        let path = try bench.lead()
        let beats = bench.calls.compactMap { if case .multi(let operations) = $0.call { operations } else { nil } }
        #expect(
            beats == [
                [
                    .check(Bench.layout.leader, version: 8), .check(path, version: 0),
                    .set(Bench.layout.beat, data: Array("4".utf8), version: nil),
                ]
            ])
    }

    @Test(
        "Nothing new starts once the limit has passed since the last good beat was sent, not answered",
        arguments: [Election.Timing.steady, .fast])
    func limit(timing: Election.Timing) throws {
        var bench = Bench(timing: timing)
        _ = try bench.claim()
        let sent = bench.now
        bench.pass(timing.beat)
        try bench.answer(Bench.committedClaim, sentAt: sent)
        let step = GuardedRequest.Kind.step(control: 0, globalControl: 0)
        bench.now = sent + timing.limit - .milliseconds(1)
        #expect(bench.machine.permits(step, at: bench.now) != nil)
        bench.now = sent + timing.limit
        // Even before the machine was told that time has passed.
        #expect(bench.machine.permits(step, at: bench.now) == nil)
        bench.handle(.ticked)
        #expect(bench.announcements == [.suspended(Epoch(4))])
        #expect(bench.machine.lateRenewals == 1)
        // What happened may still be put down.
        #expect(bench.machine.permits(.record, at: bench.now) != nil)
    }

    @Test("A disconnected leader starts nothing new at once, and resumes with the next answered beat")
    func suspended() throws {
        var bench = Bench()
        _ = try bench.lead()
        for call in bench.calls {
            if case .multi = call.call { try bench.answer(Bench.committedBeat, to: call.ticket) }
        }
        bench.handle(.session(1, .connecting))
        #expect(bench.announcements == [.suspended(Epoch(4)), .disconnected])
        #expect(!bench.machine.mayBegin(under: Epoch(4), at: bench.now))
        bench.pass(.milliseconds(100))
        bench.handle(.session(1, .connected(session: 77)))
        #expect(!bench.machine.mayBegin(under: Epoch(4), at: bench.now))
        let beat = try #require(bench.calls.first { if case .multi = $0.call { true } else { false } })
        try bench.answer(Bench.committedBeat, to: beat.ticket)
        #expect(bench.announcements == [.resumed(Epoch(4))])
        #expect(bench.machine.mayBegin(under: Epoch(4), at: bench.now))
    }

    @Test("An answer that comes after its own limit resumes nothing")
    func lateAnswer() throws {
        var bench = Bench()
        _ = try bench.lead()
        let beat = try #require(bench.calls.first { if case .multi = $0.call { true } else { false } })
        let sent = bench.now
        bench.pass(.seconds(3))
        bench.handle(.ticked)
        try bench.answer(Bench.committedBeat, to: beat.ticket, sentAt: sent)
        #expect(bench.machine.role == .suspended)
    }

    @Test(
        "A refused beat ends the leadership, by what was refused",
        arguments: [
            (0, StoreError.Reason.badVersion, LossReason.deposed), (0, .noNode, .treeGone),
            (1, .noNode, .candidateGone), (2, .noNode, .treeGone),
        ])
    func refused(operation: Int, reason: StoreError.Reason, loss: LossReason) throws {
        var bench = Bench()
        let path = try bench.lead()
        let beat = try #require(bench.calls.first { if case .multi = $0.call { true } else { false } })
        try bench.answer(Bench.fails(reason, at: operation), to: beat.ticket)
        #expect(bench.announcements == [.lost(Epoch(4), loss)])
        #expect(bench.alerts == (loss == .treeGone ? [.treeGone(Epoch(4))] : []))
        #expect(bench.machine.permits(.record, at: bench.now) == nil)
        // A place in line that once led must not stay.
        if loss != .candidateGone { #expect(bench.call?.call == .multi([.delete(path, version: nil)])) }
    }

    @Test("A beat without an answer proves nothing: the next one is sent")
    func unknownBeat() throws {
        var bench = Bench()
        _ = try bench.lead()
        let beat = try #require(bench.calls.first { if case .multi = $0.call { true } else { false } })
        try bench.answer(Bench.fails(.timedOut), to: beat.ticket)
        #expect(bench.machine.role == .leading)
        bench.pass(.milliseconds(500))
        bench.handle(.ticked)
        #expect(bench.calls.count == 1)
    }

    @Test("Another claim in the record ends the leadership as soon as it is read")
    func deposedByRead() throws {
        var bench = Bench()
        _ = try bench.lead()
        bench.handle(.session(1, .connecting))
        bench.handle(.session(1, .connected(session: 77)))
        let read = try #require(bench.calls.first { if case .get = $0.call { true } else { false } })
        try bench.answer(Bench.node(Bench.rival(epoch: 5), version: 9), to: read.ticket)
        #expect(bench.announcements == [.lost(Epoch(4), .deposed)])
    }

    @Test("A guarded write that was told so ends the leadership; one of an earlier claim does not")
    func deposedByGuard() throws {
        var bench = Bench()
        _ = try bench.lead()
        let claim = try #require(bench.machine.heldClaim)
        let earlier = HeldClaim(epoch: Epoch(2), nonce: "x", version: 3, candidate: "/x")
        #expect(bench.handle(.deposed(earlier)).isEmpty)
        bench.handle(.deposed(claim))
        #expect(bench.announcements == [.lost(Epoch(4), .deposed)])
    }

    @Test("An expired session ends the leadership; the next session joins with a new identifier")
    func expired() throws {
        var bench = Bench()
        let path = try bench.lead()
        bench.handle(.session(1, .expired))
        #expect(bench.announcements == [.lost(Epoch(4), .sessionExpired), .disconnected])
        #expect(bench.effects.suffix(2) == [.close(session: 1), .open(session: 2)])
        bench.handle(.session(2, .connected(session: 78)))
        while case .exists = bench.call?.call { try bench.answer(.success(.stat(Bench.stat()))) }
        #expect(!bench.requestedPrefix.isEmpty)
        #expect(!path.hasPrefix(bench.requestedPrefix))
    }

    @Test("Answers and states of a session that is over change nothing")
    func lateNews() throws {
        var bench = Bench()
        _ = try bench.lead()
        let beat = try #require(bench.calls.first { if case .multi = $0.call { true } else { false } })
        bench.handle(.session(1, .expired))
        let phase = bench.machine.phase
        #expect(bench.handle(.session(1, .connected(session: 77))).isEmpty)
        #expect(try bench.answer(Bench.committedBeat, to: beat.ticket).isEmpty)
        #expect(bench.machine.phase == phase)
    }

    @Test("A resignation gives up acting first, keeps the epoch, takes the own candidate along, and closes the session")
    func resigns() throws {
        var bench = Bench()
        let path = try bench.lead()
        bench.handle(.resignAsked(.firstInLine))
        #expect(bench.announcements == [.lost(Epoch(4), .resigned)])
        #expect(bench.machine.permits(.record, at: bench.now) == nil)
        #expect(
            bench.call?.call
                == .multi([
                    .delete(path, version: nil),
                    .set(Bench.layout.leader, data: LeaderRecord.vacant(Epoch(4)).encoded, version: 8),
                ]))
        try bench.answer(.success(.results([.deleted, .set(Bench.stat(version: 9))])))
        #expect(bench.effects == [.close(session: 1), .stop])
    }

    @Test("A resignation that is not answered ends after its limit all the same")
    func resignsAgainstSilence() throws {
        var bench = Bench()
        _ = try bench.lead()
        bench.handle(.resignAsked(.firstInLine))
        bench.pass(.milliseconds(499))
        #expect(bench.handle(.ticked).isEmpty)
        bench.pass(.milliseconds(1))
        #expect(bench.handle(.ticked) == [.close(session: 1), .stop])
    }
}
