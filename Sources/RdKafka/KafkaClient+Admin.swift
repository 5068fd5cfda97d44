internal import CRdKafka
internal import Dispatch

/// The answer to DescribeCluster.
public struct ClusterDescription: Hashable, Sendable {
    public let clusterID: String?
    /// `nil` while there is none. In KRaft mode any broker.
    public let controllerID: Int32?
    public let nodes: [Node]

    public struct Node: Hashable, Sendable {
        public let id: Int32
        public let host: String
        public let port: UInt16
        /// `broker.rack`; `nil` if it is not set.
        public let rack: String?
    }
}

/// A topic to be created.
public struct NewTopic: Hashable, Sendable {
    public let name: String
    public let partitions: Int32
    public let replicationFactor: Int32
    /// Such as `min.insync.replicas`.
    public let configuration: [String: String]

    public init(name: String, partitions: Int32, replicationFactor: Int32, configuration: [String: String] = [:]) {
        self.name = name
        self.partitions = partitions
        self.replicationFactor = replicationFactor
        self.configuration = configuration
    }
}

extension KafkaClient {
    /// How many topics one request asks about, so that an answer stays well below a broker's and our own size limits.
    static let topicsPerRequest = 1000

    public func describeCluster(timeout: Duration) async throws(KafkaError) -> ClusterDescription {
        let handle = self.handle
        return try await DispatchQueue.runUnlessCancelled("describe cluster") {
            () throws(KafkaError) -> ClusterDescription in
            try handle.request(RD_KAFKA_ADMIN_OP_DESCRIBECLUSTER, operation: "describe cluster", timeout: timeout) {
                rd_kafka_DescribeCluster(handle.pointer, $0, $1)
            } read: { answer in
                ClusterDescription(rd_kafka_event_DescribeCluster_result(answer))
            }
        }
    }

    /// The values in force of these settings, for each topic that could be asked about.
    ///
    /// - Parameter timeout: of one request; there is one for every thousand topics, one after the other.
    /// - Returns: per topic its settings, or why the broker does not tell (the topic is gone, or not ours to read).
    public func configurations(
        of topics: [String], settings: [String], timeout: Duration
    ) async throws(KafkaError) -> [String: Result<[String: String], KafkaError>] {
        let handle = self.handle
        return try await DispatchQueue.runUnlessCancelled("describe configurations") {
            () throws(KafkaError) -> [String: Result<[String: String], KafkaError>] in
            var found: [String: Result<[String: String], KafkaError>] = [:]
            found.reserveCapacity(topics.count)
            for start in stride(from: 0, to: topics.count, by: Self.topicsPerRequest) {
                let batch = topics[start..<min(start + Self.topicsPerRequest, topics.count)]
                var resources: [OpaquePointer?] = batch.map { topic in
                    let resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic)!
                    // Names without values: the request then asks for these alone.
                    for name in settings { rd_kafka_ConfigResource_set_config(resource, name, "") }
                    return resource
                }
                defer { rd_kafka_ConfigResource_destroy_array(&resources, resources.count) }
                try handle.request(
                    RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, operation: "describe configurations", timeout: timeout
                ) {
                    rd_kafka_DescribeConfigs(handle.pointer, &resources, resources.count, $0, $1)
                } read: { answer in
                    for (topic, result) in Self.configurations(in: answer) { found[topic] = result }
                }
            }
            return found
        }
    }

    /// - Returns: per topic that could not be created, why. ``KafkaError/Code/topicExists`` is among the reasons.
    public func createTopics(
        _ topics: [NewTopic], timeout: Duration
    ) async throws(KafkaError) -> [String: KafkaError] {
        let handle = self.handle
        return try await DispatchQueue.run { () throws(KafkaError) -> [String: KafkaError] in
            var refused: [String: KafkaError] = [:]
            var created: [OpaquePointer?] = []
            var reason = [CChar](repeating: 0, count: 256)
            for topic in topics {
                guard
                    let pointer = rd_kafka_NewTopic_new(
                        topic.name, topic.partitions, topic.replicationFactor, &reason, reason.count)
                else {
                    refused[topic.name] = KafkaError(
                        .invalidArgument, operation: "create topic", detail: String(nulTerminated: reason))
                    continue
                }
                for (name, value) in topic.configuration { rd_kafka_NewTopic_set_config(pointer, name, value) }
                created.append(pointer)
            }
            defer { rd_kafka_NewTopic_destroy_array(&created, created.count) }
            guard !created.isEmpty else { return refused }
            try handle.request(RD_KAFKA_ADMIN_OP_CREATETOPICS, operation: "create topics", timeout: timeout) {
                rd_kafka_CreateTopics(handle.pointer, &created, created.count, $0, $1)
            } read: { answer in
                var count = 0
                let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(answer), &count)
                for result in UnsafeBufferPointer(start: results, count: count) {
                    let code = rd_kafka_topic_result_error(result)
                    guard code != RD_KAFKA_RESP_ERR_NO_ERROR else { continue }
                    let detail = rd_kafka_topic_result_error_string(result).map { String(cString: $0) } ?? ""
                    refused[String(cString: rd_kafka_topic_result_name(result))] = KafkaError(
                        .init(code), operation: "create topic", detail: detail)
                }
            }
            return refused
        }
    }

    private static func configurations(
        in answer: OpaquePointer
    ) -> [(String, Result<[String: String], KafkaError>)] {
        var count = 0
        let resources = rd_kafka_DescribeConfigs_result_resources(
            rd_kafka_event_DescribeConfigs_result(answer), &count)
        return UnsafeBufferPointer(start: resources, count: count).map { resource in
            let topic = String(cString: rd_kafka_ConfigResource_name(resource))
            let code = rd_kafka_ConfigResource_error(resource)
            guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
                let detail = rd_kafka_ConfigResource_error_string(resource).map { String(cString: $0) } ?? ""
                return (topic, .failure(KafkaError(.init(code), operation: "describe configuration", detail: detail)))
            }
            var entryCount = 0
            let entries = rd_kafka_ConfigResource_configs(resource, &entryCount)
            var values: [String: String] = [:]
            for entry in UnsafeBufferPointer(start: entries, count: entryCount) {
                // A sensitive setting has no value here.
                guard let value = rd_kafka_ConfigEntry_value(entry) else { continue }
                values[String(cString: rd_kafka_ConfigEntry_name(entry))] = String(cString: value)
            }
            return (topic, .success(values))
        }
    }
}

extension ClusterDescription {
    fileprivate init(_ result: OpaquePointer?) {
        self.clusterID = rd_kafka_DescribeCluster_result_cluster_id(result).map { String(cString: $0) }
        self.controllerID = rd_kafka_DescribeCluster_result_controller(result).map { rd_kafka_Node_id($0) }
        var count = 0
        let nodes = rd_kafka_DescribeCluster_result_nodes(result, &count)
        self.nodes = UnsafeBufferPointer(start: nodes, count: count).map { node in
            Node(
                id: rd_kafka_Node_id(node), host: String(cString: rd_kafka_Node_host(node)),
                port: rd_kafka_Node_port(node), rack: rd_kafka_Node_rack(node).map { String(cString: $0) })
        }
    }
}
