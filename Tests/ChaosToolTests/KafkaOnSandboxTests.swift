import Cluster
import RdKafka
import Testing

@testable import ChaosTool

/// The wrapper and the load on real brokers.
@Suite("Kafka on the sandbox", .timeLimit(.minutes(10)), .serialized)
struct KafkaOnSandboxTests {
    private let limit = Duration.seconds(60)

    @Test("Real brokers describe themselves, make topics and tell their settings")
    func asks() async throws {
        try await withSandbox(brokers: 3) { sandbox in
            let client = try KafkaClient(["bootstrap.servers": sandbox.description.bootstrap])

            let cluster = try await client.describeCluster(timeout: self.limit)
            #expect(cluster.nodes.map(\.id).sorted() == [1, 2, 3])
            #expect(
                cluster.nodes.map { Int($0.port) }.sorted() == sandbox.description.brokers.map { Int($0.port) }.sorted()
            )
            #expect(cluster.clusterID?.isEmpty == false)
            let metadata = try await client.metadata(timeout: self.limit)
            #expect(metadata.clusterID == cluster.clusterID)
            #expect(metadata.controllerID == cluster.controllerID && cluster.controllerID != nil)

            let orders = NewTopic(
                name: "orders", partitions: 6, replicationFactor: 3,
                configuration: ["min.insync.replicas": "2", "unclean.leader.election.enable": "true"])
            let wide = NewTopic(name: "wide", partitions: 1, replicationFactor: 4)
            let refused = try await client.createTopics([orders, wide], timeout: self.limit)
            #expect(Set(refused.keys) == ["wide"])
            #expect(refused["wide"]?.code.name == "INVALID_REPLICATION_FACTOR")
            let again = try await client.createTopics([orders], timeout: self.limit)
            #expect(again["orders"]?.code == .topicExists)

            let names = ["min.insync.replicas", "unclean.leader.election.enable"]
            try await eventually("the topic's settings are told by whichever broker is asked") {
                let settings = try await client.configurations(
                    of: ["orders", "messages"], settings: names, timeout: self.limit)
                let told = settings.compactMapValues { try? $0.get() }
                // Only what was asked for.
                return told["orders"] == ["min.insync.replicas": "2", "unclean.leader.election.enable": "true"]
                    && told["messages"] == ["min.insync.replicas": "2", "unclean.leader.election.enable": "false"]
            }
            let unknown = try await client.configurations(of: ["none"], settings: names, timeout: self.limit)
            guard case .failure(let error)? = unknown["none"] else {
                Issue.record("\(unknown)")
                return
            }
            #expect(error.code == .unknownTopicOrPartition)
        }
    }

    @Test(
        "Nothing acknowledged is lost while a broker is killed and comes back, and the dead broker's share is written")
    func survives() async throws {
        try await withSandbox(brokers: 3) { sandbox in
            var plan = LoadPlan(bootstrap: sandbox.description.bootstrap, topic: "messages")
            plan.rate = 500
            let generator = try LoadGenerator(plan)
            await generator.start()
            try await eventually("a thousand are acknowledged") { generator.acked >= 1000 }

            try await sandbox.kill("kafka-2")
            let client = try KafkaClient(["bootstrap.servers": sandbox.description.bootstrap])
            try await eventually("every partition is led by somebody alive, and the dead one is not in sync") {
                guard let metadata = try? await client.metadata(timeout: .seconds(3)) else { return false }
                let partitions = metadata.topics.first { $0.name == "messages" }?.partitions ?? []
                return !partitions.isEmpty
                    && partitions.allSatisfy {
                        $0.leader != nil && $0.leader != 2 && $0.inSyncReplicas.count == 2 && $0.replicas.count == 3
                    }
            }
            let before = generator.acked
            try await eventually("a thousand more are acknowledged without it") { generator.acked >= before + 1000 }
            try await sandbox.start("kafka-2")
            try await eventually("everything is in sync again") {
                guard let metadata = try? await client.metadata(timeout: .seconds(3)) else { return false }
                return metadata.topics.allSatisfy {
                    $0.partitions.allSatisfy { $0.inSyncReplicas.count == $0.replicas.count }
                }
            }
            await generator.stop()

            let check = try await LoadCheck.read(generator)
            #expect(generator.failed == 0)
            #expect(check.isIntact, "\(check.line)")
            #expect(check.acked == generator.acked)
        }
    }
}
