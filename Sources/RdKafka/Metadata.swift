/// What one broker says of the whole cluster: a copy that outlives the client.
public struct Metadata: Hashable, Sendable {
    public let clusterID: String?
    /// In KRaft mode any broker: the real controller does not serve clients.
    public let controllerID: Int32?
    /// The broker that answered.
    public let answeredBy: Int32
    /// Those that are registered, in no order.
    public let brokers: [Broker]
    /// In order of name.
    public let topics: [Topic]

    public struct Broker: Hashable, Sendable {
        public let id: Int32
        public let host: String
        public let port: Int32
    }

    public struct Topic: Hashable, Sendable {
        public let name: String
        /// ``KafkaError/Code/none`` unless the broker cannot speak of the topic.
        public let error: KafkaError.Code
        /// In order of number.
        public let partitions: [Partition]
    }

    public struct Partition: Hashable, Sendable {
        public let id: Int32
        /// `nil` while the partition has no leader.
        public let leader: Int32?
        /// ``KafkaError/Code/leaderNotAvailable`` without a leader.
        public let error: KafkaError.Code
        /// In assignment order: the first is the preferred leader.
        public let replicas: [Int32]
        public let inSyncReplicas: [Int32]
    }
}
