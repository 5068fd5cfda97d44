internal import CRdKafka
internal import Dispatch
internal import Synchronization

/// A record to be written.
public struct Message: Hashable, Sendable {
    /// `nil` spreads the records over the partitions.
    public let key: [UInt8]?
    public let value: [UInt8]
    /// `nil` leaves the choice to the key.
    public let partition: Int32?

    public init(key: [UInt8]?, value: [UInt8], partition: Int32? = nil) {
        self.key = key
        self.value = value
        self.partition = partition
    }
}

/// Where a record stands in its topic.
public struct Position: Hashable, Sendable {
    public let partition: Int32
    public let offset: Int64

    public init(partition: Int32, offset: Int64) {
        self.partition = partition
        self.offset = offset
    }
}

/// Writes records: idempotent, and acknowledged by all in-sync replicas.
///
/// librdkafka repeats what can be repeated until `message.timeout.ms` has passed since a message was queued; only then
/// a delivery fails. ``close(within:)`` ends it in order; without it, what is unsent when the last reference goes is
/// given up, and reported so.
public final class Producer: Sendable {
    private let handle: Handle
    private let closed = Atomic<Bool>(false)

    /// - Parameters:
    ///   - properties: any of librdkafka's; `acks` and `enable.idempotence` are set already.
    ///   - log: gets librdkafka's own lines.
    public init(_ properties: [String: String], log: @escaping LogSink = { _ in }) throws(KafkaError) {
        self.handle = try Handle(
            RD_KAFKA_PRODUCER,
            ClientProperties(
                properties, defaults: ["client.id": "kafka-healer"],
                fixed: ["log.queue": "true", "enable.idempotence": "true", "acks": "all"]),
            log: log)
    }

    /// Returns when the record is acknowledged.
    public func send(_ message: Message, to topic: String) async throws(KafkaError) -> Position {
        try await withCheckedContinuation { (continuation: CheckedContinuation<Result<Position, KafkaError>, Never>) in
            do throws(KafkaError) {
                try self.enqueue(message, to: topic) { continuation.resume(returning: $0) }
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }.get()
    }

    /// Queues a record and returns at once.
    ///
    /// - Parameter delivered: called exactly once, on the event thread of this producer, unless this call throws.
    /// - Throws: ``KafkaError/Code/queueFull``, and what shows without asking a broker.
    public func enqueue(
        _ message: Message, to topic: String,
        delivered: @escaping @Sendable (Result<Position, KafkaError>) -> Void
    ) throws(KafkaError) {
        try self.produce(message, to: topic, flags: 0, delivered)
    }

    /// Writes many records, as fast as the brokers take them.
    ///
    /// - Returns: for each record, in the order given, where it went or why it did not.
    public func send(_ messages: [Message], to topic: String) async -> [Result<Position, KafkaError>] {
        guard !messages.isEmpty else { return [] }
        let batch = DeliveryBatch(count: messages.count)
        return await withCheckedContinuation { continuation in
            batch.whenComplete { continuation.resume(returning: $0) }
            // A full queue makes this wait for room, so it may not run on one of Swift's threads.
            DispatchQueue.global().async {
                for (index, message) in messages.enumerated() {
                    do throws(KafkaError) {
                        try self.produce(message, to: topic, flags: RD_KAFKA_MSG_F_BLOCK) {
                            batch.complete(index, $0)
                        }
                    } catch {
                        batch.complete(index, .failure(error))
                    }
                }
            }
        }
    }

    /// Takes nothing more, waits for what is under way, and gives up what is not acknowledged by then. May be called
    /// twice.
    public func close(within limit: Duration) async {
        self.closed.store(true, ordering: .releasing)
        let handle = self.handle
        try? await DispatchQueue.run { () throws(KafkaError) -> Void in
            guard rd_kafka_flush(handle.pointer, limit.milliseconds) != RD_KAFKA_RESP_ERR_NO_ERROR else { return }
            rd_kafka_purge(handle.pointer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
            rd_kafka_flush(handle.pointer, 5000)
        }
    }

    private func produce(
        _ message: Message, to topic: String, flags: Int32,
        _ delivered: @escaping @Sendable (Result<Position, KafkaError>) -> Void
    ) throws(KafkaError) {
        guard !self.closed.load(ordering: .acquiring) else { throw KafkaError(.closed, operation: "send") }
        let opaque = Delivery.retained(delivered)
        let code = message.value.withUnsafeBytes { value in
            // No key is NULL; an empty key is a key.
            let withKey = { (key: UnsafeRawPointer?, length: Int) in
                crdkafka_produce(
                    self.handle.pointer, topic, message.partition ?? crdkafka_any_partition(), flags, key, length,
                    value.baseAddress, value.count, opaque)
            }
            guard let key = message.key else { return withKey(nil, 0) }
            guard !key.isEmpty else { return withKey("", 0) }
            return key.withUnsafeBytes { withKey($0.baseAddress, $0.count) }
        }
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            // A message the library refuses has no delivery report, so the box comes back here.
            Delivery.released(opaque)
            throw self.handle.error(code, operation: "send")
        }
    }
}
