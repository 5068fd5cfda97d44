internal import CRdKafka
internal import Dispatch
internal import Synchronization

/// An `rd_kafka_t`, and the thread that reads its events: log lines, errors, delivery reports.
///
/// `@unchecked Sendable`: any thread may use an `rd_kafka_t` until it is destroyed, and that happens after the last
/// reference to this object is gone, at the end of the event thread, since it waits for librdkafka's own threads.
final class Handle: @unchecked Sendable {
    let pointer: OpaquePointer
    let events: Events
    private let queue: OpaquePointer

    init(_ type: rd_kafka_type_t, _ properties: ClientProperties, log: @escaping LogSink) throws(KafkaError) {
        let configuration = try properties.makeConfiguration()
        rd_kafka_conf_set_events(
            configuration, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG)
        var reason = [CChar](repeating: 0, count: 512)
        guard let pointer = rd_kafka_new(type, configuration, &reason, reason.count) else {
            let code = KafkaError.Code(crdkafka_last_error())
            rd_kafka_conf_destroy(configuration)  // Taken over by a client only if there is one.
            throw KafkaError(
                code, operation: "start", detail: properties.redacted(String(nulTerminated: reason)))
        }
        self.pointer = pointer
        rd_kafka_set_log_queue(pointer, nil)
        self.queue = rd_kafka_queue_get_main(pointer)!
        self.events = Events(properties, log)

        let loop = EventLoop(
            client: pointer, queue: self.queue, events: self.events, isProducer: type == RD_KAFKA_PRODUCER)
        // A serial queue of its own is a thread of its own for as long as this runs.
        DispatchQueue(label: "rdkafka.events").async { loop.run() }
    }

    deinit {
        self.events.stop()
        rd_kafka_queue_yield(self.queue)
    }
}

/// What the events of one client tell, readable from any thread.
final class Events: Sendable {
    private let properties: ClientProperties
    private let sink: LogSink
    private let stopped = Atomic<Bool>(false)
    private let authenticationFailure = Mutex<KafkaError?>(nil)

    init(_ properties: ClientProperties, _ sink: @escaping LogSink) {
        self.properties = properties
        self.sink = sink
    }

    func stop() { self.stopped.store(true, ordering: .releasing) }
    var isStopped: Bool { self.stopped.load(ordering: .acquiring) }

    /// The last refusal of our credentials since this was last asked. The calls themselves only time out on it.
    func takeAuthenticationFailure() -> KafkaError? {
        self.authenticationFailure.withLock { last in
            defer { last = nil }
            return last
        }
    }

    func redacted(_ text: String) -> String { self.properties.redacted(text) }

    fileprivate func handle(_ event: OpaquePointer) {
        switch rd_kafka_event_type(event) {
        case RD_KAFKA_EVENT_DR:
            while let message = rd_kafka_event_message_next(event) { Delivery.taken(from: message) }
        case RD_KAFKA_EVENT_ERROR:
            let text = rd_kafka_event_error_string(event).map { String(cString: $0) } ?? ""
            let error = KafkaError(
                .init(rd_kafka_event_error(event)), operation: "connect", detail: self.redacted(text))
            if error.isAuthenticationFailure { self.authenticationFailure.withLock { $0 = error } }
            self.sink(LogLine(severity: 3, facility: error.code.name, message: error.detail))
        case RD_KAFKA_EVENT_LOG:
            var facility: UnsafePointer<CChar>?
            var text: UnsafePointer<CChar>?
            var severity: Int32 = 0
            guard rd_kafka_event_log(event, &facility, &text, &severity) == 0, let facility, let text else { return }
            self.sink(
                LogLine(
                    severity: Int(severity), facility: String(cString: facility),
                    message: self.redacted(String(cString: text))))
        default: break
        }
    }
}

/// What runs on the event thread.
///
/// `@unchecked Sendable`: made by a ``Handle`` and handed to that one thread, which owns the client from the moment the
/// handle is gone.
private struct EventLoop: @unchecked Sendable {
    let client: OpaquePointer
    let queue: OpaquePointer
    let events: Events
    let isProducer: Bool

    /// How long a wait lasts if nobody ends it; only an upper bound for a wake-up that was missed.
    private static let wait: Int32 = 1000
    /// How many waits the reports of given-up messages may take.
    private static let lastWaits = 5

    func run() {
        while !self.events.isStopped { self.poll() }
        if self.isProducer {
            // Everybody who waits for a delivery hears of its end.
            rd_kafka_purge(self.client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
            var waits = 0
            while rd_kafka_outq_len(self.client) > 0 && waits < Self.lastWaits {
                waits += self.poll() ? 0 : 1
            }
        }
        rd_kafka_queue_destroy(self.queue)
        rd_kafka_destroy(self.client)
    }

    /// False if nothing came.
    @discardableResult
    private func poll() -> Bool {
        guard let event = rd_kafka_queue_poll(self.queue, Self.wait) else { return false }
        self.events.handle(event)
        rd_kafka_event_destroy(event)
        return true
    }
}
