/// The name of a failure.
///
/// The codes that start with `broker` or `zooKeeper` are conditions of one node, of which it has one at a time; the
/// others are about partitions.
public enum FindingCode: String, Hashable, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    case brokerDead, brokerHung, brokerStarting, brokerStopped, brokerUnregistered
    case zooKeeperDead, zooKeeperHung, zooKeeperStarting, zooKeeperStopped
    /// Its process runs and answers that it does not serve: it has no quorum, or cannot write its log.
    case zooKeeperNotServing
    case partitionOffline, underReplicated, underMinISR, isrShrink
}
