import Cluster
import Testing

@testable import ChaosTool

@Suite("A broker that is starting", .serialized)
struct StartingBrokerTests {
    @Test("Is neither killed nor started, however long it says nothing")
    func leftAlone() async throws {
        // Were it taken for a hung one, it would be killed long before anybody is told that it is still starting.
        let policies = """
                policies:
                  brokerHung:
                    confirm_seconds: 1
                    grace_seconds: 2
                  brokerStarting:
                    grace_seconds: 8

            """
        try await HealedCluster.during(changes: ["    policies:\n": policies]) { cluster in
            let life = try await cluster.startByHand("kafka-2")
            try await cluster.awaitPage(.brokerStarting, of: "kafka-2")
            #expect(try cluster.sandbox.status(of: "kafka-2").identity == life)
            #expect(try cluster.steps().isEmpty)

            try await cluster.sandbox.thaw("kafka-2")
            _ = try await cluster.awaitClosed("kafka-2")
            try await cluster.awaitInSync()
            #expect(try cluster.sandbox.status(of: "kafka-2").identity == life)
            #expect(try cluster.steps().isEmpty)
        }
    }
}

extension HealedCluster {
    /// Kills a broker, starts it again before anybody else can, and freezes it long before it opens its port. Returns
    /// its new life.
    fileprivate func startByHand(_ name: String) async throws -> ProcessIdentity {
        let (sandbox, node) = (self.sandbox, try self.sandbox.node(name))
        let supervisor = try sandbox.supervisor(of: name)
        return try await blocking {
            let lock = try LockedFile(node.startLock)
            _ = try supervisor.kill()
            try sandbox.launchKeeper(of: node)
            let answer = try supervisor.freeze()
            _ = consume lock
            #expect(answer.result == .frozen)
            return try #require(supervisor.status().identity)
        }
    }
}
