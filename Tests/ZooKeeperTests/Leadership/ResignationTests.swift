import Cluster
import Election
import Testing

extension RealEnsemble {
    @Suite("Resigning, on a real ensemble") struct ResignationTests {
        /// Of a call that ends within two seconds by its own promise; the rest is for a busy machine.
        private static let patience = Duration.seconds(20)

        @Test("A resignation moves leadership to the first in line, keeps the epoch, and takes the own place along")
        func toTheFirst() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b", "c"])
                await all[0].resign()
                try await contest.leads(all[1])
                #expect(all[0].turns == [.leading(Epoch(1)), .lost(Epoch(1), .resigned)])
                #expect(try await contest.record.epoch == Epoch(2))
                #expect(try await contest.line.count == 2)
                #expect(all[2].turns.isEmpty)
            }
        }

        @Test(
            "A resignation while the next in line cannot claim moves leadership to the one behind it, within its session",
            arguments: [false, true])
        func pastTheDead(isNamed: Bool) async throws {
            try await Contest.held { contest in
                let first = try await contest.enter(["a"])[0]
                let dead = try await contest.enter("b") { purpose, send in
                    // Its session lives on, as that of a process does which is frozen, or was killed a moment ago.
                    if case .claim = purpose { try await Task.sleep(for: .seconds(3600)) }
                    return await send()
                }
                let behind = try await contest.enter("c")
                let place = try await contest.candidate(of: dead)
                await first.resign(to: isNamed ? .candidate(place) : .firstInLine)
                try await contest.leads(behind)
                #expect(try await contest.line.first == place)
                #expect(behind.elector.status.takeovers == [.vacancy: 1])
                #expect(dead.turns.isEmpty)
            }
        }

        @Test("The one that is named leads next, whoever is ahead in line, and nobody else claims")
        func named() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b", "c", "d"])
                await all[0].resign(to: .candidate(try await contest.candidate(of: all[2])))
                try await contest.leads(all[2])
                #expect(try await contest.record.epoch == Epoch(2))
                // The one ahead waits for it like any other, and follows it.
                await all[2].resign()
                try await contest.leads(all[1])
                #expect(all[3].turns.isEmpty)
            }
        }

        @Test("Where the named one is gone, the first in line leads")
        func namedIsGone() async throws {
            try await Contest.held { contest in
                let all = try await contest.enter(["a", "b", "c"])
                let name = try await contest.candidate(of: all[2])
                await all[2].end()
                await all[0].resign(to: .candidate(name))
                try await contest.leads(all[1])
            }
        }

        @Test("Restarting all one after the other moves leadership at most twice", arguments: [0, 1, 2])
        func rolling(first: Int) async throws {
            try await Contest.held { contest in
                var all = try await contest.enter(["a", "b", "c"])
                for place in 0..<all.count {
                    let place = (first + place) % all.count
                    // As a healer that stops does: whoever joined last, as it knows the line.
                    let own = try await contest.candidate(of: all[place])
                    let last = try await contest.line.last { $0 != own }
                    await all[place].resign(to: last.map { .candidate($0) } ?? .firstInLine)
                    all[place] = try await contest.enter(all[place].id.rawValue)
                    try await until("somebody leads") { all.contains { $0.isLeading } }
                }
                #expect(try await contest.record.epoch <= Epoch(3))
            }
        }

        @Test("A resignation returns within its bound when no server answers, and nothing may begin any more")
        func frozenServers() async throws {
            try await Contest.held { contest in
                let leader = try await contest.enter(["a"])[0]
                try await withBrokenEnsemble { ensemble in
                    for server in ensemble.servers { try await ensemble.freeze(server) }
                    let took = await timed { await leader.elector.resign() }
                    #expect(took < Self.patience)
                    #expect(!leader.elector.mayBegin(under: Epoch(1)))
                    for server in ensemble.servers { ensemble.thaw(server) }
                    await leader.end()
                }
            }
        }

        @Test("Resigning twice, and after the end, returns")
        func twice() async throws {
            try await Contest.held { contest in
                let leader = try await contest.enter(["a"])[0]
                await leader.resign()
                let took = await timed { await leader.resign() }
                #expect(took < Self.patience)
                #expect(leader.role == .stopped)
            }
        }
    }
}
