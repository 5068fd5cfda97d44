import Cluster
import Testing

@testable import Election

@Suite("Leadership that is not sure")
struct UncertainTests {
    private func beat(_ bench: Bench) throws -> Ticket {
        try #require(bench.calls.first { if case .multi = $0.call { true } else { false } }).ticket
    }

    @Test("A claim that is answered after its limit, or while not connected, begins suspended: nothing may start")
    func lateClaim() throws {
        var late = Bench()
        _ = try late.claim()
        let sent = late.now
        late.pass(.seconds(2))
        try late.answer(Bench.committedClaim, sentAt: sent)
        #expect(late.announcements == [.leading(Epoch(4)), .suspended(Epoch(4))])
        #expect(!late.machine.mayBegin(under: Epoch(4), at: late.now))

        var cut = Bench()
        _ = try cut.claim()
        let ticket = try #require(cut.call).ticket
        cut.handle(.session(1, .connecting))
        try cut.answer(Bench.committedClaim, to: ticket)
        #expect(cut.announcements == [.leading(Epoch(4)), .suspended(Epoch(4))])
        #expect(!cut.machine.mayBegin(under: Epoch(4), at: cut.now))
    }

    @Test("A claim that was overtaken before it was confirmed is never announced")
    func overtakenMeanwhile() throws {
        var bench = Bench()
        let path = try bench.claim()
        guard case .multi(let operations) = try #require(bench.call).call, case .set(_, let data, _)? = operations.last
        else { return }
        try bench.answer(Bench.fails(.timedOut))
        try bench.answer(Bench.node(try LeaderRecord(decoding: data), version: 8))
        try bench.answer(Bench.fails(.badVersion, at: 0))
        #expect(bench.announcements.isEmpty)
        #expect(bench.call?.call == .multi([.delete(path, version: nil)]))
    }

    @Test("A renewal that is under way when the leader resigns changes nothing, however it is answered")
    func resignsDuringBeat() throws {
        for answer in [Bench.committedBeat, Bench.fails(.badVersion, at: 0), Bench.fails(.timedOut)] {
            var bench = Bench()
            _ = try bench.lead()
            let beat = try self.beat(bench)
            bench.handle(.resignAsked(.firstInLine))
            let phase = bench.machine.phase
            #expect(try bench.answer(answer, to: beat).isEmpty)
            #expect(bench.machine.phase == phase)
        }
    }

    @Test("A leader that was overtaken may not renew: its next beat tells it, and it goes to the tail")
    func mayNotRenew() throws {
        var bench = Bench()
        let path = try bench.lead()
        try bench.answer(Bench.fails(.badVersion, at: 0), to: try self.beat(bench))
        #expect(bench.announcements == [.lost(Epoch(4), .deposed)])
        try bench.answer(.success(.results([.deleted])))
        while case .exists = bench.call?.call { try bench.answer(.success(.stat(Bench.stat()))) }
        #expect(!bench.requestedPrefix.isEmpty)
        #expect(!path.hasPrefix(bench.requestedPrefix))
    }

    @Test("A flood of disconnections neither loses the epoch nor the place, and is told in turns")
    func flood() throws {
        var bench = Bench()
        _ = try bench.lead()
        try bench.answer(Bench.committedBeat, to: try self.beat(bench))
        let claim = bench.machine.heldClaim
        for _ in 0..<200 {
            bench.pass(.milliseconds(3))
            bench.handle(.session(1, .connecting))
            #expect(bench.announcements == [.suspended(Epoch(4)), .disconnected])
            bench.pass(.milliseconds(3))
            bench.handle(.session(1, .connected(session: 77)))
            let beat = bench.calls.first { if case .multi = $0.call { true } else { false } }
            if let beat { try bench.answer(Bench.committedBeat, to: beat.ticket) }
            #expect(bench.announcements.contains(.resumed(Epoch(4))))
        }
        #expect(bench.machine.heldClaim == claim)
    }
}
