import Cluster
import RdKafka

extension MetadataView {
    /// Built straight from librdkafka's answer, so that a large cluster is not held twice.
    init(_ reply: borrowing MetadataReply, settings: [String: MetadataSettings.Topic]) {
        var lists = SharedLists<BrokerID>(broker: { BrokerID($0) }, number: { $0.rawValue })
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
