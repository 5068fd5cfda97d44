internal import CRdKafka
internal import Synchronization

/// The box that travels with one message through librdkafka, and comes back with its delivery report exactly once.
final class Delivery: Sendable {
    private let delivered: @Sendable (Result<Position, KafkaError>) -> Void

    private init(_ delivered: @escaping @Sendable (Result<Position, KafkaError>) -> Void) {
        self.delivered = delivered
    }

    static func retained(
        _ delivered: @escaping @Sendable (Result<Position, KafkaError>) -> Void
    ) -> UnsafeMutableRawPointer {
        Unmanaged.passRetained(Delivery(delivered)).toOpaque()
    }

    static func released(_ opaque: UnsafeMutableRawPointer) {
        Unmanaged<Delivery>.fromOpaque(opaque).release()
    }

    /// Takes the box out of a delivery report and tells its owner.
    static func taken(from message: UnsafePointer<rd_kafka_message_t>) {
        guard let opaque = message.pointee._private else { return }
        let delivery = Unmanaged<Delivery>.fromOpaque(opaque).takeRetainedValue()
        let code = message.pointee.err
        delivery.delivered(
            code == RD_KAFKA_RESP_ERR_NO_ERROR
                ? .success(Position(partition: message.pointee.partition, offset: message.pointee.offset))
                : .failure(KafkaError(.init(code), operation: "send")))
    }
}

/// The results of many deliveries, handed over when the last one is in.
final class DeliveryBatch: Sendable {
    private struct State {
        var results: [Result<Position, KafkaError>]
        var missing: Int
        var receiver: (@Sendable ([Result<Position, KafkaError>]) -> Void)?
    }
    private let state: Mutex<State>

    init(count: Int) {
        let unknown = Result<Position, KafkaError>.failure(KafkaError(.timedOut, operation: "send"))
        self.state = Mutex(State(results: Array(repeating: unknown, count: count), missing: count))
    }

    /// To be called before the first delivery can complete.
    func whenComplete(_ receiver: @escaping @Sendable ([Result<Position, KafkaError>]) -> Void) {
        self.state.withLock { $0.receiver = receiver }
    }

    func complete(_ index: Int, _ result: Result<Position, KafkaError>) {
        let done = self.state.withLock { state -> (() -> Void)? in
            state.results[index] = result
            state.missing -= 1
            guard state.missing == 0, let receiver = state.receiver else { return nil }
            let results = state.results
            return { receiver(results) }
        }
        done?()
    }
}
