internal import CRdKafka
internal import Dispatch

/// A client that asks a cluster about itself.
///
/// Each call is one try, ends within its timeout, and may run beside others. The connections are held between calls,
/// and end some time after the last reference is gone.
public final class KafkaClient: Sendable {
    let handle: Handle

    /// - Parameters:
    ///   - properties: any of librdkafka's, `bootstrap.servers` at least.
    ///   - log: gets librdkafka's own lines.
    /// - Throws: ``KafkaError/Code/invalidArgument`` that names the property which is unknown or has an impossible value.
    public init(_ properties: [String: String], log: @escaping LogSink = { _ in }) throws(KafkaError) {
        self.handle = try Handle(
            RD_KAFKA_PRODUCER,
            ClientProperties(properties, defaults: ["client.id": "kafka-healer"], fixed: ["log.queue": "true"]),
            log: log)
    }

    /// All topics and brokers as one broker sees them now.
    public func metadata(timeout: Duration) async throws(KafkaError) -> Metadata {
        try await self.metadata(timeout: timeout) { Metadata($0) }
    }

    /// As ``metadata(timeout:)``, for who makes their own values of the answer. `read` is called on a thread that may
    /// block.
    public func metadata<Value: Sendable>(
        timeout: Duration, read: @escaping @Sendable (borrowing MetadataReply) -> Value
    ) async throws(KafkaError) -> Value {
        let handle = self.handle
        return try await DispatchQueue.runUnlessCancelled("metadata") { () throws(KafkaError) -> Value in
            var reply: UnsafePointer<rd_kafka_metadata>?
            let code = rd_kafka_metadata(handle.pointer, 1, nil, &reply, timeout.milliseconds)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let reply else {
                throw handle.error(code, operation: "metadata")
            }
            defer { rd_kafka_metadata_destroy(reply) }
            // Both come with the answer above, so they wait for nothing.
            let clusterID = rd_kafka_clusterid(handle.pointer, 0).map { pointer in
                defer { rd_kafka_mem_free(handle.pointer, pointer) }
                return String(cString: pointer)
            }
            let controller = rd_kafka_controllerid(handle.pointer, 0)
            return read(
                MetadataReply(reply, clusterID: clusterID, controllerID: controller < 0 ? nil : controller))
        }
    }
}

extension Handle {
    /// A refusal of our credentials shows in the calls as no more than a time-out; whoever asks hears the cause.
    func error(_ code: rd_kafka_resp_err_t, operation: String, detail: String = "") -> KafkaError {
        if let cause = self.events.takeAuthenticationFailure() {
            return KafkaError(cause.code, operation: operation, detail: cause.detail)
        }
        return KafkaError(.init(code), operation: operation, detail: self.events.redacted(detail))
    }
}
