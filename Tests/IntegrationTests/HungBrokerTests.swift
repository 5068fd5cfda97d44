import Cluster
import Testing

@testable import ChaosTool

@Suite("A broker that hangs", .serialized)
struct HungBrokerTests {
    /// Seconds. More than it takes to be sure of it and to collect evidence, which would hide a grace that is not kept.
    private static let grace = 12

    @Test("Is not taken for dead: after its grace exactly its process is killed, and it is started")
    func frozen() async throws {
        let policies = """
                policies:
                  brokerHung:
                    confirm_seconds: 1
                    grace_seconds: \(Self.grace)

            """
        try await HealedCluster.during(changes: ["    policies:\n": policies]) { cluster in
            let before = try cluster.identities()
            try await cluster.sandbox.freeze("kafka-2")
            let closed = try await cluster.awaitClosed("kafka-2")
            try await cluster.awaitInSync()
            #expect(closed.closing == .healed)
            #expect(closed.confirmed.first == .brokerHung)

            let steps = try cluster.steps()
            #expect(steps.map(\.verb) == [.kill, .start])
            #expect(steps.allSatisfy { $0.node == "kafka-2" && $0.identity == before["kafka-2"]?.rawValue })
            let frozen = try #require(try cluster.sandbox.requests().first { $0.verb == .freeze })
            let kill = try #require(steps.first)
            #expect(kill.found == frozen.found)
            #expect(kill.boottime - frozen.boottime >= Int64(Self.grace) * 1_000_000_000)

            var (others, after) = (before, try cluster.identities())
            #expect(others.removeValue(forKey: "kafka-2") != after.removeValue(forKey: "kafka-2"))
            #expect(others == after)
        }
    }
}
