import Cluster
import Election
import Foundation
import Testing

@testable import ZooKeeper

extension RealEnsemble {
    @Suite("What others do to the tree of an election, on a real ensemble") struct ForeignHandTests {
        private static let noRight = "not allowed in the coordination tree"
        /// Between two tries of what is refused.
        private static let pause = Duration.seconds(5)
        private let readOnly = [AccessRule([.read, .admin], scheme: "world", id: "anyone")]

        /// Waits until this one has renewed a few times.
        private func goesOn(_ leader: Contender, _ contest: Contest) async throws {
            let beat = try await contest.session.exists(contest.layout.beat)?.version ?? 0
            try await until("ten renewals") {
                try await contest.session.exists(contest.layout.beat).map { $0.version >= beat + 10 } ?? false
            }
            #expect(leader.turns == [.leading(Epoch(1))])
        }

        /// Told of each time that it was refused, and in no hurry to try again.
        private func isPatient(_ contender: Contender, _ tries: Heard<ContinuousClock.Instant>) throws {
            let since = try #require(tries.values.first)
            #expect(tries.values.count <= Int((ContinuousClock.now - since) / Self.pause) + 1)
            #expect(contender.alarms.values.allSatisfy { $0 == Self.noRight })
            #expect(contender.turns.isEmpty)
        }

        @Test("One that may not stand in line says so, tries again without hurry, and disturbs nobody")
        func mayNotJoin() async throws {
            try await Contest.held { contest in
                let leader = try await contest.enter(["a"])[0]
                try await contest.session.setACL(contest.layout.candidates, self.readOnly)
                let tries = Heard<ContinuousClock.Instant>()
                let contender = try await contest.enter("b", inLine: false) { purpose, send in
                    if purpose.isJoin { tries.add(.now) }
                    return await send()
                }
                try await until("it says so") { contender.alarms.values.contains(Self.noRight) }
                try await self.goesOn(leader, contest)
                try self.isPatient(contender, tries)
                #expect(contender.role == .joining)
                try await contest.session.setACL(contest.layout.candidates, .open)
                try await until("it follows") { contender.role == .following }
                #expect(try await contest.line.count == 2)
            }
        }

        @Test("One that may not claim says so, tries again without hurry, and leads once it may")
        func mayNotClaim() async throws {
            try await Contest.held { contest in
                let leader = try await contest.enter(["a"], timing: .unhurried)[0]
                let tries = Heard<ContinuousClock.Instant>()
                let contender = try await contest.enter("b", timing: .unhurried) { purpose, send in
                    if purpose.isClaim { tries.add(.now) }
                    return await send()
                }
                try await contest.session.setACL(contest.layout.leader, self.readOnly)
                let version = try await contest.session.exists(contest.layout.leader)?.version
                // Its renewals touch the record by a check alone.
                try await self.goesOn(leader, contest)
                await leader.end()
                try await until("it says so") { contender.alarms.values.contains(Self.noRight) }
                try await Task.sleep(for: .seconds(1))
                try self.isPatient(contender, tries)
                #expect(try await contest.session.exists(contest.layout.leader)?.version == version)
                try await contest.session.setACL(contest.layout.leader, .open)
                try await contest.leads(contender)
                #expect(try await contest.record.epoch == Epoch(2))
            }
        }

        @Test("A record of an unknown format ends the leadership, is told, and is never claimed or overwritten")
        func unknownFormat() async throws {
            let told = "the leader record has a format that this version does not know"
            try await Contest.held { contest in
                let claims = Heard<InterposedSession.Purpose>()
                var all: [Contender] = []
                for name in ["a", "b"] {
                    let contender = try await contest.enter(name) { purpose, send in
                        if purpose.isClaim { claims.add(purpose) }
                        return await send()
                    }
                    all.append(contender)
                    if name == "a" { try await contest.leads(contender) }
                }
                let unknown = Array(#"{"format":2,"epoch":5}"#.utf8)
                let written = try await contest.session.set(contest.layout.leader, data: unknown)
                try await until("the leader is told") {
                    all[0].turns == [.leading(Epoch(1)), .lost(Epoch(1), .deposed)]
                }
                // Each comes back to it.
                for contender in all {
                    try await until("\(contender.id) says so twice") {
                        contender.alarms.values.count { $0 == told } >= 2
                    }
                }
                let record = try await contest.session.get(contest.layout.leader)
                #expect(record.data == unknown)
                #expect(record.stat.version == written.version)
                #expect(claims.values.count == 1)
                #expect(all[1].turns.isEmpty)
                #expect(!all[0].elector.mayBegin(under: Epoch(1)))
                let readable = LeaderRecord.vacant(Epoch(5)).encoded
                try await contest.session.set(contest.layout.leader, data: readable)
                try await until("one leads") { all.contains { $0.isLeading } }
                #expect(try await contest.record.epoch == Epoch(6))
            }
        }

        @Test("A record made anew with a past epoch ends the leadership, is told, and the next epoch is higher")
        func rebuilt() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b"])
                await all[0].resign()
                try await contest.leads(all[1])
                try await contest.session.multi([
                    .delete(contest.layout.leader, version: nil),
                    .create(contest.layout.leader, data: LeaderRecord.vacant(.none).encoded),
                ])
                try await until("it leads anew") { all[1].turns.count == 3 }
                #expect(all[1].turns.last == .leading(Epoch(3)))
                guard case .lost(Epoch(2), let reason) = all[1].turns[1] else {
                    Issue.record("not lost: \(all[1].turns)")
                    return
                }
                // Its renewal or its look at the record told it first.
                #expect([.deposed, .treeGone].contains(reason))
                #expect(all[1].alarms.values.contains("the epoch in the coordination tree went back"))
                #expect(try await contest.record.epoch == Epoch(3))
            }
        }

        @Test("After an ensemble has lost all its data all join anew, are told, and the next epoch is above the last")
        func wiped() async throws {
            try await Contest.held { contest in
                let timing = Election.Timing(
                    beat: .milliseconds(200), limit: .seconds(2), silence: .seconds(3), session: .seconds(6),
                    freshness: .milliseconds(200))
                let all = try await contest.enter(["a", "b"], timing: timing)
                let before = try await contest.record.epoch
                try await withBrokenEnsemble { ensemble in
                    for server in ensemble.servers { try await ensemble.kill(server) }
                    for server in ensemble.servers {
                        try FileManager.default.removeItem(atPath: "\(server.folder)/data/version-2")
                    }
                }
                // The servers refuse every session that has seen more than they know, until its holder gives it up.
                try await withSession { session in
                    try await until("one leads, and both stand in the new line") {
                        let record = try? LeaderRecord(decoding: try await session.get(contest.layout.leader).data)
                        let line = try? await session.children(contest.layout.candidates)
                        return line?.count == 2 && all.contains { $0.isLeading && $0.id == record?.holder?.member }
                    }
                    let record = try LeaderRecord(decoding: try await session.get(contest.layout.leader).data)
                    #expect(record.epoch > before)
                }
                let told = "the epoch in the coordination tree went back"
                #expect(all.contains { $0.alarms.values.contains(told) })
                #expect(all.flatMap(\.turns).contains(.lost(before, .sessionExpired)))
            }
        }
    }
}
