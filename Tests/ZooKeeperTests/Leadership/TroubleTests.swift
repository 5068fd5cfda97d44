import Cluster
import Election
import Testing

@testable import ZooKeeper

extension RealEnsemble {
    @Suite("Elections through trouble of the ensemble") struct TroubleTests {
        @Test(
            "A create whose answer was lost, or that never arrived, leaves one place in line",
            arguments: [true, false])
        func spoiled(isSent: Bool) async throws {
            try await Contest.held { contest in
                let first = Gate()
                let contender = try await contest.enter("a") { purpose, send in
                    guard purpose.isJoin, first.open() else { return await send() }
                    if isSent { _ = await send() }
                    return .lost
                }
                try await contest.leads(contender)
                #expect(try await contest.line.count == 1)
                #expect(contender.sessions.count == 1)
            }
        }

        @Test("Ended at any moment of its joining, one leaves no place in line behind")
        func endedEarly() async throws {
            try await Contest.held { contest in
                _ = try await contest.enter(["a"])
                for delay in 0..<20 {
                    let contender = try await contest.enter("b", inLine: false)
                    try await Task.sleep(for: .milliseconds(delay))
                    if delay.isMultiple(of: 2) { await contender.resign() } else { await contender.end() }
                    #expect(contender.turns.isEmpty)
                }
                try await until("one in line") { try await contest.line.count == 1 }
            }
        }

        @Test("Resigning before the first connection returns, and leaves nothing")
        func neverConnected() async throws {
            try await Contest.held { contest in
                // Nobody listens there.
                let contender = try await contest.enter("a", servers: "127.0.0.1:1", inLine: false)
                let took = await timed { await contender.resign() }
                #expect(took < .seconds(20))
                #expect(contender.said.values.isEmpty)
                #expect(try await contest.session.exists(contest.layout.base) == nil)
            }
        }

        @Test("Started without any server, one leads once there are some")
        func noServers() async throws {
            try await Contest.held { contest in
                let contender = try await withBrokenEnsemble { ensemble in
                    for server in ensemble.servers { try await ensemble.kill(server) }
                    return try await contest.enter("a", inLine: false)
                }
                try await until("it leads") { contender.isLeading }
            }
        }

        @Test("When the server that a leader uses is killed it leads on, under the same epoch, from the same place")
        func serverKilled() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b"])
                let line = try await contest.line
                try await withBrokenEnsemble { ensemble in
                    let used = try ensemble.server(at: all[0].sessions.last?.server)
                    try await ensemble.kill(used)
                    let beat = try await self.beat(contest)
                    try await until("it renews") { try await self.beat(contest) > beat + 3 }
                }
                try await contest.leads(all[0])
                #expect(all[0].turns == [.leading(Epoch(1))])
                #expect(try await contest.line == line)
            }
        }

        /// The version of the pulse; -1 while our own session cannot read it.
        private func beat(_ contest: Contest) async throws -> Int32 {
            try await until("the pulse is read") { (try? await contest.session.exists(contest.layout.beat)) != nil }
            return (try? await contest.session.exists(contest.layout.beat))?.version ?? -1
        }

        @Test("When the ensemble's leader is killed ours stays")
        func ensembleLeaderKilled() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b"])
                try await withBrokenEnsemble { ensemble in
                    let leader = try #require(ensemble.servers.first { modeOf($0.port) == "leader" })
                    try await ensemble.kill(leader)
                    try await until("it leads and is connected") {
                        all[0].isLeading && all[0].elector.mayBegin(under: Epoch(1))
                    }
                }
                #expect(all[0].turns == [.leading(Epoch(1))])
                #expect(all[1].turns.isEmpty)
            }
        }

        @Test(
            "Without a quorum nobody may begin anything, and nobody else leads; with one again exactly one leads",
            arguments: [2, 3])
        func noQuorum(frozen: Int) async throws {
            try await Contest.held { contest in
                let timing = Election.Timing(
                    beat: .milliseconds(200), limit: .seconds(1), silence: .seconds(2), session: .seconds(30),
                    freshness: .milliseconds(200))
                let all = try await contest.enter(["a", "b", "c"], timing: timing)
                try await withBrokenEnsemble { ensemble in
                    for server in ensemble.servers.suffix(frozen) { try await ensemble.freeze(server) }
                    try await until("suspended") { all[0].role != .leading }
                    // Far longer than the silence limit.
                    try await Task.sleep(for: .seconds(4))
                    let epoch = all[0].elector.status.epoch
                    #expect(all.allSatisfy { !$0.elector.mayBegin(under: epoch) && !$0.isLeading })
                }
                try await until("one leads, the others follow") {
                    all.count { $0.isLeading } == 1 && all.count { $0.role == .following } == 2
                }
            }
        }

        @Test("A leader whose pulse stands still is followed without the end of its session")
        func silence() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b"], timing: .fast)
                // A leader by the record, in line, that does nothing.
                let session = contest.session
                let guid = "silent"
                let path = try await session.create(
                    contest.layout.candidate("\(guid)-n_"), mode: .ephemeralSequential)
                let epoch = try await contest.record.epoch.next
                let silent = LeaderRecord(
                    epoch: epoch,
                    holder: .init(member: HealerID("silent"), incarnation: Incarnation("s"), address: "s:1"),
                    nonce: guid)
                try await session.set(contest.layout.leader, data: silent.encoded)
                try await until("somebody else leads") {
                    guard try await contest.record.epoch > epoch else { return false }
                    return all.contains { $0.isLeading }
                }
                let leader = try #require(all.first { $0.isLeading })
                #expect(leader.elector.status.takeovers[.silence] == 1)
                #expect(try await contest.record.epoch == epoch.next)
                #expect(try await session.exists(path) == nil)
            }
        }
    }
}
