import Cluster
import Foundation
import Testing
import ZooKeeper

@testable import ChaosTool

@Suite("A step that may be interrupted", .serialized)
struct InterruptedStepTests {
    @Test("It ends with the leadership, handed over or lost, and the next leader takes it up")
    func interrupted() async throws {
        // Longer than anything but the test's patience: a start that goes on is asked for under the old epoch.
        let supervisor = try SlowSupervisor(delay: 30)
        defer { supervisor.remove() }
        try await HealedCluster.during(
            settings: ["HEALER_CHAOS": supervisor.path, "HEALER_PROFILE": "steady"],
            changes: ["      start: [": "      interruptible: [start]\n      start: ["]
        ) { cluster in
            let first = try await self.begin("kafka-1", cluster, supervisor)
            let leader = try await cluster.leader()
            leader.send(SIGTERM)
            #expect(await leader.ended(within: HealedCluster.patience) == .code(0))
            try await self.expectHealed("kafka-1", after: first, cluster, supervisor)

            let second = try await self.begin("kafka-2", cluster, supervisor)
            // Somebody claims over the leader, who lives.
            _ = try await cluster.tree.session.set(
                cluster.tree.layout.leader, data: LeaderRecord.vacant(second.epoch.next).encoded)
            try await self.expectHealed("kafka-2", after: second, cluster, supervisor)
        }
    }

    /// Until a slow start runs, of which the supervisor has not heard.
    /// - Returns: under whose leadership.
    private func begin(
        _ broker: String, _ cluster: HealedCluster, _ supervisor: SlowSupervisor
    ) async throws -> LeaderRecord {
        supervisor.forget()
        try supervisor.beSlow()
        let leader = try await cluster.claim()
        try await cluster.sandbox.kill(broker)
        try await cluster.until("a start of \(broker) begun") { supervisor.hasBegun }
        supervisor.beQuick()
        return leader
    }

    private func expectHealed(
        _ broker: String, after leader: LeaderRecord, _ cluster: HealedCluster, _ supervisor: SlowSupervisor
    ) async throws {
        let incident = try await cluster.awaitClosed(broker)
        try await cluster.awaitInSync()
        #expect(incident.closing == .healed)
        // On a busy machine one may also come too late to begin.
        let outcomes = incident.results(of: .start).map(\.outcome)
        #expect(outcomes.contains(.interrupted) && outcomes.last == .succeeded, "\(outcomes)")
        let steps = try cluster.steps(on: broker)
        #expect(steps.map(\.verb) == [.start])
        #expect(steps.allSatisfy { ($0.epoch ?? 0) > leader.epoch.rawValue })
    }
}
