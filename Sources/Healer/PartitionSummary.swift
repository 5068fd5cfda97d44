internal import Cluster

/// One metadata view, summed up once so that nothing walks over all partitions again until the next.
struct PartitionSummary: Hashable, Sendable {
    let at: Moment
    let view: MetadataView
    private(set) var offline: [Int] = []
    private(set) var underReplicated: [Int] = []
    private(set) var underMinISR: [Int] = []
    private(set) var atMinISR: [Int] = []
    /// How many of its partitions a broker is not in sync with.
    private(set) var lagging: [BrokerID: Int] = [:]
    /// Brokers that stand in the last ISR of a partition without a leader: they are started first.
    private(set) var lastHolders: Set<BrokerID> = []

    init(_ view: MetadataView, at: Moment) {
        self.at = at
        self.view = view
        for (index, partition) in view.partitions.enumerated() {
            if partition.isOffline {
                self.offline.append(index)
                self.lastHolders.formUnion(partition.inSyncReplicas)
            }
            if partition.isUnderMinISR { self.underMinISR.append(index) }
            if partition.isAtMinISR { self.atMinISR.append(index) }
            guard partition.isUnderReplicated else { continue }
            self.underReplicated.append(index)
            for replica in partition.replicas where !partition.inSyncReplicas.contains(replica) {
                self.lagging[replica, default: 0] += 1
            }
        }
    }

    func ids(_ indices: [Int]) -> [TopicPartition] { indices.map { self.view.partitions[$0].id } }

    /// Those of a broker, as replicas.
    func hosted(by broker: BrokerID) -> [PartitionState] {
        self.view.partitions.filter { $0.replicas.contains(broker) }
    }

    /// `nil` when it is not in the view. The view is in order.
    func state(of id: TopicPartition) -> PartitionState? {
        var (low, high) = (0, self.view.partitions.count)
        while low < high {
            let middle = (low + high) / 2
            if self.view.partitions[middle].id < id { low = middle + 1 } else { high = middle }
        }
        guard low < self.view.partitions.count, self.view.partitions[low].id == id else { return nil }
        return self.view.partitions[low]
    }
}

/// What became of in-sync replicas between two views.
struct ISRChange: Hashable, Sendable {
    let id: TopicPartition
    /// No longer in sync, in assignment order.
    let left: [BrokerID]
    let joined: [BrokerID]

    /// In order; what is only in one of the views has not changed. Both views are in order, so one walk does.
    static func between(_ old: [PartitionState], _ new: [PartitionState]) -> [ISRChange] {
        var changes: [ISRChange] = []
        var index = 0
        for after in new {
            while index < old.count, old[index].id < after.id { index += 1 }
            guard index < old.count, old[index].id == after.id else { continue }
            let before = old[index]
            guard before.inSyncReplicas != after.inSyncReplicas else { continue }
            let left = before.inSyncReplicas.filter { !after.inSyncReplicas.contains($0) }
            let joined = after.inSyncReplicas.filter { !before.inSyncReplicas.contains($0) }
            if !left.isEmpty || !joined.isEmpty {
                changes.append(ISRChange(id: after.id, left: left, joined: joined))
            }
        }
        return changes
    }
}
