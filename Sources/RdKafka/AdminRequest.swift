internal import CRdKafka

extension Handle {
    /// Sends one admin request and waits for its answer; blocks.
    ///
    /// - Parameters:
    ///   - send: queues the request with these options, answer to this queue.
    ///   - read: copies what it needs out of the answer, which ends with this call.
    func request<Value>(
        _ api: rd_kafka_admin_op_t, operation: String, timeout: Duration,
        send: (_ options: OpaquePointer, _ queue: OpaquePointer) -> Void,
        read: (_ answer: OpaquePointer) -> Value
    ) throws(KafkaError) -> Value {
        let queue = rd_kafka_queue_new(self.pointer)!
        defer { rd_kafka_queue_destroy(queue) }
        let options = rd_kafka_AdminOptions_new(self.pointer, api)!
        defer { rd_kafka_AdminOptions_destroy(options) }
        var reason = [CChar](repeating: 0, count: 256)
        // librdkafka's own limits are 1 ms and 1 hour.
        let limit = min(max(timeout.milliseconds, 1), 3_600_000)
        let code = rd_kafka_AdminOptions_set_request_timeout(options, limit, &reason, reason.count)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
            throw KafkaError(.init(code), operation: operation, detail: String(nulTerminated: reason))
        }

        send(options, queue)
        // The request has its own limit and always answers; the second is for the way back.
        guard let answer = rd_kafka_queue_poll(queue, limit + 1000) else {
            throw self.error(RD_KAFKA_RESP_ERR__TIMED_OUT, operation: operation)
        }
        defer { rd_kafka_event_destroy(answer) }
        let result = rd_kafka_event_error(answer)
        guard result == RD_KAFKA_RESP_ERR_NO_ERROR else {
            let text = rd_kafka_event_error_string(answer).map { String(cString: $0) } ?? ""
            throw self.error(result, operation: operation, detail: text)
        }
        return read(answer)
    }
}
