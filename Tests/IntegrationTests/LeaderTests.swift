import Cluster
import Foundation
import Testing

@testable import ChaosTool

@Suite("Leadership passes on, and with it what was begun", .serialized)
struct LeaderTests {
    /// So many that a majority is left when two are gone.
    private static let healers = 5

    @Test("A step that outlives its leader is adopted and not repeated; each next leader heals the next broker")
    func passesOn() async throws {
        let supervisor = try SlowSupervisor()
        defer { supervisor.remove() }
        try await HealedCluster.during(healers: Self.healers, settings: ["HEALER_CHAOS": supervisor.path]) { cluster in
            let first = try await cluster.claim()
            try await self.killedInAStep(cluster, supervisor)
            let second = try await cluster.claim()
            #expect(second.epoch > first.epoch)
            #expect(second.holder?.member != first.holder?.member)

            try await cluster.killAndAwaitHealed("kafka-2")
            self.expectStart(try cluster.steps(on: "kafka-2"), by: second)

            let leader = try await cluster.leader()
            leader.send(SIGTERM)
            #expect(await leader.ended(within: HealedCluster.patience) == .code(0))
            let third = try await cluster.awaitLeader(after: second.epoch)
            #expect(third.holder?.member != second.holder?.member)
            try await cluster.killAndAwaitHealed("kafka-3")
            self.expectStart(try cluster.steps(on: "kafka-3"), by: third)

            #expect(try cluster.askedSteps().map(\.verb) == [.start, .start, .start])
            #expect(try await cluster.claim() == third)
        }
    }

    /// The leader dies while the start that it has put down runs, before the supervisor hears of it.
    private func killedInAStep(_ cluster: HealedCluster, _ supervisor: SlowSupervisor) async throws {
        let first = try await cluster.claim()
        let leader = try await cluster.leader()
        let known = try await cluster.incidents(of: "kafka-1")
        try supervisor.beSlow()
        try await cluster.sandbox.kill("kafka-1")
        try await cluster.until("a start of kafka-1 begun") { supervisor.hasBegun }
        leader.send(SIGKILL)
        #expect(await leader.ended(within: HealedCluster.patience) == .signal(SIGKILL))
        #expect(try cluster.steps().isEmpty)
        let next = try await cluster.awaitLeader(after: first.epoch)
        let incident = try await cluster.awaitClosed("kafka-1", besides: known)
        supervisor.beQuick()
        // Begun under the first leadership, ended under the next.
        self.expectStart(try cluster.steps(on: "kafka-1"), by: first)
        #expect(incident.id?.epoch == first.epoch)
        #expect(incident.closing == .healed)
        #expect(incident.timeline.contains { $0.what == .adopted(next.epoch) })
    }

    private func expectStart(_ steps: [NodeRequest], by leader: LeaderRecord) {
        #expect(steps.map(\.verb) == [.start])
        #expect(steps.map(\.epoch) == [leader.epoch.rawValue])
        #expect(steps.map(\.healer) == [leader.holder?.member.rawValue])
    }
}
