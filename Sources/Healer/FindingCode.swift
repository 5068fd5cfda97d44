/// The name of a failure.
public enum FindingCode: String, Hashable, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    case brokerDead, brokerHung, brokerStarting, brokerStopped, brokerUnregistered
    case zooKeeperDead
    case partitionOffline, underReplicated, underMinISR, isrShrink
}
