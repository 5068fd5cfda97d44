import Cluster
import Testing

@testable import Election

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
