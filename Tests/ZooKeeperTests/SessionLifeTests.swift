import Testing

@testable import ZooKeeper

extension RealEnsemble {
    @Suite struct SessionLifeTests {
        @Test(
            "The session timeout is granted as asked, within what the ensemble allows",
            arguments: [(1_000, 1_000), (6_000, 6_000), (18_000, 18_000), (300, 1_000), (600_000, 60_000)])
        func negotiatedTimeout(asked: Int, granted: Int) async throws {
            try await withSession({ $0.timeout = .milliseconds(asked) }) { session in
                #expect(session.negotiatedTimeout == .milliseconds(granted))
            }
        }

        @Test("When the server we are connected to is killed, the same session goes on at another")
        func killedServer() async throws {
            try await withBrokenEnsemble { ensemble in
                try await withSession({ $0.timeout = .seconds(20) }) { session in
                    let path = newPath()
                    try await session.create(path, mode: .ephemeral)
                    let states = collectStates(session)
                    let id = try #require(session.identity?.id)
                    let server = try ensemble.server(at: session.server)
                    try await ensemble.kill(server)
                    try await states.reach(3)
                    #expect(states.values == [.connected(id), .connecting, .connected(id)])
                    #expect(session.server != server.address)
                    // Every server is asked, for the leader may have been the one.
                    try await until("the ensemble answers again") {
                        await codeOf {
                            let stat = try await session.exists(path)
                            #expect(stat?.ephemeralOwner == id.rawValue)
                        } == nil
                    }
                }
            }
        }

        @Test("A call to a frozen server ends at its deadline, and the session goes on when the server does")
        func frozenServer() async throws {
            try await withBrokenEnsemble { ensemble in
                let server = try await #require(ensemble.followers.first)
                try await withSession({ ($0.servers, $0.timeout) = (server.address, .seconds(40)) }) { session in
                    let states = collectStates(session)
                    try await ensemble.freeze(server)
                    let limit = Duration.milliseconds(300)
                    let took = await timed {
                        let error = await errorOf { try await session.create(newPath(), within: limit) }
                        #expect(error?.code == .operationTimeout)
                        #expect(error?.isAmbiguous == true)
                    }
                    #expect(took >= limit)
                    ensemble.thaw(server)
                    _ = try await session.get("/zookeeper")
                    #expect(states.values.count == 1, "the answer to the late call came on the same connection")
                }
            }
        }

        @Test("A server that leaves a request unanswered is given up for the next one, with the same session")
        func silentServer() async throws {
            try await withBrokenEnsemble { ensemble in
                let followers = try await ensemble.followers.map(\.address).joined(separator: ",")
                try await withSession({
                    $0.servers = followers
                    $0.timeout = .seconds(60)
                    $0.silenceLimit = .milliseconds(400)
                }) { session in
                    let states = collectStates(session)
                    let id = try #require(session.identity?.id)
                    let server = try ensemble.server(at: session.server)
                    try await ensemble.freeze(server)
                    let took = try await timed {
                        #expect(await codeOf { _ = try await session.exists("/") } == .connectionLoss)
                        try await states.reach(3)
                    }
                    #expect(states.values == [.connected(id), .connecting, .connected(id)])
                    #expect(session.server != server.address)
                    #expect(took < .seconds(40), "the library alone waits for 2/3 of the session timeout")
                    _ = try await session.get("/zookeeper")
                }
            }
        }

        @Test("A cut connection moves the session to the next server")
        func disconnect() async throws {
            try await withSession { session in
                var seen: Set<String?> = []
                let id = try #require(session.identity?.id)
                for _ in 0..<6 {
                    let states = collectStates(session)
                    let before = session.server
                    seen.insert(before)
                    #expect(session.disconnect())
                    try await states.reach(3)
                    #expect(states.values == [.connected(id), .connecting, .connected(id)])
                    #expect(session.server != before)
                }
                #expect(try await seen == Set(Ensemble.shared.servers.map(\.address)))
            }
        }

        @Test("A second handle with id and password ends a session: it is told, and nothing more is accepted")
        func forcedExpiry() async throws {
            try await withSession { victim in
                let path = newPath()
                try await victim.create(path, mode: .ephemeral)
                let heard = Heard<WatchEvent>()
                _ = try await victim.exists(newPath(), watch: heard.watch)
                try await expire(victim)
                for await state in victim.states() where state.isFinal { #expect(state == .expired) }
                #expect(await codeOf { try await victim.create(newPath()) } == .sessionExpired)
                #expect(await codeOf { _ = try await victim.connected(within: .seconds(1)) } == .sessionExpired)
                try await heard.reach(1)
                #expect(heard.values == [.disturbed])
                try await withSession { observer in
                    try await observer.sync(path)
                    #expect(try await observer.exists(path) == nil)
                }
            }
        }

        @Test("A session may end in the middle of any multi: each is refused whole, and nothing of ours is freed")
        func expiryAmongMultis() async throws {
            for _ in 0..<6 {
                try await withSession { victim in
                    let path = newPath()
                    try await victim.create(path)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask { try await expire(victim) }
                        // Without waiting for answers, so that one is made at the very moment.
                        while !victim.state.isFinal {
                            guard case .connecting = victim.state else {
                                try await Task.sleep(for: .milliseconds(1))
                                continue
                            }
                            group.addTask {
                                let code = await codeOf {
                                    try await victim.multi([
                                        .check(path, version: -1), .set(path, data: [1], version: nil),
                                        .create(path + "/n_", mode: .ephemeralSequential),
                                        .check("/zookeeper", version: -1), .delete(path + "/none", version: nil),
                                    ])
                                }
                                // Its last operation is always refused, so none is carried out.
                                #expect(code != nil)
                            }
                            await Task.yield()
                        }
                        try await group.waitForAll()
                    }
                    #expect(victim.state == .expired)
                }
            }
        }

        @Test("A session that reaches no server for 4/3 of its timeout is lost, though nobody could tell the library")
        func lostSession() async throws {
            try await withBrokenEnsemble { ensemble in
                let server = try await #require(ensemble.followers.first)
                try await withSession({ ($0.servers, $0.timeout) = (server.address, .seconds(3)) }) { session in
                    let heard = Heard<WatchEvent>()
                    _ = try await session.exists(newPath(), watch: heard.watch)
                    let states = session.states()
                    try await ensemble.kill(server)
                    var seen: [SessionState] = []
                    for await state in states { seen.append(state) }
                    #expect(seen.suffix(2) == [.connecting, .lost])
                    #expect(await codeOf { _ = try await session.exists("/") } == .sessionExpired)
                    #expect(heard.values == [.disturbed])
                }
            }
        }

        @Test("Without a server calls fail, and the session waits; once one appears, it is connected")
        func noServerAtStart() async throws {
            try await withBrokenEnsemble { ensemble in
                let server = try await #require(ensemble.followers.first)
                try await ensemble.kill(server)
                let configuration = Session.Configuration(servers: server.address)
                let session = try await Session.open(configuration)
                #expect(await codeOf { _ = try await session.exists("/") } == .connectionLoss)
                #expect(
                    await codeOf { _ = try await session.connected(within: .milliseconds(100)) } == .operationTimeout)
                #expect(session.state == .connecting)
                #expect(session.identity == nil && session.server == nil && session.negotiatedTimeout == nil)
                #expect(!session.disconnect())
                try await ensemble.restore()
                #expect(await codeOf { try await session.connected(within: .seconds(60)) } == nil)
                #expect(session.server == server.address)
                await session.close()
            }
        }

        @Test("Without a quorum nobody is connected; with one again the same session goes on")
        func noQuorum() async throws {
            try await withBrokenEnsemble { ensemble in
                try await withSession({ $0.timeout = .seconds(60) }) { session in
                    let id = try #require(session.identity?.id)
                    let states = session.states()
                    for server in ensemble.servers.prefix(2) { try await ensemble.kill(server) }
                    for await state in states where state == .connecting { break }
                    // The third may take connections until it has noticed.
                    try await until("the third server serves nobody") { modeOf(ensemble.servers[2].port) == nil }
                    #expect(await codeOf { try await session.create(newPath()) } == .connectionLoss)
                    try await ensemble.restore()
                    #expect(try await session.connected(within: .seconds(60)) == id)
                    _ = try await session.get("/zookeeper")
                }
            }
        }

        @Test("A write whose answer was lost is found by what it wrote, and by its owner", arguments: [false, true])
        func lostAnswer(multi: Bool) async throws {
            try await withBrokenEnsemble { ensemble in
                let server = try await #require(ensemble.followers.first)
                try await withSession({ ($0.servers, $0.timeout) = (server.address, .seconds(40)) }) { session in
                    let path = newPath()
                    try await session.create(path)
                    try await ensemble.freeze(server)
                    let error = await errorOf {
                        if multi {
                            try await session.multi(
                                [.check(path, version: 0), .create(path + "/guid-n_", mode: .ephemeralSequential)],
                                within: .milliseconds(200))
                        } else {
                            try await session.create(
                                path + "/guid-n_", mode: .ephemeralSequential, within: .milliseconds(200))
                        }
                    }
                    #expect(error?.isAmbiguous == true)
                    ensemble.thaw(server)
                    let found = try await session.children(path)
                    #expect(found == ["guid-n_0000000000"])
                    let stat = try await session.exists(path + "/guid-n_0000000000")
                    #expect(stat?.ephemeralOwner == session.identity?.id.rawValue)
                }
            }
        }

        @Test("A session that only writes goes on writing after each move to another server")
        func movedWriter() async throws {
            try await withSession { session in
                let path = newPath()
                try await session.create(path)
                for round in Int32(0)..<6 {
                    let states = collectStates(session)
                    #expect(session.disconnect())
                    try await states.reach(3)
                    try await session.multi([.set(path, data: [], version: round)])
                }
            }
        }

        @Test("Every reader of the states sees the same ones in the same order, and the end")
        func readers() async throws {
            var streams: [AsyncStream<SessionState>] = []
            let id = try await withSession { session in
                streams = (0..<10).map { _ in session.states() }
                let states = collectStates(session)
                #expect(session.disconnect())
                try await states.reach(3)
                return try #require(session.identity?.id)
            }
            for stream in streams {
                var seen: [SessionState] = []
                for await state in stream { seen.append(state) }
                #expect(seen == [.connected(id), .connecting, .connected(id), .closed])
            }
        }

        @Test(
            "Servers that make no sense, or have no address, are refused",
            arguments: ["", "127.0.0.1:1/chroot", "127.0.0.1:1, 127.0.0.1:2", "127.0.0.1", "no-such-host.invalid:2181"])
        func badServers(servers: String) async throws {
            let error = await errorOf { _ = try await Session.open(Session.Configuration(servers: servers)) }
            #expect(error?.code == .badArguments || error?.code == .systemError)
            #expect(error?.path == servers)
        }
    }
}
