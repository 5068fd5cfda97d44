import Cluster
import Election
import struct Synchronization.Mutex
import Testing

@testable import ZooKeeper

extension RealEnsemble {
    @Suite("Losing leadership, on a real ensemble") struct LossTests {
        private func record(_ contest: Contest, _ text: String) -> GuardedRequest {
            GuardedRequest(.record, [.set(contest.layout.outbox, data: Array(text.utf8), version: nil)])
        }

        @Test("When its session ends the leader loses at once, another follows, and the former one only follows then")
        func expired() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b"], timing: .unhurried)
                let place = contest.layout.candidate(try await contest.candidate(of: all[0]))
                let gone = Heard<ContinuousClock.Instant>()
                _ = try await contest.session.exists(place) { _ in gone.add(.now) }
                try await expire(try #require(all[0].sessions.last))
                try await until("it is told") { all[0].turns.count == 2 }
                let toldAt = ContinuousClock.now
                // From the end of the session: the second handle may have needed several attempts.
                try await gone.reach(1)
                #expect(toldAt - gone.values[0] < Election.Timing.unhurried.limit / 2)
                #expect(all[0].turns == [.leading(Epoch(1)), .lost(Epoch(1), .sessionExpired)])
                try await contest.leads(all[1])
                try await until("the former one follows") { all[0].role == .following }
                #expect(all[0].turns.count == 2)
                #expect(all[0].elector.status.takeovers.isEmpty || all[0].elector.status.claims == 1)
            }
        }

        @Test("After two sessions that end one after the other, each stands in line once")
        func twice() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b"])
                for _ in 0..<2 {
                    for contender in all { try await expire(try #require(contender.sessions.last)) }
                }
                try await until("both stand in line, one leads") {
                    let line = try await contest.line
                    return line.count == 2 && all.count { $0.isLeading } == 1
                        && all.count { $0.role == .following } == 1
                }
            }
        }

        @Test("Whoever's session ends while it waits joins anew, and leads only by a claim of its own")
        func expiredInLine() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b", "c"])
                let before = try await contest.candidate(of: all[1])
                try await expire(try #require(all[1].sessions.last))
                try await until("it is back at the tail") {
                    guard all[1].role == .following, let last = try await contest.line.last else { return false }
                    return try await contest.candidate(of: all[1]) == last && last != before
                }
                await all[0].resign()
                try await contest.leads(all[2])
                #expect(all[1].turns.isEmpty)
            }
        }

        @Test("Through sessions that end at random, gains and losses of each alternate, and no epoch is led twice")
        func alternates() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b", "c"])
                for _ in 0..<6 {
                    let victim = try #require(all.randomElement())
                    try await until("\(victim.id) is connected") { victim.sessions.last?.identity != nil }
                    try await expire(try #require(victim.sessions.last))
                    if let other = all.randomElement() { _ = other.sessions.last?.disconnect() }
                    try await until("somebody leads") { all.contains { $0.isLeading } }
                }
                var epochs: [Epoch] = []
                for contender in all {
                    var leads: Epoch?
                    for turn in contender.turns {
                        switch turn {
                        case .leading(let epoch):
                            #expect(leads == nil)
                            leads = epoch
                            epochs.append(epoch)
                        case .lost(let epoch, _):
                            #expect(leads == epoch)
                            leads = nil
                        default: break
                        }
                    }
                }
                #expect(Set(epochs).count == epochs.count)
            }
        }

        @Test(
            "A leader whose record or whole tree is taken away loses within a moment, and the next epoch is higher",
            arguments: ["record", "tree"])
        func taken(what: String) async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b"], timing: .unhurried)
                await all[0].resign()
                try await contest.leads(all[1])
                let took = try await timed {
                    if what == "tree" {
                        try await self.remove(contest.layout.base, contest.session)
                    } else {
                        try await contest.session.delete(contest.layout.leader)
                    }
                    try await until("it is told") {
                        all[1].turns.contains(.lost(Epoch(2), .treeGone))
                            || all[1].turns.contains(.lost(Epoch(2), .candidateGone))
                    }
                }
                #expect(took < Election.Timing.unhurried.limit / 2)
                #expect(all[1].elector.status.lateRenewals == 0)
                try await contest.leads(all[1])
                #expect(try await contest.record.epoch > Epoch(2))
            }
        }

        private func remove(_ path: String, _ session: ZooKeeper.Session) async throws {
            while true {
                do throws(ZooKeeperError) {
                    for name in try await session.children(path) { try? await self.remove("\(path)/\(name)", session) }
                    return try await session.delete(path)
                } catch {
                    if error.code == .noNode { return }
                    // Somebody has joined meanwhile.
                    guard error.code == .notEmpty else { throw error }
                }
            }
        }

        @Test("A false alarm is a handover: the living leader is told, writes nothing more, and joins at the tail")
        func falseAlarm() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b", "c"])
                #expect(await all[0].elector.write(self.record(contest, "1")).isCommitted)
                let holder = try #require(try await contest.record.holder)
                all[1].elector.presumeGone(holder.incarnation)
                try await contest.leads(all[1])
                #expect(all[1].elector.status.takeovers == [.crash: 1])
                let late = await all[0].elector.write(self.record(contest, "2"))
                #expect(late == .deposed || late == .notLeading)
                try await until("it is told") { all[0].turns.count == 2 }
                #expect(all[0].turns == [.leading(Epoch(1)), .lost(Epoch(1), .deposed)])
                #expect(all[0].elector.status.needlessHandovers == 1)
                try await until("it follows at the tail") {
                    guard all[0].role == .following, let last = try await contest.line.last else { return false }
                    return try await contest.candidate(of: all[0]) == last
                }
                // The budget: a second alarm of the same healer moves nothing.
                await all[1].resign(to: .candidate(try await contest.candidate(of: all[0])))
                try await contest.leads(all[0])
            }
        }

        @Test(
            "A leader that writes all the time, and is claimed over a hundred times, writes nothing after any of the claims"
        )
        func staleWrites() async throws {
            let (claims, lanes) = (Rounds.asked(or: 100), Rounds.lanes)
            let (accepted, stale) = try await withThrowingTaskGroup(of: (accepted: Int, stale: Int).self) { group in
                for lane in 0..<lanes {
                    let share = claims / lanes + (lane < claims % lanes ? 1 : 0)
                    group.addTask { try await self.claimedOver(share) }
                }
                return try await group.reduce((accepted: 0, stale: 0)) { sum, lane in
                    (sum.accepted + lane.accepted, sum.stale + lane.stale)
                }
            }
            #expect(stale == 0)
            print("\(claims) claims over a leader, its accepted writes: \(accepted), stale: \(stale)")
        }

        /// One leader that writes all the time, claimed over so often.
        /// - Returns: how many of its writes were accepted, and how many of these after a claim.
        private func claimedOver(_ claims: Int) async throws -> (accepted: Int, stale: Int) {
            try await Contest.held { contest in
                let leader = try await contest.enter(["a"])[0]
                // The transaction of each accepted write.
                let accepted = Heard<Int64>()
                let writer = Task {
                    while !Task.isCancelled {
                        if case .committed(_, let results) = await leader.elector.write(self.record(contest, "x")),
                            case .set(let stat)? = results.first
                        {
                            accepted.add(stat.modifiedBy)
                        } else {
                            await Task.yield()
                        }
                    }
                }
                // From the rival's claim to our own next one.
                var foreign: [Range<Int64>] = []
                var rivalSince: Int64?
                for number in 0...claims {
                    try await contest.leads(leader)
                    let node = try await contest.session.get(contest.layout.leader)
                    if let rivalSince { foreign.append(rivalSince..<node.stat.mzxid) }
                    let writes = accepted.values.count
                    try await until("it writes") { accepted.values.count > writes }
                    guard number < claims else { break }
                    let rival = LeaderRecord(
                        epoch: try LeaderRecord(decoding: node.data).epoch.next,
                        holder: .init(member: HealerID("rival"), incarnation: Incarnation("r"), address: "r:1"),
                        nonce: "rival-\(number)")
                    rivalSince = try await contest.session.set(contest.layout.leader, data: rival.encoded).mzxid
                }
                writer.cancel()
                await writer.value
                #expect(foreign.count == claims)
                // Both in the order of transactions.
                var later = foreign[...]
                let stale = accepted.values.count { write in
                    later = later.drop { $0.upperBound <= write }
                    return later.first?.contains(write) ?? false
                }
                return (accepted.values.count, stale)
            }
        }
    }
}
