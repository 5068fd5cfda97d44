import Cluster
import Testing

@testable import ChaosTool

@Suite("A broker that was stopped on request", .serialized)
struct StoppedBrokerTests {
    @Test("Is left alone for its grace and after, while another that was killed meanwhile is healed")
    func leftAlone() async throws {
        let changes = ["    policies:\n": "    policies:\n      brokerStopped:\n        grace_seconds: 5\n"]
        try await HealedCluster.during(changes: changes) { cluster in
            async let stopped = cluster.sandbox.stop("kafka-3")
            async let killed = cluster.sandbox.kill("kafka-2")
            _ = try await (stopped, killed)
            try await cluster.awaitPage(.brokerStopped, of: "kafka-3")
            #expect(try await cluster.awaitClosed("kafka-2").closing == .healed)
            #expect(try cluster.sandbox.status(of: "kafka-3").state == .stopped)
            #expect(try cluster.steps().map(\.node) == ["kafka-2"])

            try await cluster.sandbox.start("kafka-3")
            #expect(try await cluster.awaitClosed("kafka-3").closing == .recoveredByItself)
            try await cluster.awaitInSync()
            #expect(try cluster.steps().map(\.verb) == [.start])
        }
    }
}
