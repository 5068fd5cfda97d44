import Cluster
import Healer

/// Where one cluster's brokers are to be learned from: what people are told while some of them are not known.
struct BrokerSources: Hashable, Sendable {
    /// `bootstrap.servers`.
    let bootstrap: String
    /// The cluster's own ensemble; `nil` on KRaft.
    let zooKeeper: String?
    /// Whether brokers are discovered.
    let discovers: Bool
    /// In `nodes`.
    let named: Set<NodeName>

    init(_ cluster: ClusterConfiguration) {
        self.bootstrap = cluster.kafka["bootstrap.servers"]?.revealed ?? ""
        self.zooKeeper = cluster.zooKeeper?.description
        self.discovers = cluster.discovery.brokers
        self.named = Set(cluster.nodes.map(\.node.name))
    }

    /// Why no broker is known, in one sentence with the addresses, or which ones are not; `nil` if all are.
    func problem(_ view: ClusterView) -> String? {
        guard !view.knowsBrokers else { return self.problem(of: self.strangers(view)) }
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

    /// Those that hold replicas, and that no healer has ever seen register: one that was down when healers first looked is
    /// such. Where it runs stands nowhere but in the configuration. None where the file says which brokers are looked after.
    func strangers(_ view: ClusterView) -> [BrokerID] {
        guard self.discovers else { return [] }
        let known = Set(view.nodes.compactMap(\.node.brokerID))
        var strangers: Set<BrokerID> = []
        for partition in view.partitions.states {
            for broker in partition.replicas where !known.contains(broker) { strangers.insert(broker) }
        }
        return strangers.sorted()
    }

    private func problem(of strangers: [BrokerID]) -> String? {
        guard let first = strangers.first else { return nil }
        guard strangers.count > 1 else {
            return "broker \(first) holds replicas, but no healer has ever seen it register, so where it runs is not "
                + "known: name it in `nodes`, or start it once by hand"
        }
        let list = strangers.map(\.description).joined(separator: ", ")
        return "brokers \(list) hold replicas, but no healer has ever seen them register, so where they run is not "
            + "known: name them in `nodes`, or start them once by hand"
    }
}

extension ClusterView {
    /// False while Kafka was never reached and none of its brokers is configured or remembered.
    var knowsBrokers: Bool { self.nodes.contains { $0.node.brokerID != nil } }
}
