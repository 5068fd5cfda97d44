import Admin
import Cluster
import Curl
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
            try await self.neverCalledWell(cluster)
            #expect(try await cluster.awaitClosed("kafka-3").closing == .recoveredByItself)
            try await cluster.awaitInSync()
            #expect(try cluster.steps().map(\.verb) == [.start])
        }
    }

    /// Until all is over, the leader's status is not well while an incident is open, also while nothing is to be seen of
    /// it any more.
    private func neverCalledWell(_ cluster: HealedCluster) async throws {
        let leader = try #require(try await cluster.tree.leader()?.holder)
        try await HTTPClient.during { client in
            try await cluster.until("all is well") {
                let answer = try await client.get("http://\(leader.address)/api/v1/status", timeout: .seconds(20))
                let page = try AdminJSON.decode(StatusPage.self, from: answer.body)
                let isOpen = page.incidents.contains { $0.toldBy == .leader }
                #expect(!(isOpen && page.verdict.healthy), "\(page)")
                return page.verdict.healthy
            }
        }
    }
}
