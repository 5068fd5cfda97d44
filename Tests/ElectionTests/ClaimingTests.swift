import Cluster
import Testing

@testable import Election

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

    @Test("That the epoch went back is said once, however often the record is read")
    func epochWentBackOnce() throws {
        var bench = Bench()
        let path = try bench.join()
        for (epoch, alerts) in [(30, 0), (2, 1), (2, 0), (3, 1), (31, 0)] {
            try bench.answer(.success(.children(["rival-n_0000000002", Bench.name(path)])))
            try bench.answer(Bench.node(Bench.rival(epoch: Int64(epoch)), version: Int32(epoch)))
            #expect(bench.alerts.count == alerts)
            try bench.answer(.success(.stat(Bench.stat())))
            bench.handle(.session(1, .connecting))
            bench.handle(.session(1, .connected(session: 77)))
        }
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
