import Cluster
import Election
import Testing

@testable import ZooKeeper

extension RealEnsemble {
    /// The ensemble is real in all of these; what happens between a call and its answer is the test's doing.
    @Suite("Answers that are lost, late or overtaken, on a real ensemble") struct LostAnswerTests {
        enum Vanishing: Sendable { case beforeSent, beforeHandedIn }

        @Test(
            "The one ahead that goes right before it is looked at, or right after, is noticed at once",
            arguments: [Vanishing.beforeSent, .beforeHandedIn])
        func aheadVanishes(when: Vanishing) async throws {
            try await Contest.held { contest in
                _ = try await contest.enter(["a"])
                let (isDone, fired) = (Gate(), Heard<String>())
                let follower = try await contest.enter("b", inLine: false, fired: fired) { purpose, send in
                    guard case .wait(let path) = purpose, isDone.open() else { return await send() }
                    let early = when == .beforeHandedIn ? await send() : nil
                    try await contest.session.delete(path)
                    guard let early else { return await send() }
                    try await until("the watch has fired") { fired.values.contains(path) }
                    return early
                }
                try await contest.leads(follower)
                // Not because the pulse stood still, which is noticed later in any case.
                #expect(follower.elector.status.takeovers == [.expiry: 1])
                #expect(follower.turns == [.leading(Epoch(2))])
            }
        }

        enum Late: Sendable { case lost, late }

        @Test(
            "A candidate whose session ends before its answer comes is not adopted by the next session, which makes its own",
            arguments: [Late.lost, .late])
        func sessionEndsMeanwhile(how: Late) async throws {
            try await Contest.held { contest in
                _ = try await contest.enter(["z"])
                let (isFirst, isNext, isHandedIn) = (Gate(), Gate(), Gate())
                let first = Heard<String>()
                let contender = try await contest.enter("a", inLine: false) { purpose, send in
                    guard purpose.isJoin else { return await send() }
                    guard isFirst.open() else {
                        // The late answer comes while this one is awaited.
                        isNext.open()
                        try await isHandedIn.passed("the first answer is handed in")
                        return await send()
                    }
                    let answer = await send()
                    if case .success(.created(let path)) = answer { first.add(path) }
                    try await isNext.passed("the next session asks for its own")
                    isHandedIn.open()
                    return how == .lost ? .lost : answer
                }
                try await first.reach(1)
                let before = try #require(contender.sessions.last?.identity)
                try await expire(try #require(contender.sessions.last))
                try await until("it follows") { contender.role == .following }
                let own = try #require(contender.sessions.last?.identity)
                #expect(before.id != own.id)
                let line = try await contest.line
                #expect(line.count == 2)
                let place = contest.layout.candidate(try await contest.candidate(of: contender))
                #expect(place != first.values.first)
                #expect(try await contest.session.exists(place)?.ephemeralOwner == own.id.rawValue)
            }
        }

        @Test("A candidate of ours that another session holds is not adopted, and its end costs nothing")
        func ofAnotherSession() async throws {
            try await Contest.held { contest in
                let contender = try await withSession { dying in
                    let isDone = Gate()
                    let contender = try await contest.enter("a") { purpose, send in
                        guard case .join(let path, let data) = purpose, isDone.open() else { return await send() }
                        try await dying.create(path, data: data, mode: .ephemeralSequential)
                        return .lost
                    }
                    // It waits for the other one, as for anybody who is ahead.
                    let line = try await contest.line
                    try #require(line.count == 2)
                    let owners = [
                        try await contest.session.exists(contest.layout.candidate(line[0]))?.ephemeralOwner,
                        try await contest.session.exists(contest.layout.candidate(line[1]))?.ephemeralOwner,
                    ]
                    #expect(owners == [dying.identity?.id.rawValue, contender.sessions.last?.identity?.id.rawValue])
                    #expect(contender.role == .following)
                    return contender
                }
                try await contest.leads(contender)
                #expect(contender.turns == [.leading(Epoch(1))])
                #expect(try await contest.line.count == 1)
                #expect(contender.sessions.count == 1)
            }
        }

        @Test("A claim that is answered after the limit begins suspended until a renewal is answered")
        func lateClaim() async throws {
            let timing = Election.Timing(
                beat: .milliseconds(100), limit: .seconds(1), silence: .seconds(10), session: .seconds(20),
                freshness: .milliseconds(200))
            try await Contest.held { contest in
                let mayRenew = Gate()
                let contender = try await contest.enter("a", timing: timing, inLine: false) { purpose, send in
                    if purpose == .renew { try await mayRenew.passed("renewals are let through") }
                    let answer = await send()
                    if purpose.isClaim { try await Task.sleep(for: timing.limit) }
                    return answer
                }
                try await self.isSuspended(contender)
                mayRenew.open()
                try await until("it may begin") { contender.elector.mayBegin(under: Epoch(1)) }
                #expect(contender.turns == [.leading(Epoch(1))])
            }
        }

        @Test("A claim that is answered while no server can be reached begins suspended, and leads on with one again")
        func disconnectedClaim() async throws {
            try await Contest.held { contest in
                let (isCommitted, mayBeHandedIn) = (Gate(), Gate())
                let contender = try await contest.enter("a", inLine: false) { purpose, send in
                    let answer = await send()
                    guard purpose.isClaim, isCommitted.open() else { return answer }
                    try await mayBeHandedIn.passed("the answer is handed in")
                    return answer
                }
                try await isCommitted.passed("its claim is committed")
                try await withBrokenEnsemble { ensemble in
                    for server in ensemble.servers { try await ensemble.freeze(server) }
                    _ = contender.sessions.last?.disconnect()
                    try await until("it is not connected") { !contender.elector.status.connected }
                    mayBeHandedIn.open()
                    try await self.isSuspended(contender)
                }
                try await until("it may begin") { contender.elector.mayBegin(under: Epoch(1)) }
                #expect(contender.turns == [.leading(Epoch(1))])
            }
        }

        /// Waits until it leads by its own word, and may do nothing by it.
        private func isSuspended(_ contender: Contender) async throws {
            try await until("it leads") { contender.turns == [.leading(Epoch(1))] }
            #expect(!contender.elector.mayBegin(under: Epoch(1)))
            try await until("it is told") { contender.said.values.last == .suspended(Epoch(1)) }
            #expect(contender.said.values.suffix(2) == [.leading(Epoch(1)), .suspended(Epoch(1))])
            #expect(contender.role == .suspended)
            // Not because the limit passed while it led.
            #expect(contender.elector.status.lateRenewals == 0)
            let step = GuardedRequest(.step(control: 0, globalControl: 0), [])
            #expect(await contender.elector.write(step) == .notLeading)
        }

        enum Overtaken: Sendable { case beforeItLooks, afterItHasLooked }

        @Test(
            "A claim whose answer is lost, and that is claimed over before it is confirmed, is never announced",
            arguments: [Overtaken.beforeItLooks, .afterItHasLooked])
        func overtakenClaim(when: Overtaken) async throws {
            try await Contest.held { contest in
                let (isClaimed, isOvertaken) = (Gate(), Gate())
                let contender = try await contest.enter("a", inLine: false) { purpose, send in
                    let answer = await send()
                    if purpose.isClaim, isClaimed.open() {
                        guard when == .beforeItLooks else { return .lost }
                    } else {
                        guard when == .afterItHasLooked, purpose == .readRecord, isClaimed.isOpen, !isOvertaken.isOpen
                        else { return answer }
                    }
                    #expect(try await contest.record.holder?.member == HealerID("a"))
                    let claim = contest.rival(Epoch(2)).encoded
                    try await contest.session.set(contest.layout.leader, data: claim)
                    isOvertaken.open()
                    return purpose == .readRecord ? answer : .lost
                }
                try await contest.leads(contender)
                #expect(isOvertaken.isOpen)
                #expect(contender.turns == [.leading(Epoch(3))])
                #expect(contender.elector.status.losses.isEmpty)
            }
        }

        @Test("A claim whose answer is lost is found in the record, and leads under the epoch that was committed")
        func foundClaim() async throws {
            try await Contest.held { contest in
                let isClaimed = Gate()
                let contender = try await contest.enter("a", inLine: false) { purpose, send in
                    let answer = await send()
                    return purpose.isClaim && isClaimed.open() ? .lost : answer
                }
                try await contest.leads(contender)
                #expect(contender.turns == [.leading(Epoch(1))])
                #expect(try await contest.record.epoch == Epoch(1))
            }
        }

        @Test("From nobody, and from one that has resigned, a claim takes the record at the version that was read")
        func vacancies() async throws {
            try await Contest.held { contest in
                let claims = Heard<[StoreOperation]>()
                var all: [Contender] = []
                for name in ["a", "b"] {
                    let contender = try await contest.enter(name) { purpose, send in
                        if case .claim(let operations) = purpose { claims.add(operations) }
                        return await send()
                    }
                    all.append(contender)
                    if name == "a" { try await contest.leads(contender) }
                }
                let vacantSince = try await contest.session.get(contest.layout.leader).stat.version
                let places = try await contest.line.map { contest.layout.candidate($0) }
                await all[0].resign()
                try await contest.leads(all[1])
                try #require(claims.values.count == 2)
                // A claim raises it by one, and so does a resignation.
                for (place, version) in [(0, Int32(0)), (1, vacantSince + 1)] {
                    let claim = claims.values[place]
                    #expect(claim.count == 2)
                    #expect(claim.first == .check(places[place], version: 0))
                    guard case .set(contest.layout.leader, let data, version) = claim.last else {
                        Issue.record("not at version \(version)")
                        continue
                    }
                    #expect(try LeaderRecord(decoding: data).epoch == Epoch(Int64(place + 1)))
                    #expect(all[place].elector.status.takeovers == [.vacancy: 1])
                }
            }
        }
    }
}
