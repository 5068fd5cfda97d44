import Cluster
import RdKafka

extension MetadataView {
    /// Built straight from librdkafka's answer, so that a large cluster is not held twice.
    init(_ reply: borrowing MetadataReply, settings: [String: MetadataSettings.Topic]) {
        var lists = BrokerLists()
        var partitions: [PartitionState] = []
        partitions.reserveCapacity(reply.partitionCount)
        reply.forEachTopic { topic in
            let settings = settings[topic.name]
            topic.forEachPartition { partition in
                let replicas = lists.list(partition.replicas)
                partitions.append(
                    PartitionState(
                        TopicPartition(topic.name, partition.id), leader: partition.leader.map { BrokerID($0) },
                        replicas: replicas, inSyncReplicas: lists.list(partition.inSyncReplicas),
                        minInSyncReplicas: settings?.minInSyncReplicas, uncleanElection: settings?.uncleanElection))
            }
        }
        self.init(
            clusterID: reply.clusterID, controller: reply.controllerID.map { BrokerID($0) },
            brokers: Dictionary(
                reply.brokers.map {
                    (BrokerID($0.id), Endpoint(host: $0.host, port: UInt16(truncatingIfNeeded: $0.port)))
                }
            ) { $1 },
            partitions: partitions)
    }
}

/// Makes one array of equal lists of brokers: a cluster has far fewer of them than partitions.
///
/// A list met again is usually found, never surely: the places are few, and the last list to want one has it.
private struct BrokerLists {
    private static let places = 4096
    private var recent = [[BrokerID]](repeating: [], count: places)

    mutating func list(_ brokers: UnsafeBufferPointer<Int32>) -> [BrokerID] {
        // FNV-1a over whole numbers.
        var hash: UInt32 = 2_166_136_261
        for broker in brokers { hash = (hash ^ UInt32(bitPattern: broker)) &* 16_777_619 }
        let place = Int((hash ^ hash >> 16) % UInt32(Self.places))
        let found = self.recent[place]
        if found.count == brokers.count, zip(found, brokers).allSatisfy({ $0.rawValue == $1 }) { return found }
        let list = brokers.map { BrokerID($0) }
        self.recent[place] = list
        return list
    }
}
