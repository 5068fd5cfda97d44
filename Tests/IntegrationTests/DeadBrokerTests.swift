import Cluster
import Testing

@testable import ChaosTool

@Suite("A broker that was killed is healed", .serialized)
struct DeadBrokerTests {
    @Test(
        "It is deregistered and started once, and never meets its own old registration", arguments: [6000, 18000])
    func killed(session: Int) async throws {
        try await HealedCluster.during(SandboxOptions(sessionTimeout: session)) { cluster in
            try await cluster.sandbox.kill("kafka-2")
            try await cluster.until("kafka-2 started") { try cluster.steps(on: "kafka-2").count == 1 }
            try await cluster.awaitInSync()
            let steps = try cluster.steps()
            #expect(steps.map(\.verb) == [.start])
            #expect(try !cluster.saysNodeExists("kafka-2"))
            try await cluster.until("the incident is closed as healed") {
                try await cluster.tree.incidents().contains {
                    $0.subject == .node(NodeName("kafka-2")) && $0.closing == .healed
                }
            }
        }
    }
}
