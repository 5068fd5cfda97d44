import Cluster
import Testing

@testable import Election

@Suite("Handing over")
struct SuccessionTests {
    private static let named = "named-n_0000000009"

    /// In line behind `ahead`, before `behind`, under this record at version 7.
    private func inLine(ahead: [String] = [], behind: [String] = [], _ record: LeaderRecord) throws -> Bench {
        var bench = Bench()
        let path = try bench.join()
        try bench.answer(.success(.children(behind + [Bench.name(path)] + ahead)))
        try bench.answer(Bench.node(record, version: 7))
        return bench
    }

    private func isClaim(_ call: StoreCall?) -> Bool {
        guard case .multi(let operations)? = call, case .set(Bench.layout.leader, _, 7)? = operations.last else {
            return false
        }
        return true
    }

    @Test("The record names the successor, and an older healer's record names none")
    func record() throws {
        let record = LeaderRecord.vacant(Epoch(4), for: Self.named)
        #expect(try LeaderRecord(decoding: record.encoded) == record)
        #expect(try LeaderRecord(decoding: Array(#"{"epoch":4,"format":1}"#.utf8)) == .vacant(Epoch(4)))
    }

    @Test("Who is named claims, whoever is ahead in line")
    func named() throws {
        var bench = Bench()
        let path = try bench.join()
        try bench.answer(.success(.children(["first-n_0000000001", Bench.name(path)])))
        try bench.answer(Bench.node(.vacant(Epoch(3), for: Bench.name(path)), version: 7))
        #expect(self.isClaim(bench.call?.call))
    }

    /// Second in line behind `ahead`, under a leader that is last; the record's change has just been heard of.
    private func recordChanges() throws -> (Bench, own: String) {
        var bench = Bench()
        let path = try bench.join()
        try bench.answer(.success(.children(["ahead-n_0000000001", Bench.name(path), "rival-n_0000000009"])))
        let watch = try #require(bench.call).ticket
        try bench.answer(Bench.node(Bench.rival(epoch: 3), version: 6))
        try bench.answer(.success(.stat(Bench.stat())))
        bench.handle(.watchFired(watch))
        #expect(bench.call?.call == .get(Bench.layout.leader, watch: true))
        return (bench, Bench.name(path))
    }

    @Test("Who is named hears of it by the record, and claims without another look")
    func namedByWatch() throws {
        var (bench, own) = try self.recordChanges()
        try bench.answer(Bench.node(.vacant(Epoch(3), for: own), version: 7))
        #expect(self.isClaim(bench.call?.call))
    }

    @Test("Who is not named takes its place by the line as it stands after the record")
    func notNamedByWatch() throws {
        for isAhead in [true, false] {
            var (bench, own) = try self.recordChanges()
            try bench.answer(Bench.node(.vacant(Epoch(3)), version: 7))
            #expect(bench.call?.call == .children(Bench.layout.candidates))
            try bench.answer(.success(.children(isAhead ? ["ahead-n_0000000001", own] : [own])))
            if isAhead {
                // Watched already.
                #expect(bench.call?.call == .exists(Bench.layout.candidate("ahead-n_0000000001"), watch: false))
            } else {
                #expect(self.isClaim(bench.call?.call))
            }
        }
    }

    @Test("One that joined and leads since the line was read is not claimed over by the line that was")
    func joinedSince() throws {
        var (bench, own) = try self.recordChanges()
        try bench.answer(Bench.node(Bench.rival(epoch: 4, nonce: "late"), version: 7))
        try bench.answer(.success(.children([own, "late-n_0000000010"])))
        #expect(bench.call?.call == .exists(Bench.layout.candidate("late-n_0000000010"), watch: true))
    }

    @Test("The first in line lets the named one go first, and claims when that one does not in time")
    func standsBack() throws {
        let record = LeaderRecord.vacant(Epoch(3), for: Self.named)
        var bench = try self.inLine(behind: [Self.named], record)
        #expect(bench.calls.isEmpty)
        bench.pass(ElectionMachine.standBackLimit - .milliseconds(1))
        bench.handle(.ticked)
        #expect(bench.calls.isEmpty)
        bench.pass(.milliseconds(1))
        bench.handle(.ticked)
        guard case .children? = bench.call?.call else {
            Issue.record("does not look again")
            return
        }
        guard case .following(let candidate, _) = bench.machine.phase else { return }
        try bench.answer(.success(.children([Self.named, Bench.name(candidate.path)])))
        try bench.answer(Bench.node(record, version: 7))
        #expect(self.isClaim(bench.call?.call))
    }

    @Test("Nobody stands back for a successor that is not in line")
    func successorGone() throws {
        #expect(self.isClaim(try self.inLine(.vacant(Epoch(3), for: Self.named)).call?.call))
    }

    @Test("Where nobody leads and those ahead do not claim, whoever is behind them does, each place a little later")
    func deadAhead() throws {
        let ahead = ["a-n_0000000001", "b-n_0000000002"]
        for (names, named) in [(ahead.prefix(1), false), (ahead[...], false), (ahead.prefix(1), true)] {
            let record = named ? LeaderRecord.vacant(Epoch(3), for: ahead[0]) : .vacant(Epoch(3))
            var bench = try self.inLine(ahead: Array(names), record)
            try bench.answer(.success(.stat(Bench.stat())))
            let patience = bench.machine.timing.silence * ElectionMachine.percentPerPlace / 100
            let due = patience * names.count + (named ? ElectionMachine.standBackLimit : .zero)
            bench.pass(due - .milliseconds(1))
            bench.handle(.ticked)
            #expect(!bench.calls.contains { self.isClaim($0.call) })
            var late = bench
            bench.pass(.milliseconds(1))
            bench.handle(.ticked)
            #expect(self.isClaim(bench.call?.call))

            // One of them has claimed meanwhile.
            late.handle(.session(1, .connecting))
            late.handle(.session(1, .connected(session: 77)))
            guard case .following(let candidate, _) = late.machine.phase else { return }
            try late.answer(.success(.children(names + [Bench.name(candidate.path)])))
            try late.answer(Bench.node(Bench.rival(epoch: 4, nonce: "a"), version: 8))
            try late.answer(.success(.stat(Bench.stat())))
            late.pass(.milliseconds(1))
            late.handle(.ticked)
            #expect(late.machine.role == .following)
        }
    }

    /// A leader that has left the record to somebody else; its own multi has set off its watch on the record.
    private func handedOver() throws -> Bench {
        var bench = Bench()
        let path = try bench.lead()
        let watch = try #require(bench.machine.session.recordWatch)
        bench.handle(.resignAsked(.candidate(Self.named)))
        #expect(bench.announcements == [.lost(Epoch(4), .resigned)])
        #expect(bench.machine.permits(.record, at: bench.now) == nil)
        let ticket = try #require(bench.call).ticket
        #expect(
            bench.call?.call
                == .multi([
                    .delete(path, version: nil),
                    .set(Bench.layout.leader, data: LeaderRecord.vacant(Epoch(4), for: Self.named).encoded, version: 8),
                ]))
        #expect(bench.handle(.watchFired(watch)).isEmpty)
        try bench.answer(.success(.results([.deleted, .set(Bench.stat(version: 9))])), to: ticket)
        return bench
    }

    @Test("A leader that has named somebody leaves the ensemble to that one's claim, and closes its session then")
    func leavesTheEnsemble() throws {
        var bench = try self.handedOver()
        #expect(bench.call?.call == .get(Bench.layout.leader, watch: true))
        let watch = try #require(bench.call).ticket
        try bench.answer(Bench.node(.vacant(Epoch(4), for: Self.named), version: 9))
        #expect(bench.effects.isEmpty)
        #expect(bench.handle(.watchFired(watch)).count == 1)
        try bench.answer(Bench.node(Bench.rival(epoch: 5), version: 10))
        #expect(bench.effects == [.close(session: 1), .stop])
    }

    @Test("A claim that is heard of before the look at the record is answered is looked at as well")
    func claimsAtOnce() throws {
        var bench = try self.handedOver()
        let watch = try #require(bench.call).ticket
        bench.handle(.watchFired(watch))
        try bench.answer(Bench.node(.vacant(Epoch(4), for: Self.named), version: 9), to: watch)
        try bench.answer(Bench.node(Bench.rival(epoch: 5), version: 10))
        #expect(bench.effects == [.close(session: 1), .stop])
    }

    @Test("It ends within its limit all the same: nobody claims, nothing is answered, or the record cannot be read")
    func nobodyClaims() throws {
        var bench = try self.handedOver()
        var unread = bench
        try unread.answer(Bench.fails(.timedOut))
        #expect(unread.effects == [.close(session: 1), .stop])
        var silent = bench
        silent.pass(ElectionMachine.resignLimit)
        #expect(silent.handle(.ticked) == [.close(session: 1), .stop])
        try bench.answer(Bench.node(.vacant(Epoch(4), for: Self.named), version: 9))
        bench.pass(ElectionMachine.resignLimit)
        #expect(bench.handle(.ticked) == [.close(session: 1), .stop])
    }
}
