internal import CRdKafka
internal import Glibc

/// A metadata answer while librdkafka still holds it, for who builds values of their own from it: 100,000 partitions
/// are then held once, not twice. Valid only within the closure that it is handed to.
public struct MetadataReply: ~Copyable {
    public let clusterID: String?
    public let controllerID: Int32?
    private let reply: UnsafePointer<rd_kafka_metadata>

    init(_ reply: UnsafePointer<rd_kafka_metadata>, clusterID: String?, controllerID: Int32?) {
        self.reply = reply
        self.clusterID = clusterID
        self.controllerID = controllerID
    }

    /// The broker that answered.
    public var answeredBy: Int32 { self.reply.pointee.orig_broker_id }

    /// Those that are registered, in no order.
    public var brokers: [Metadata.Broker] {
        UnsafeBufferPointer(start: self.reply.pointee.brokers, count: Int(self.reply.pointee.broker_cnt)).map {
            Metadata.Broker(id: $0.id, host: String(cString: $0.host), port: Int32($0.port))
        }
    }

    public var partitionCount: Int {
        self.topics.reduce(0) { $0 + Int($1.partition_cnt) }
    }

    /// Calls with each topic, in order of name (of its bytes; topic names are ASCII).
    public func forEachTopic(_ body: (TopicReply) -> Void) {
        for topic in self.topics.sorted(by: { strcmp($0.topic, $1.topic) < 0 }) { body(TopicReply(topic)) }
    }

    private var topics: UnsafeBufferPointer<rd_kafka_metadata_topic> {
        UnsafeBufferPointer(start: self.reply.pointee.topics, count: Int(self.reply.pointee.topic_cnt))
    }
}

/// One topic of a ``MetadataReply``; not to be kept.
public struct TopicReply {
    public let name: String
    public let error: KafkaError.Code
    private let partitions: UnsafeBufferPointer<rd_kafka_metadata_partition>

    init(_ topic: rd_kafka_metadata_topic) {
        self.name = String(cString: topic.topic)
        self.error = .init(topic.err)
        self.partitions = UnsafeBufferPointer(start: topic.partitions, count: Int(topic.partition_cnt))
    }

    public var partitionCount: Int { self.partitions.count }

    /// Calls with each partition in the broker's order, which is that of their numbers on every broker we know.
    public func forEachPartition(_ body: (PartitionReply) -> Void) {
        for partition in self.partitions { body(PartitionReply(partition)) }
    }
}

/// One partition of a ``MetadataReply``; not to be kept.
public struct PartitionReply {
    private let partition: rd_kafka_metadata_partition
    init(_ partition: rd_kafka_metadata_partition) { self.partition = partition }

    public var id: Int32 { self.partition.id }
    /// `nil` while the partition has no leader.
    public var leader: Int32? { self.partition.leader < 0 ? nil : self.partition.leader }
    public var error: KafkaError.Code { .init(self.partition.err) }
    /// In assignment order. Points into the reply.
    public var replicas: UnsafeBufferPointer<Int32> {
        UnsafeBufferPointer(start: self.partition.replicas, count: Int(self.partition.replica_cnt))
    }
    /// Points into the reply.
    public var inSyncReplicas: UnsafeBufferPointer<Int32> {
        UnsafeBufferPointer(start: self.partition.isrs, count: Int(self.partition.isr_cnt))
    }
}

extension Metadata {
    init(_ reply: borrowing MetadataReply) {
        self.clusterID = reply.clusterID
        self.controllerID = reply.controllerID
        self.answeredBy = reply.answeredBy
        self.brokers = reply.brokers
        var topics: [Topic] = []
        var lists = SharedLists<Int32>(broker: { $0 }, number: { $0 })
        reply.forEachTopic { topic in
            var partitions: [Partition] = []
            partitions.reserveCapacity(topic.partitionCount)
            topic.forEachPartition { partition in
                partitions.append(
                    Partition(
                        id: partition.id, leader: partition.leader, error: partition.error,
                        replicas: lists.list(partition.replicas), inSyncReplicas: lists.list(partition.inSyncReplicas)))
            }
            topics.append(Topic(name: topic.name, error: topic.error, partitions: partitions))
        }
        self.topics = topics
    }
}
