internal import Cluster

/// What is wrong with partitions, by one metadata view.
struct PartitionFinding: Hashable, Sendable {
    /// As many as a finding names.
    static let named = 20

    var code: FindingCode
    var count: Int
    /// In order, the first ``named``.
    var partitions: [TopicPartition]
}

/// The rules for partitions: pure functions of the last metadata view and of the brokers that fail.
enum PartitionRules {
    /// How long after an ISR became smaller it is still said.
    static let shrinkMemory = Duration.seconds(60)

    /// - Parameter failing: brokers that have a condition of their own; what follows from it is no finding of its own.
    static func findings(in state: ClusterState, failing: Set<BrokerID>, at now: Moment) -> [PartitionFinding] {
        guard let summary = state.metadata else { return [] }
        let unexplained = summary.underReplicated.filter { index in
            let partition = summary.view.partitions[index]
            return partition.replicas.contains { !partition.inSyncReplicas.contains($0) && !failing.contains($0) }
        }
        let ids = summary.ids(unexplained)
        let shrunk = ids.filter { state.shrunkAt[$0].map { now - $0 <= self.shrinkMemory } ?? false }
        return [
            (FindingCode.partitionOffline, summary.ids(summary.offline)),
            (.underMinISR, summary.ids(summary.underMinISR)), (.underReplicated, ids), (.isrShrink, shrunk),
        ].compactMap { code, ids in
            ids.isEmpty
                ? nil
                : PartitionFinding(
                    code: code, count: ids.count, partitions: Array(ids.prefix(PartitionFinding.named)))
        }
    }
}
