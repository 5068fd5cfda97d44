import Testing

@testable import RdKafka

@Suite("Metadata", .timeLimit(.minutes(2)))
struct MetadataTests {
    let limit = Duration.seconds(30)
    let cluster: MockCluster

    init() throws {
        self.cluster = try MockCluster(brokers: 3)
    }

    @Test("All brokers, topics and partitions of a cluster come as values")
    func whole() async throws {
        try self.cluster.createTopic("orders", partitions: 4, replicationFactor: 3)
        try self.cluster.createTopic("audit", partitions: 1, replicationFactor: 2)
        let client = try KafkaClient(["bootstrap.servers": self.cluster.bootstrapServers])

        let metadata = try await client.metadata(timeout: self.limit)

        #expect(metadata.brokers.map(\.id).sorted() == [1, 2, 3])
        #expect(metadata.brokers.allSatisfy { $0.port > 0 && !$0.host.isEmpty })
        #expect(metadata.clusterID?.isEmpty == false)
        #expect([1, 2, 3].contains(metadata.answeredBy))
        let orders = try #require(metadata.topics.first { $0.name == "orders" })
        #expect(orders.error == .none)
        #expect(orders.partitions.map(\.id) == [0, 1, 2, 3])
        for partition in orders.partitions {
            #expect(Set(partition.replicas) == [1, 2, 3])
            #expect(partition.inSyncReplicas == partition.replicas)
            #expect(partition.leader.map { [1, 2, 3].contains($0) } == true)
        }
        #expect(metadata.topics.first { $0.name == "audit" }?.partitions.first?.replicas.count == 2)
    }

    @Test("A partition without a leader says so")
    func offline() async throws {
        try self.cluster.createTopic("orders", partitions: 2, replicationFactor: 3)
        try self.cluster.setLeader("orders", 1, to: nil)
        let client = try KafkaClient(["bootstrap.servers": self.cluster.bootstrapServers])

        let metadata = try await client.metadata(timeout: self.limit)

        let partitions = try #require(metadata.topics.first { $0.name == "orders" }).partitions
        #expect(partitions[0].leader != nil)
        #expect(partitions[1].leader == nil)
    }

    @Test("A change of leader shows in the next answer")
    func moves() async throws {
        try self.cluster.createTopic("orders", partitions: 1, replicationFactor: 3)
        let client = try KafkaClient(["bootstrap.servers": self.cluster.bootstrapServers])
        for broker: Int32 in [2, 3, 1] {
            try self.cluster.setLeader("orders", 0, to: broker)
            let metadata = try await client.metadata(timeout: self.limit)
            #expect(metadata.topics.first?.partitions.first?.leader == broker)
        }
    }

    @Test("With a broker down, another one answers")
    func survives() async throws {
        let client = try KafkaClient([
            "bootstrap.servers": self.cluster.bootstrapServers, "reconnect.backoff.max.ms": "500",
        ])
        let first = try await client.metadata(timeout: self.limit)
        try self.cluster.stop(first.answeredBy)
        // A call that meets the breaking connection waits for that broker until its time is over; those after it do not.
        let second = try await eventually { try await client.metadata(timeout: .seconds(3)) }
        #expect(second.answeredBy != first.answeredBy)
    }

    @Test("With nobody there, the call ends within its limit and says that nobody answered")
    func nobody() async throws {
        let client = try KafkaClient(["bootstrap.servers": "127.0.0.1:1"])
        let error = await failure {
            () async throws(KafkaError) in try await client.metadata(timeout: .milliseconds(300))
        }
        #expect(error?.operation == "metadata")
        #expect([KafkaError.Code.transport, .timedOut, .allBrokersDown].contains(error?.code))
        #expect(error?.isAuthenticationFailure == false)
    }

    @Test("A call ends at once when its task is cancelled")
    func cancelled() async throws {
        let client = try KafkaClient(["bootstrap.servers": "127.0.0.1:1"])
        let call = Task {
            await failure {
                () async throws(KafkaError) in try await client.metadata(timeout: .seconds(3600))
            }
        }
        call.cancel()
        #expect(await call.value?.code == .interrupted)
    }

    @Test("Calls side by side all get their answer")
    func sideBySide() async throws {
        try self.cluster.createTopic("orders", partitions: 3, replicationFactor: 3)
        let client = try KafkaClient(["bootstrap.servers": self.cluster.bootstrapServers])
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 {
                group.addTask { try await client.metadata(timeout: .seconds(30)).topics.count }
            }
            for try await topics in group { #expect(topics == 1) }
        }
    }

    @Test("What is built from the answer in place equals the values")
    func inPlace() async throws {
        try self.cluster.createTopic("orders", partitions: 7, replicationFactor: 3)
        let client = try KafkaClient(["bootstrap.servers": self.cluster.bootstrapServers])
        let count = try await client.metadata(timeout: self.limit) { $0.partitionCount }
        let names = try await client.metadata(timeout: self.limit) { reply in
            var names: [String] = []
            reply.forEachTopic { names.append($0.name) }
            return names
        }
        #expect(count == 7)
        #expect(names == ["orders"])
    }
}

/// The error that a call ends with; `nil` if it succeeds.
func failure<Value>(_ call: () async throws(KafkaError) -> Value) async -> KafkaError? {
    do throws(KafkaError) {
        _ = try await call()
        return nil
    } catch {
        return error
    }
}

/// Tries up to 60 times; each try ends by itself.
func eventually<Value>(_ call: () async throws -> Value) async throws -> Value {
    for _ in 0..<59 {
        if let value = try? await call() { return value }
    }
    return try await call()
}
