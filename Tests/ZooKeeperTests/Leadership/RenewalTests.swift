import Cluster
import Election
import Testing

@testable import ZooKeeper

extension RealEnsemble {
    @Suite("Renewals, on a real ensemble") struct RenewalTests {
        private let step = GuardedRequest(.step(control: 0, globalControl: 0), [])

        @Test("Nothing may begin past the limit since the last good renewal was sent, however late its answer")
        func countedFromSending() async throws {
            let timing = Election.Timing(
                beat: .milliseconds(100), limit: .seconds(2), silence: .seconds(10), session: .seconds(20),
                freshness: .milliseconds(200))
            try await Contest.held { contest in
                let (isSlow, isAnswered, mayAnswer) = (Gate(), Gate(), Gate())
                let sent = Heard<ContinuousClock.Instant>()
                let leader = try await contest.enter("a", timing: timing) { purpose, send in
                    guard purpose == .renew, isSlow.isOpen else { return await send() }
                    sent.add(.now)
                    let answer = await send()
                    guard sent.values.count == 1 else {
                        try await mayAnswer.passed("later renewals are answered")
                        return answer
                    }
                    try await Task.sleep(for: timing.limit * 3 / 4)
                    isAnswered.open()
                    return answer
                }
                try await until("it leads") { leader.elector.mayBegin(under: Epoch(1)) }
                isSlow.open()
                try await isAnswered.passed("the last good renewal is answered")
                // Taken a little after the elector's own reading, so this is never too early.
                try await Task.sleep(until: try #require(sent.values.first) + timing.limit, clock: .continuous)
                #expect(!leader.elector.mayBegin(under: Epoch(1)))
                try await until("it is told") { leader.role == .suspended }
                #expect(await leader.elector.write(self.step) == .notLeading)
                mayAnswer.open()
                try await until("it leads on") { leader.elector.mayBegin(under: Epoch(1)) }
                #expect(leader.turns == [.leading(Epoch(1))])
            }
        }

        @Test("A leader that was claimed over is refused at its next renewal, steps down, and renews no more")
        func overtaken() async throws {
            try await Contest.held { contest in
                let (isBlind, sees) = (Gate(), Gate())
                let (renewed, refused) = (Heard<Int64>(), Heard<StoreError>())
                let leader = try await contest.enter("a") { purpose, send in
                    // Only a renewal can tell it.
                    if purpose == .readRecord, isBlind.isOpen { try await sees.passed("it sees the record") }
                    let answer = await send()
                    guard purpose == .renew else { return answer }
                    switch answer {
                    case .success(.results(let results)):
                        if case .set(let stat)? = results.last { renewed.add(stat.modifiedBy) }
                    case .failure(let error): refused.add(error)
                    case .success: break
                    }
                    return answer
                }
                try await contest.leads(leader)
                try await renewed.reach(3)
                isBlind.open()
                let claim = try await contest.session.set(
                    contest.layout.leader, data: contest.rival(Epoch(2)).encoded)
                try await until("it is told") { leader.turns.count == 2 }
                #expect(leader.turns == [.leading(Epoch(1)), .lost(Epoch(1), .deposed)])
                #expect(refused.values == [StoreError(.badVersion, path: contest.layout.leader, operation: 0)])
                #expect(!leader.elector.mayBegin(under: Epoch(1)))
                #expect(await leader.elector.write(self.step) == .notLeading)
                let before = renewed.values
                sees.open()
                // The rival is not in line: the next claim is its own again, and only then it renews.
                try await until("it leads anew") { leader.turns.last == .leading(Epoch(3)) }
                let own = try await contest.session.get(contest.layout.leader).stat.mzxid
                #expect(before.allSatisfy { $0 < claim.mzxid })
                try await until("it renews again") { renewed.values.count > before.count }
                #expect(renewed.values.dropFirst(before.count).allSatisfy { $0 > own })
            }
        }

        @Test("A leader that renews is not overtaken, however long it leads")
        func renews() async throws {
            let timing = Election.Timing(
                beat: .milliseconds(100), limit: .seconds(5), silence: .seconds(6), session: .seconds(20),
                freshness: .milliseconds(200))
            try await Contest.held { contest in
                let renewed = Heard<Int64>()
                let leader = try await contest.enter("a", timing: timing) { purpose, send in
                    let answer = await send()
                    if purpose == .renew, case .success(.results(let results)) = answer,
                        case .set(let stat)? = results.last
                    {
                        renewed.add(stat.modifiedBy)
                    }
                    return answer
                }
                try await contest.leads(leader)
                let claims = Heard<InterposedSession.Purpose>()
                let follower = try await contest.enter("b", timing: timing) { purpose, send in
                    if purpose.isClaim { claims.add(purpose) }
                    return await send()
                }
                // A claim on silence would come after the silence limit at the latest, if renewals did not count.
                try await Task.sleep(for: timing.silence * 3 / 2)
                #expect(renewed.values.count > 10)
                #expect(claims.values.isEmpty)
                #expect(leader.turns == [.leading(Epoch(1))])
                #expect(follower.turns.isEmpty && follower.role == .following)
            }
        }

        enum RenewalEnd: Sendable { case committed, lost, refused }

        @Test(
            "A resignation while a renewal is under way is carried out, and however that renewal ends it changes nothing",
            arguments: [RenewalEnd.committed, .lost, .refused])
        func resigned(renewal end: RenewalEnd) async throws {
            try await Contest.held { contest in
                let (isHeld, isUnderWay, isHandedOver, isAnswered) = (Gate(), Gate(), Gate(), Gate())
                let ended = Heard<StoreError?>()
                let leader = try await contest.enter("a") { purpose, send in
                    switch purpose {
                    case .renew where isHeld.isOpen && isUnderWay.open():
                        // Refused by the ensemble where the resignation came before it.
                        var answer = end == .refused ? nil : await send()
                        try await isHandedOver.passed("the resignation is carried out")
                        if answer == nil { answer = await send() }
                        if case .failure(let error)? = answer { ended.add(error) } else { ended.add(nil) }
                        isAnswered.open()
                        return end == .lost ? .lost : answer ?? .lost
                    case .handOver:
                        let answer = await send()
                        isHandedOver.open()
                        try await isAnswered.passed("the renewal is answered")
                        return answer
                    default:
                        return await send()
                    }
                }
                try await contest.leads(leader)
                let next = try await contest.enter("b")
                let place = contest.layout.candidate(try await contest.candidate(of: leader))
                isHeld.open()
                try await isUnderWay.passed("a renewal is under way")
                await leader.resign()
                try await contest.leads(next)
                #expect(leader.turns == [.leading(Epoch(1)), .lost(Epoch(1), .resigned)])
                #expect(leader.elector.status.losses == [.resigned: 1])
                #expect(!leader.elector.mayBegin(under: Epoch(1)))
                #expect(next.turns == [.leading(Epoch(2))])
                #expect(next.elector.status.takeovers == [.vacancy: 1])
                #expect(try await contest.session.exists(place) == nil)
                #expect(isHandedOver.isOpen && ended.values.count == 1)
                #expect((ended.values.first??.reason == .badVersion) == (end == .refused))
            }
        }

        @Test("While no server answers a leader begins nothing; with servers again it leads on, same epoch")
        func noServers() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b"])
                let line = try await contest.line
                try await withBrokenEnsemble { ensemble in
                    for server in ensemble.servers { try await ensemble.freeze(server) }
                    _ = all[0].sessions.last?.disconnect()
                    try await until("suspended") { all[0].role == .suspended }
                    #expect(!all[0].elector.mayBegin(under: Epoch(1)))
                    #expect(await all[0].elector.write(self.step) == .notLeading)
                }
                try await until("it may begin") { all[0].elector.mayBegin(under: Epoch(1)) }
                #expect(all[0].said.values.contains(.suspended(Epoch(1))))
                #expect(all[0].said.values.last { $0 != .connected && $0 != .disconnected } == .resumed(Epoch(1)))
                #expect(all[0].turns == [.leading(Epoch(1))])
                #expect(all[1].turns.isEmpty)
                #expect(try await contest.line == line)
            }
        }
    }
}
