import Cluster
import Testing

@testable import Election

/// A follower of a rival that leads epoch 3 from the place in line `rival-n_0000000002`.
private struct Overtaking {
    var bench: Bench
    let path: String
    static let rival = Incarnation("i2")
    static let corpse = Bench.layout.candidate("rival-n_0000000002")

    /// - Parameter ahead: others that stand between the rival and us.
    init(ahead: [String] = [], timing: Election.Timing = .fast) throws {
        self.bench = Bench(timing: timing)
        self.path = try self.bench.join()
        try self.follow(self.path, ahead: ahead, epoch: 3, version: 7)
    }

    /// Looks, and finds the rival's claim of this epoch; our own place in line is this one.
    mutating func follow(_ path: String, ahead: [String] = [], epoch: Int64, version: Int32) throws {
        try self.bench.answer(.success(.children(["rival-n_0000000002", Bench.name(path)] + ahead)))
        try self.bench.answer(Bench.node(Bench.rival(epoch: epoch), version: version))
        try self.bench.answer(.success(.stat(Bench.stat())))
    }

    /// The operations of the claim among the last calls; `nil` without one.
    var claim: [StoreOperation]? {
        for call in self.bench.calls {
            if case .multi(let operations) = call.call, operations.contains(where: { $0.path == Bench.layout.leader }) {
                return operations
            }
        }
        return nil
    }

    /// What the vigil writes, among the last calls.
    var vigil: Ticket? {
        self.bench.calls.first { $0.call == .multi([.check(self.path, version: 0)]) }?.ticket
    }

    static func beat(_ version: Int32) -> Result<StoreAnswer, StoreError> {
        .success(.node(StoreNode(data: [], stat: Bench.stat(version: version))))
    }

    /// One round of the vigil, begun by this tick: our write is committed, and the pulse read.
    mutating func round(seeing beat: Int32) throws {
        self.bench.handle(.ticked)
        guard let ticket = self.vigil else { return }
        try self.bench.answer(.success(.results([.checked])), to: ticket)
        #expect(self.bench.call?.call == .get(Bench.layout.beat, watch: false))
        try self.bench.answer(Self.beat(beat))
    }

    /// Rounds that see this version, until so much time has passed or a claim is made.
    mutating func wait(_ duration: Duration, seeing beat: Int32) throws {
        let end = self.bench.now + duration
        while self.bench.now < end, self.claim == nil {
            self.bench.pass(.milliseconds(50))
            try self.round(seeing: beat)
        }
    }
}

@Suite("Claiming on a hint")
struct HintTests {
    @Test("The next in line claims at once, and takes the dead candidate away in the same multi")
    func overtakes() throws {
        var world = try Overtaking()
        world.bench.handle(.leaderPresumedGone(Overtaking.rival))
        let claim = try #require(world.claim)
        #expect(claim.count == 3)
        #expect(claim[0] == .check(world.path, version: 0))
        #expect(claim[1] == .delete(Overtaking.corpse, version: nil))
        try world.bench.answer(.success(.results([.checked, .deleted, .set(Bench.stat(version: 8))])))
        #expect(world.bench.machine.takeovers == [.crash: 1])
    }

    @Test("A dead candidate that is gone already is left out of the next claim")
    func corpseGone() throws {
        var world = try Overtaking()
        world.bench.handle(.leaderPresumedGone(Overtaking.rival))
        try world.bench.answer(Bench.fails(.noNode, at: 1))
        #expect(try #require(world.claim).count == 2)
    }

    @Test("A hint about another life than the one that leads is no hint")
    func anotherLife() throws {
        var world = try Overtaking()
        #expect(world.bench.handle(.leaderPresumedGone(Incarnation("i1"))).isEmpty)
    }

    @Test("Whoever is further back waits by its place, and claims only if the same leader is still in the record")
    func laterInLine() throws {
        var world = try Overtaking(ahead: ["a-n_0000000003", "b-n_0000000004"])
        world.bench.handle(.leaderPresumedGone(Overtaking.rival))
        #expect(world.claim == nil)
        world.bench.pass(.milliseconds(299))
        world.bench.handle(.ticked)
        #expect(world.claim == nil)
        var another = world
        world.bench.pass(.milliseconds(1))
        world.bench.handle(.ticked)
        #expect(world.claim != nil)

        // Somebody else has claimed meanwhile.
        another.bench.handle(.session(1, .connecting))
        another.bench.handle(.session(1, .connected(session: 77)))
        try another.bench.answer(.success(.children(["a-n_0000000003", Bench.name(another.path)])))
        try another.bench.answer(Bench.node(Bench.rival(epoch: 4, nonce: "a"), version: 8))
        try another.bench.answer(.success(.stat(Bench.stat())))
        another.bench.pass(.milliseconds(1))
        another.bench.handle(.ticked)
        #expect(another.claim == nil)
    }

    @Test("Not connected, a hint is no use")
    func disconnected() throws {
        var world = try Overtaking()
        world.bench.handle(.session(1, .connecting))
        #expect(world.bench.handle(.leaderPresumedGone(Overtaking.rival)).isEmpty)
    }

    @Test("The budget for false alarms: one leadership by a hint in 30 seconds; then silence decides")
    func budget() throws {
        var world = try Overtaking()
        world.bench.handle(.leaderPresumedGone(Overtaking.rival))
        try world.bench.answer(.success(.results([.checked, .deleted, .set(Bench.stat(version: 8))])))
        // It was a false alarm: whoever led claims again, and we stand in line anew.
        let beat = try #require(world.bench.calls.first { if case .multi = $0.call { true } else { false } })
        try world.bench.answer(Bench.fails(.badVersion, at: 0), to: beat.ticket)
        try world.bench.answer(.success(.results([.deleted])))
        try world.bench.findFoundation()
        let path = world.bench.requestedPrefix + "0000000006"
        try world.bench.answer(.success(.created(path: path)))
        try world.follow(path, epoch: 5, version: 9)
        #expect(world.bench.machine.role == .following)
        world.bench.pass(ElectionMachine.hintPause - .milliseconds(1))
        #expect(world.bench.handle(.leaderPresumedGone(Overtaking.rival)).isEmpty)
        world.bench.pass(.milliseconds(1))
        world.bench.handle(.leaderPresumedGone(Overtaking.rival))
        #expect(world.claim != nil)
    }

    @Test("A claim on a hint that somebody else forestalled leaves the budget whole: it claims on the next death")
    func forestalled() throws {
        var world = try Overtaking()
        world.bench.handle(.leaderPresumedGone(Overtaking.rival))
        try world.bench.answer(Bench.fails(.badVersion, at: 2))
        try world.follow(world.path, epoch: 4, version: 8)
        world.bench.pass(.seconds(1))
        world.bench.handle(.leaderPresumedGone(Overtaking.rival))
        #expect(world.claim != nil)
    }

    @Test("A leader in good order that was claimed over counts it as needless; one that was late does not")
    func needless() throws {
        for (pause, needless) in [(Duration.zero, 1), (.seconds(3), 0)] {
            var bench = Bench()
            _ = try bench.lead()
            let beat = try #require(bench.calls.first { if case .multi = $0.call { true } else { false } })
            bench.pass(pause)
            try bench.answer(Bench.fails(.badVersion, at: 0), to: beat.ticket)
            #expect(bench.machine.needlessHandovers == needless)
            #expect(bench.machine.losses == [.deposed: 1])
        }
    }
}

@Suite("Claiming on silence")
struct SilenceTests {
    @Test(
        "A pulse that stands still for the limit is claimed over, at the version that stood still", arguments: [0, 2])
    func silence(ahead: Int) throws {
        let others = (0..<ahead).map { "x-n_000000000\($0 + 3)" }
        var world = try Overtaking(ahead: others)
        try world.round(seeing: 40)
        let limit = Duration.milliseconds(1000 + 150 * ahead)
        try world.wait(limit - .milliseconds(50), seeing: 40)
        #expect(world.claim == nil)
        try world.wait(.milliseconds(100), seeing: 40)
        let claim = try #require(world.claim)
        #expect(claim[1] == .check(Bench.layout.beat, version: 40))
        #expect(claim[2] == .delete(Overtaking.corpse, version: nil))
        try world.bench.answer(
            .success(.results([.checked, .checked, .deleted, .set(Bench.stat(version: 8))])))
        #expect(world.bench.machine.takeovers == [.silence: 1])
    }

    @Test("A pulse that moves is never claimed over")
    func moves() throws {
        var world = try Overtaking()
        for beat in 0..<100 {
            world.bench.pass(.milliseconds(100))
            try world.round(seeing: Int32(beat / 4))
            #expect(world.claim == nil)
        }
    }

    @Test("A claim on a pulse that has moved stands down, and the count starts again")
    func beatMoved() throws {
        var world = try Overtaking()
        try world.round(seeing: 40)
        try world.wait(.seconds(2), seeing: 40)
        #expect(world.claim != nil)
        try world.bench.answer(Bench.fails(.badVersion, at: 1))
        #expect(world.bench.machine.role == .following)
        try world.follow(world.path, epoch: 3, version: 7)
        try world.round(seeing: 41)
        try world.wait(.milliseconds(950), seeing: 41)
        #expect(world.claim == nil)
    }

    @Test(
        "Without committed writes of our own nothing counts: an error, a reconnect and a long gap start again",
        arguments: ["error", "pulse error", "reconnect", "gap"])
    func startsAgain(what: String) throws {
        var world = try Overtaking()
        try world.round(seeing: 40)
        try world.wait(.milliseconds(800), seeing: 40)
        switch what {
        case "error", "pulse error":
            repeat {
                world.bench.pass(.milliseconds(50))
                world.bench.handle(.ticked)
            } while world.vigil == nil
            if what == "pulse error" { try world.bench.answer(.success(.results([.checked]))) }
            try world.bench.answer(Bench.fails(.timedOut))
        case "reconnect":
            world.bench.handle(.session(1, .connecting))
            world.bench.handle(.session(1, .connected(session: 77)))
            try world.bench.answer(.success(.children(["rival-n_0000000002", Bench.name(world.path)])))
            try world.bench.answer(Bench.node(Bench.rival(epoch: 3), version: 7))
        default:
            world.bench.pass(.milliseconds(700))
        }
        try world.round(seeing: 40)
        try world.wait(.milliseconds(700), seeing: 40)
        #expect(world.claim == nil)
        try world.wait(.milliseconds(700), seeing: 40)
        #expect(world.claim != nil)
    }

    @Test("A write that is not answered keeps us from claiming")
    func unanswered() throws {
        var world = try Overtaking()
        try world.round(seeing: 40)
        try world.wait(.milliseconds(500), seeing: 40)
        for _ in 0..<100 {
            world.bench.pass(.milliseconds(50))
            world.bench.handle(.ticked)
            #expect(world.claim == nil)
        }
    }

    @Test("Whoever finds its own place in line gone joins anew")
    func candidateGone() throws {
        var world = try Overtaking()
        world.bench.handle(.ticked)
        try world.bench.answer(Bench.fails(.noNode, at: 0), to: try #require(world.vigil))
        #expect(world.bench.machine.role == .joining)
    }

    @Test("Nobody keeps a vigil over a record that nobody holds")
    func vacant() throws {
        var bench = Bench()
        let path = try bench.join()
        try bench.answer(.success(.children(["a-n_0000000002", Bench.name(path)])))
        try bench.answer(Bench.node(.vacant(Epoch(3)), version: 7))
        try bench.answer(.success(.stat(Bench.stat())))
        bench.pass(.milliseconds(149))
        #expect(bench.handle(.ticked).isEmpty)
    }
}
