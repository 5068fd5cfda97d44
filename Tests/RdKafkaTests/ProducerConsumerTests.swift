import Testing

@testable import RdKafka

@Suite("Producer and consumer", .timeLimit(.minutes(3)))
struct ProducerConsumerTests {
    let limit = Duration.seconds(60)

    let cluster: MockCluster

    init() throws {
        self.cluster = try MockCluster(brokers: 3)
    }

    private func topic(partitions: Int) throws -> [String: String] {
        try self.cluster.createTopic("orders", partitions: partitions, replicationFactor: 3)
        return ["bootstrap.servers": self.cluster.bootstrapServers, "reconnect.backoff.max.ms": "200"]
    }

    @Test("A record is read where its delivery report says")
    func one() async throws {
        let properties = try self.topic(partitions: 3)
        let producer = try Producer(properties)
        let first = try await producer.send(Message(key: [1], value: [7], partition: 2), to: "orders")
        let second = try await producer.send(Message(key: nil, value: [8], partition: 2), to: "orders")
        #expect(first == Position(partition: 2, offset: 0))
        #expect(second == Position(partition: 2, offset: 1))
        await producer.close(within: self.limit)

        let consumer = try await Consumer(properties, topic: "orders", timeout: self.limit)
        #expect(consumer.highWatermarks == [0: 0, 1: 0, 2: 2])
        var records: [Record] = []
        try await consumer.readToEnd(idle: self.limit) { records += $0 }
        #expect(records.map(\.position) == [first, second])
        #expect(records.map(\.key) == [[1], nil])
        #expect(records.map(\.value) == [[7], [8]])
    }

    @Test("No key, an empty key and an empty value stay apart")
    func empty() async throws {
        let properties = try self.topic(partitions: 1)
        let producer = try Producer(properties)
        let messages = [
            Message(key: nil, value: [1]), Message(key: [], value: [2]), Message(key: [3], value: []),
        ]
        #expect(await producer.send(messages, to: "orders").allSatisfy { (try? $0.get()) != nil })
        let consumer = try await Consumer(properties, topic: "orders", timeout: self.limit)
        var records: [Record] = []
        try await consumer.readToEnd(idle: self.limit) { records += $0 }
        #expect(records.map(\.key) == [nil, [], [3]])
        #expect(records.map(\.value) == [[1], [2], []])
    }

    @Test("20,000 records are written in one go, more than the queue holds, and all are read")
    func many() async throws {
        var properties = try self.topic(partitions: 4)
        properties["queue.buffering.max.messages"] = "5000"
        let producer = try Producer(properties)
        let messages = (0..<20_000).map { Message(key: nil, value: Array("record \($0)".utf8)) }
        let results = await producer.send(messages, to: "orders")
        #expect(results.count == messages.count)
        let positions = try results.map { try $0.get() }
        #expect(Set(positions).count == messages.count)

        let consumer = try await Consumer(properties, topic: "orders", timeout: self.limit)
        var values = Set<[UInt8]>()
        try await consumer.readToEnd(idle: self.limit) { values.formUnion($0.map(\.value)) }
        #expect(values == Set(messages.map(\.value)))
    }

    @Test("The stream goes on with what is written after it began")
    func stream() async throws {
        let properties = try self.topic(partitions: 2)
        let producer = try Producer(properties)
        let consumer = try await Consumer(properties, topic: "orders", timeout: self.limit)
        var records = consumer.records.makeAsyncIterator()
        for value: UInt8 in 1...5 {
            _ = try await producer.send(Message(key: [value], value: [value]), to: "orders")
            #expect(try await records.next()?.value == [value])
        }
    }

    @Test("A full queue is an error of the call, and nothing is delivered for it")
    func full() async throws {
        let producer = try Producer(["bootstrap.servers": "127.0.0.1:1", "queue.buffering.max.messages": "1"])
        try producer.enqueue(Message(key: nil, value: [1]), to: "orders") { _ in }
        var code: KafkaError.Code?
        do throws(KafkaError) {
            try producer.enqueue(Message(key: nil, value: [2]), to: "orders") { _ in
                Issue.record("delivered what was refused")
            }
        } catch {
            code = error.code
        }
        #expect(code == .queueFull)
        await producer.close(within: .zero)
    }

    @Test("Whoever waits for a delivery hears of its end when the producer closes")
    func closes() async throws {
        let producer = try Producer(["bootstrap.servers": "127.0.0.1:1"])
        let (ends, sink) = AsyncStream.makeStream(of: KafkaError.Code?.self, bufferingPolicy: .bufferingOldest(1))
        try producer.enqueue(Message(key: nil, value: [1]), to: "orders") { result in
            if case .failure(let error) = result { sink.yield(error.code) } else { sink.yield(nil) }
        }
        await producer.close(within: .zero)
        #expect(await ends.first { _ in true } == .purged)
        let late = await failure {
            () async throws(KafkaError) in try await producer.send(Message(key: nil, value: [1]), to: "orders")
        }
        #expect(late?.code == .closed)
        await producer.close(within: .zero)
    }

    @Test("Whoever waits for a delivery hears of its end when the producer is just dropped")
    func dropped() async throws {
        let (ends, sink) = AsyncStream.makeStream(of: KafkaError.Code?.self, bufferingPolicy: .bufferingOldest(1))
        do {
            let producer = try Producer(["bootstrap.servers": "127.0.0.1:1"])
            try producer.enqueue(Message(key: nil, value: [1]), to: "orders") { result in
                if case .failure(let error) = result { sink.yield(error.code) } else { sink.yield(nil) }
            }
        }
        #expect(await ends.first { _ in true } == .purged)
    }

    @Test("A partition's leader that refuses for a while costs time, not records and not their order")
    func retries() async throws {
        let properties = try self.topic(partitions: 1)
        let producer = try Producer(properties)
        _ = try await producer.send(Message(key: nil, value: [0]), to: "orders")
        // Produce is request 0, and 6 is NOT_LEADER_OR_FOLLOWER.
        self.cluster.fail(0, with: Array(repeating: KafkaError.Code(rawValue: 6), count: 5))
        let results = await producer.send((1...100).map { Message(key: nil, value: [$0]) }, to: "orders")
        #expect(try results.map { try $0.get().offset } == Array(1...100))
    }

    @Test("Reading a topic that is not there fails")
    func noTopic() async throws {
        let properties = try self.topic(partitions: 1)
        let error = await failure {
            () async throws(KafkaError) in
            try await Consumer(
                properties.merging(["allow.auto.create.topics": "false"]) { $1 }, topic: "none",
                timeout: .seconds(5))
        }
        #expect(error != nil)
    }
}
