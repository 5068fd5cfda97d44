import Testing

@testable import ZooKeeper

extension RealEnsemble {
    @Suite struct CloseTests {
        @Test("After close every call is refused, and closing again changes nothing")
        func afterClose() async throws {
            let configuration = Session.Configuration(servers: try await Ensemble.shared.connectString)
            let session = try await Session.open(configuration)
            try await session.connected(within: .seconds(60))
            await session.close()
            #expect(session.state == .closed)
            #expect(await codeOf { try await session.create(newPath()) } == .closing)
            #expect(await codeOf { _ = try await session.multi([.check("/", version: 0)]) } == .closing)
            #expect(await codeOf { _ = try await session.connected(within: .seconds(1)) } == .closing)
            #expect(!session.disconnect())
            #expect(session.server == nil)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<10 { group.addTask { await session.close() } }
            }
        }

        @Test("Close before the first connection returns, and connects no more")
        func beforeConnection() async throws {
            let session = try await Session.open(
                Session.Configuration(servers: try await Ensemble.shared.connectString))
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<3 { group.addTask { await session.close() } }
            }
            #expect(session.state == .closed)
        }

        @Test("Close against a frozen server returns in time, and has closed nothing: the session lives on")
        func frozenServer() async throws {
            try await withBrokenEnsemble { ensemble in
                let server = try await #require(ensemble.followers.first)
                let path = newPath()
                try await withSession { observer in
                    var configuration = Session.Configuration(servers: server.address)
                    configuration.timeout = .seconds(40)
                    configuration.closeLimit = .seconds(3)
                    let session = try await Session.open(configuration)
                    try await session.connected(within: .seconds(60))
                    try await session.create(path, mode: .ephemeral)
                    try await until("the observer is elsewhere") {
                        if observer.server == server.address { observer.disconnect() }
                        return observer.server.map { $0 != server.address } ?? false
                    }
                    try await ensemble.freeze(server)
                    let took = await timed { await session.close() }
                    #expect(took < .seconds(20))
                    #expect(session.state == .closed)
                    try await observer.sync(path)
                    #expect(try await observer.exists(path) != nil)
                }
            }
        }

        @Test("Calls under way when the session is closed all end, as closed")
        func callsUnderWay() async throws {
            try await withBrokenEnsemble { ensemble in
                let server = try await #require(ensemble.followers.first)
                try await withSession({ ($0.servers, $0.callLimit) = (server.address, .seconds(600)) }) { session in
                    try await ensemble.freeze(server)
                    let path = newPath()
                    let codes = await withTaskGroup(of: ZooKeeperError.Code?.self) { group in
                        for number in 0..<300 {
                            group.addTask {
                                await codeOf {
                                    switch number % 3 {
                                    case 0: try await session.create("\(path)-\(number)")
                                    case 1: _ = try await session.get("/zookeeper", watch: { _ in Issue.record() })
                                    default:
                                        _ = try await session.multi([
                                            .create("\(path)-\(number)"), .check("/zookeeper", version: 0),
                                        ])
                                    }
                                }
                            }
                        }
                        group.addTask {
                            try? await until("all calls are under way") {
                                session.connection.shared.withLock { $0.calls.count } == 300
                            }
                            await session.close()
                            return nil
                        }
                        return await group.reduce(into: []) { $0.append($1) }
                    }
                    #expect(codes.filter { $0 == .closing }.count == 300)
                }
            }
        }

        @Test("Closing while creates are in flight leaves no ephemeral node")
        func createsInFlight() async throws {
            let path = newPath()
            try await withSession { observer in
                try await observer.create(path)
                for _ in 0..<20 {
                    // Long enough for expiry not to be what removes them.
                    try await withSession({ ($0.timeout, $0.closeLimit) = (.seconds(60), .seconds(60)) }) { session in
                        await withTaskGroup(of: Void.self) { group in
                            for _ in 0..<20 {
                                group.addTask {
                                    _ = try? await session.create(path + "/n", mode: .ephemeralSequential)
                                }
                            }
                            group.addTask { await session.close() }
                        }
                    }
                }
                try await until("no node is left", within: .seconds(45)) {
                    try await observer.sync(path)
                    return try await observer.children(path).isEmpty
                }
            }
        }

        @Test("300 rounds of opening and closing, with cuts and calls at any moment, leave nothing behind")
        func rounds() async throws {
            let ensemble = try await Ensemble.shared
            final class Reference: Sendable {
                // Never read but to see whether it is gone.
                nonisolated(unsafe) weak var connection: Connection?
                init(_ connection: Connection) { self.connection = connection }
            }
            let rounds = Rounds.asked(or: 300)
            let references = try await withThrowingTaskGroup(of: [Reference].self) { lanes in
                for lane in 0..<Rounds.lanes {
                    lanes.addTask {
                        var references: [Reference] = []
                        for round in stride(from: lane, to: rounds, by: Rounds.lanes) {
                            let session = try await Session.open(Session.Configuration(servers: ensemble.connectString))
                            references.append(Reference(session.connection))
                            await self.use(session, round)
                        }
                        return references
                    }
                }
                return try await lanes.reduce(into: []) { $0 += $1 }
            }
            #expect(references.count == rounds)
            let servers = Set(ensemble.servers.map(\.address))
            try await until("no connection is left") { references.allSatisfy { $0.connection == nil } }
            #expect(socketPeers().allSatisfy { !servers.contains($0.value.description) })
            print("\(rounds) rounds of opening and closing, connections left: 0")
        }

        /// Connects, asks, cuts and closes, together or one after the other as this round has it.
        private func use(_ session: Session, _ round: Int) async {
            await withTaskGroup(of: Void.self) { group in
                if round % 3 > 0 { _ = try? await session.connected(within: .seconds(60)) }
                for number in 0..<(round % 5) {
                    group.addTask { _ = try? await session.exists("/\(number)", watch: { _ in }) }
                }
                if round % 4 == 0 { group.addTask { session.disconnect() } }
                if round % 7 == 0 { group.addTask { await session.close() } }
                await session.close()
            }
        }
    }
}
