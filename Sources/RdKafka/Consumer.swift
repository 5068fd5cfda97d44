internal import CRdKafka
internal import Dispatch
internal import Synchronization

/// A record as it was read.
public struct Record: Hashable, Sendable {
    public let position: Position
    /// `nil` if it has no key.
    public let key: [UInt8]?
    public let value: [UInt8]
    /// Milliseconds since 1970 as the topic keeps them; `nil` if it does not.
    public let timestamp: Int64?

    public init(position: Position, key: [UInt8]?, value: [UInt8], timestamp: Int64?) {
        self.position = position
        self.key = key
        self.value = value
        self.timestamp = timestamp
    }
}

/// Reads all partitions of one topic from their beginning, without a consumer group: it leaves nothing behind on the
/// cluster, and readers do not share records.
///
/// Records of one partition come in order; partitions are mixed. Broker failures are waited out by librdkafka.
public final class Consumer: Sendable {
    private let reader: Reader
    /// Per partition, the offset after the last record that was there when reading began.
    public let highWatermarks: [Int32: Int64]

    /// How many records one call takes, if nobody says.
    public static let batch = 1000

    /// Finds the partitions and starts reading.
    ///
    /// - Parameters:
    ///   - properties: any of librdkafka's, `bootstrap.servers` at least.
    ///   - timeout: for finding the topic's partitions and their ends.
    ///   - log: gets librdkafka's own lines.
    public init(
        _ properties: [String: String], topic: String, timeout: Duration, log: @escaping LogSink = { _ in }
    ) async throws(KafkaError) {
        let handle = try Handle(
            RD_KAFKA_CONSUMER,
            ClientProperties(
                properties,
                defaults: ["client.id": "kafka-healer", "queued.max.messages.kbytes": "16384"],
                fixed: ["log.queue": "true", "enable.partition.eof": "true"]),
            log: log)
        (self.reader, self.highWatermarks) = try await DispatchQueue.run {
            () throws(KafkaError) -> (Reader, [Int32: Int64]) in
            let reader = try Reader(handle, topic: topic)
            return (reader, try reader.start(timeout: timeout))
        }
    }

    /// The next records, at least one unless the time is over; an empty answer says only that nothing came.
    public func read(upTo limit: Int = batch, within timeout: Duration) async throws(KafkaError) -> [Record] {
        let reader = self.reader
        return try await DispatchQueue.run { () throws(KafkaError) -> [Record] in
            try reader.read(upTo: limit, timeout: timeout).records
        }
    }

    /// Reads up to ``highWatermarks``, and hands over what it finds as it comes.
    ///
    /// - Parameters:
    ///   - ends: offsets to read up to as well. A new leader's high watermark may stand below what its predecessor has
    ///     acknowledged until the followers have fetched once more.
    ///   - timeout: how long nothing at all may come.
    /// - Throws: ``KafkaError/Code/timedOut`` if the end was not reached.
    public func readToEnd(atLeast ends: [Int32: Int64] = [:], idle timeout: Duration, _ body: ([Record]) -> Void)
        async throws(KafkaError)
    {
        let reader = self.reader
        let ends = self.highWatermarks.merging(ends) { max($0, $1) }
        while !reader.hasReached(ends) {
            let arrived = try await DispatchQueue.run { () throws(KafkaError) -> Reader.Arrived in
                try reader.read(upTo: Self.batch, timeout: timeout)
            }
            if !arrived.records.isEmpty { body(arrived.records) }
            // The end of a partition is news too, without being a record.
            guard arrived.count > 0 else { throw KafkaError(.timedOut, operation: "read to end") }
        }
    }

    /// The records as they come, without end. One reader at a time.
    public var records: Records { Records(consumer: self) }

    /// Pulls: what nobody asks for stays with the broker, but for librdkafka's bounded buffer.
    public struct Records: AsyncSequence, Sendable {
        public typealias Element = Record
        public typealias Failure = any Error
        fileprivate let consumer: Consumer

        public struct AsyncIterator: AsyncIteratorProtocol {
            fileprivate let consumer: Consumer
            private var batch: ArraySlice<Record> = []
            fileprivate init(_ consumer: Consumer) { self.consumer = consumer }

            /// Ends only with the task.
            public mutating func next() async throws -> Record? {
                while self.batch.isEmpty {
                    guard !Task.isCancelled else { return nil }
                    self.batch = try await self.consumer.read(within: .milliseconds(500))[...]
                }
                return self.batch.removeFirst()
            }
        }

        public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self.consumer) }
    }
}

/// The topic and the queue that its partitions are read into.
///
/// `@unchecked Sendable`: librdkafka's topics and queues may be used from any thread; they go before their client does,
/// which `handle` keeps alive.
private final class Reader: @unchecked Sendable {
    private let handle: Handle
    private let name: String
    private let topic: OpaquePointer
    private let queue: OpaquePointer
    /// Per partition, the offset that comes next.
    private let next = Mutex<[Int32: Int64]>([:])

    init(_ handle: Handle, topic: String) throws(KafkaError) {
        guard let pointer = rd_kafka_topic_new(handle.pointer, topic, nil) else {
            throw KafkaError(.init(crdkafka_last_error()), operation: "open topic")
        }
        self.handle = handle
        self.name = topic
        self.topic = pointer
        self.queue = rd_kafka_queue_new(handle.pointer)!
    }

    /// Stopping a partition waits for librdkafka's threads, so it does not happen on one of Swift's.
    deinit {
        let partitions = Array(self.next.withLock { $0.keys })
        let last = Last(handle: self.handle, topic: self.topic, queue: self.queue)
        DispatchQueue.global().async { last.stop(partitions) }
    }

    struct Arrived {
        /// With the ends of partitions.
        let count: Int
        let records: [Record]
    }

    func hasReached(_ ends: [Int32: Int64]) -> Bool {
        self.next.withLock { next in ends.allSatisfy { next[$0.key, default: 0] >= $0.value } }
    }

    func start(timeout: Duration) throws(KafkaError) -> [Int32: Int64] {
        var ends: [Int32: Int64] = [:]
        for partition in try self.partitions(timeout: timeout) {
            var low: Int64 = 0
            var high: Int64 = 0
            let code = rd_kafka_query_watermark_offsets(
                self.handle.pointer, self.name, partition, &low, &high, timeout.milliseconds)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw self.handle.error(code, operation: "find end") }
            ends[partition] = high
            guard
                rd_kafka_consume_start_queue(self.topic, partition, crdkafka_offset_beginning(), self.queue) == 0
            else { throw self.handle.error(crdkafka_last_error(), operation: "start reading") }
            self.next.withLock { $0[partition] = low }
        }
        return ends
    }

    private func partitions(timeout: Duration) throws(KafkaError) -> [Int32] {
        var reply: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(self.handle.pointer, 0, self.topic, &reply, timeout.milliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let reply else {
            throw self.handle.error(code, operation: "find partitions")
        }
        defer { rd_kafka_metadata_destroy(reply) }
        guard let topic = UnsafeBufferPointer(start: reply.pointee.topics, count: Int(reply.pointee.topic_cnt)).first
        else { throw KafkaError(.unknownTopic, operation: "find partitions") }
        guard topic.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(.init(topic.err), operation: "find partitions")
        }
        return UnsafeBufferPointer(start: topic.partitions, count: Int(topic.partition_cnt)).map(\.id)
    }

    func read(upTo limit: Int, timeout: Duration) throws(KafkaError) -> Arrived {
        var messages = [UnsafeMutablePointer<rd_kafka_message_t>?](repeating: nil, count: max(limit, 1))
        // The library waits until all places are filled: wait for the first one, then take what is there.
        let count = messages.withUnsafeMutableBufferPointer { places in
            let first = rd_kafka_consume_batch_queue(self.queue, timeout.milliseconds, places.baseAddress, 1)
            guard first == 1, places.count > 1 else { return first }
            let rest = rd_kafka_consume_batch_queue(self.queue, 0, places.baseAddress! + 1, places.count - 1)
            return 1 + max(rest, 0)
        }
        guard count >= 0 else { throw self.handle.error(crdkafka_last_error(), operation: "read") }

        let arrived = messages.prefix(count).compactMap { $0 }
        defer { for message in arrived { rd_kafka_message_destroy(message) } }
        var records: [Record] = []
        records.reserveCapacity(arrived.count)
        for message in arrived {
            let partition = message.pointee.partition
            let offset = message.pointee.offset
            switch message.pointee.err {
            case RD_KAFKA_RESP_ERR_NO_ERROR:
                records.append(Record(message))
                self.next.withLock { $0[partition] = offset + 1 }
            case RD_KAFKA_RESP_ERR__PARTITION_EOF:
                // The end may lie behind records that are not for us (those of transactions).
                self.next.withLock { $0[partition] = max($0[partition, default: 0], offset) }
            default:
                throw self.handle.error(message.pointee.err, operation: "read")
            }
        }
        return Arrived(count: arrived.count, records: records)
    }
}

/// What is left of a reader that nobody uses any more.
///
/// `@unchecked Sendable`: handed to one thread, once.
private struct Last: @unchecked Sendable {
    let handle: Handle
    let topic: OpaquePointer
    let queue: OpaquePointer

    func stop(_ partitions: [Int32]) {
        for partition in partitions { rd_kafka_consume_stop(self.topic, partition) }
        rd_kafka_queue_destroy(self.queue)
        rd_kafka_topic_destroy(self.topic)
        withExtendedLifetime(self.handle) {}
    }
}

extension Record {
    fileprivate init(_ message: UnsafePointer<rd_kafka_message_t>) {
        self.position = Position(partition: message.pointee.partition, offset: message.pointee.offset)
        self.key = message.pointee.key.map { Array(UnsafeRawBufferPointer(start: $0, count: message.pointee.key_len)) }
        self.value = Array(UnsafeRawBufferPointer(start: message.pointee.payload, count: message.pointee.len))
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = rd_kafka_message_timestamp(message, &kind)
        self.timestamp = kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE || timestamp < 0 ? nil : timestamp
    }
}
