import Cluster
import Election
import Testing

@testable import ZooKeeper

extension RealEnsemble {
    @Suite("The line, on a real ensemble") struct OrderTests {
        @Test("Of eight that start at once one leads; as each resigns the next in line follows, and never two lead")
        func eight() async throws {
            try await Contest.held { contest in
                let all = try await withThrowingTaskGroup(of: Contender.self) { group in
                    for number in 1...8 { group.addTask { try await contest.enter("h\(number)") } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                var places: [(contender: Contender, name: String)] = []
                for contender in all { places.append((contender, try await contest.candidate(of: contender))) }
                places.sort { $0.name.suffix(10) < $1.name.suffix(10) }
                // Who claimed first need not be the first in line: the rest follow in their order.
                let first = try #require(all.first { $0.isLeading } ?? places.first?.contender)
                try await contest.leads(first)
                let order = [first] + places.map(\.contender).filter { $0 !== first }
                for (place, contender) in order.enumerated() {
                    try await contest.leads(contender)
                    #expect(all.count { $0.isLeading } == 1)
                    #expect(order[(place + 1)...].allSatisfy { $0.turns.isEmpty })
                    await contender.resign()
                }
                #expect(try await contest.record == .vacant(Epoch(8)))
            }
        }

        @Test("When one in the middle of the line leaves, nobody is promoted")
        func middle() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b", "c"])
                await all[1].end()
                try await until("its place is gone") { try await contest.line.count == 2 }
                // The leader has renewed since, and nobody else claimed.
                let beat = try await contest.session.exists(contest.layout.beat)?.version ?? 0
                try await until("three renewals") {
                    try await contest.session.exists(contest.layout.beat).map { $0.version >= beat + 3 } ?? false
                }
                #expect(all[0].turns == [.leading(Epoch(1))])
                #expect(all[2].turns.isEmpty)
                await all[0].resign()
                try await contest.leads(all[2])
            }
        }

        @Test("One that gave up waiting is never elected, and the others are not disturbed")
        func cancelled() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b", "c"])
                await all[1].end()
                await all[0].resign()
                try await contest.leads(all[2])
                #expect(all[1].turns.isEmpty)
                #expect(try await contest.record.epoch == Epoch(2))
            }
        }

        @Test("Whoever lost its place joins at the tail, so that leadership goes round")
        func rotates() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b", "c"])
                for round in 1...6 {
                    let leader = all[(round - 1) % 3]
                    try await contest.leads(leader)
                    #expect(try await contest.record.epoch == Epoch(Int64(round)))
                    try await contest.session.delete(contest.layout.candidate(try await contest.candidate(of: leader)))
                    try await until("\(leader.id) follows at the tail") {
                        guard leader.role == .following, let last = try await contest.line.last else { return false }
                        return try await contest.candidate(of: leader) == last
                    }
                    // Its own renewal or the next claim told it first.
                    let lost = [LossReason.candidateGone, .deposed].map { Contender.Said.lost(Epoch(Int64(round)), $0) }
                    #expect(leader.turns.last.map { lost.contains($0) } ?? false)
                }
            }
        }

        @Test("A place in line is kept through any number of reconnections, and the epoch of a leader as well")
        func reconnects() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b", "c"])
                let line = try await contest.line
                for _ in 0..<20 {
                    for contender in all {
                        _ = contender.sessions.last?.disconnect()
                        try await until("\(contender.id) is connected") { contender.elector.status.connected }
                    }
                }
                try await contest.leads(all[0])
                #expect(try await contest.line == line)
                #expect(all[0].turns == [.leading(Epoch(1))])
                // What was suspended was resumed, in turns.
                var isSuspended = false
                for said in all[0].said.values {
                    if case .suspended = said {
                        #expect(!isSuspended)
                        isSuspended = true
                    }
                    if case .resumed = said {
                        #expect(isSuspended)
                        isSuspended = false
                    }
                }
            }
        }

        @Test("A follower learns of every leader in the order of their epochs, and each is told its own turns only")
        func observed() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b", "c", "d"])
                // To stand in line is not to have read the record.
                try await until("d sees the first leader") { all[3].said.values.contains(.following(HealerID("a"))) }
                for place in 0..<3 {
                    await all[place].resign()
                    try await contest.leads(all[place + 1])
                    #expect(
                        all[place].turns == [
                            .leading(Epoch(Int64(place + 1))), .lost(Epoch(Int64(place + 1)), .resigned),
                        ])
                }
                let seen = all[3].said.values.compactMap { said -> HealerID? in
                    if case .following(let leader?) = said { leader } else { nil }
                }
                // It may have looked too late to see one of them, but never out of turn.
                #expect(seen == seen.sorted { $0.rawValue < $1.rawValue })
                #expect(seen.first == HealerID("a"))
            }
        }

        @Test("Where two claim at once, one wins, and the other follows it")
        func twoAtOnce() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b", "c", "d"])
                let leader = try #require(try await contest.record.holder).incarnation
                for contender in all { contender.elector.presumeGone(leader) }
                try await until("another leads") { try await contest.record.epoch > Epoch(1) }
                try await until("one leads, the others follow") {
                    all.count { $0.role == .leading } == 1 && all.count { $0.role == .following } == 3
                }
                #expect(try await contest.record.epoch == Epoch(2))
                #expect(all[1].isLeading)
            }
        }
    }
}
