import Cluster
import Testing

@testable import Election

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
