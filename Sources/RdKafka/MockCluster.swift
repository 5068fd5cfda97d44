internal import CRdKafka
internal import Dispatch

/// librdkafka's own cluster in memory: real sockets on loopback, about twenty kinds of request, no admin requests.
///
/// For tests of the wrapper, and for sizes that no test machine can hold. Replicas and in-sync replicas are always
/// equal, and nothing is kept when it ends.
public final class MockCluster: Sendable {
    private let handle: Handle
    private let cluster: Cluster

    /// `@unchecked Sendable`: a mock cluster's calls are operations on its own thread's queue.
    private struct Cluster: @unchecked Sendable { let pointer: OpaquePointer }

    /// Brokers are numbered from 1.
    public init(brokers: Int) throws(KafkaError) {
        self.handle = try Handle(
            RD_KAFKA_PRODUCER,
            ClientProperties(
                [
                    "test.mock.num.brokers": String(brokers), "log.queue": "true", "client.id": "mock-cluster",
                    // Its own client only carries the cluster.
                    "log_level": "0",
                ]), log: { _ in })
        guard let pointer = rd_kafka_handle_mock_cluster(self.handle.pointer) else {
            throw KafkaError(.invalidArgument, operation: "start mock cluster")
        }
        self.cluster = Cluster(pointer: pointer)
    }

    /// For a client's property of this name.
    public var bootstrapServers: String { String(cString: rd_kafka_mock_cluster_bootstraps(self.cluster.pointer)) }

    public func createTopic(_ name: String, partitions: Int, replicationFactor: Int) throws(KafkaError) {
        try self.check("create topic") {
            rd_kafka_mock_topic_create($0, name, Int32(partitions), Int32(replicationFactor))
        }
    }

    /// - Parameter broker: `nil` for no leader.
    public func setLeader(_ topic: String, _ partition: Int32, to broker: Int32?) throws(KafkaError) {
        try self.check("set leader") { rd_kafka_mock_partition_set_leader($0, topic, partition, broker ?? -1) }
    }

    /// The broker closes its connections and takes no new ones; metadata goes on naming it.
    public func stop(_ broker: Int32) throws(KafkaError) {
        try self.check("stop broker") { rd_kafka_mock_broker_set_down($0, broker) }
    }

    public func start(_ broker: Int32) throws(KafkaError) {
        try self.check("start broker") { rd_kafka_mock_broker_set_up($0, broker) }
    }

    /// Every answer of this broker comes so much later.
    public func delay(_ broker: Int32, by duration: Duration) throws(KafkaError) {
        try self.check("delay broker") { rd_kafka_mock_broker_set_rtt($0, broker, duration.milliseconds) }
    }

    /// The next requests of this kind fail with these codes, in this order.
    ///
    /// - Parameter request: the number that Kafka gives it, such as 3 for Metadata.
    public func fail(_ request: Int16, with codes: [KafkaError.Code]) {
        let errors = codes.map { rd_kafka_resp_err_t($0.rawValue) }
        rd_kafka_mock_push_request_errors_array(self.cluster.pointer, request, errors.count, errors)
    }

    private func check(
        _ operation: String, _ call: (OpaquePointer) -> rd_kafka_resp_err_t
    ) throws(KafkaError) {
        let code = call(self.cluster.pointer)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaError(.init(code), operation: operation) }
    }
}
