import Cluster
import Healer

/// Where one cluster's brokers are to be learned from: what people are told while none of them is known.
struct BrokerSources: Hashable, Sendable {
    /// `bootstrap.servers`.
    let bootstrap: String
    /// The cluster's own ensemble; `nil` on KRaft.
    let zooKeeper: String?
    /// Whether brokers are discovered.
    let discovers: Bool

    init(_ cluster: ClusterConfiguration) {
        self.bootstrap = cluster.kafka["bootstrap.servers"]?.revealed ?? ""
        self.zooKeeper = cluster.zooKeeper?.description
        self.discovers = cluster.discovery.brokers
    }

    /// Why no broker is known, in one sentence with the addresses; `nil` if one is.
    func problem(_ view: ClusterView) -> String? {
        guard !view.knowsBrokers else { return nil }
        guard self.discovers else { return "no broker is known: `nodes` names none, and `discovery.brokers` is false" }
        var parts: [String] = []
        if let failure = view.monitorFailures[.metadata] {
            parts.append("the bootstrap servers \(self.bootstrap) do not answer (\(failure))")
        } else if view.partitions.age == nil {
            parts.append("the bootstrap servers \(self.bootstrap) have not answered yet")
        } else {
            parts.append("the bootstrap servers \(self.bootstrap) answer")
        }
        if let zooKeeper = self.zooKeeper {
            let failure = view.monitorFailures[.zookeeper]
            parts.append(
                failure.map { "the cluster's ZooKeeper \(zooKeeper) cannot be read (\($0))" }
                    ?? "none is registered in ZooKeeper at \(zooKeeper)")
        }
        return "no broker is known: \(parts.joined(separator: ", and "))"
    }
}

extension ClusterView {
    /// False while Kafka was never reached and none of its brokers is configured or remembered.
    var knowsBrokers: Bool { self.nodes.contains { $0.node.brokerID != nil } }
}
