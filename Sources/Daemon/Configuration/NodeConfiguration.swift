import Cluster

/// A node as the file names it.
struct NodeConfiguration: Hashable, Sendable {
    var node: Node
    /// `nil` means all that apply to such a node.
    var monitoringMethods: [MonitorMethod]?
    /// What may be done to this node; `nil` means all.
    var recoveryActions: Set<RecoveryAction>?
    /// `nil` means the healer's.
    var retryPolicy: RecoveryConfiguration?
    /// `nil` means the cluster's.
    var supervisor: SupervisorConfiguration?
}

/// What may be done to a node.
enum RecoveryAction: String, Hashable, Sendable, CaseIterable {
    case deregister, start, kill
    /// A thread dump before a kill.
    case dump
}

/// What the file says that holds for one node, whether it names the node or the node was discovered.
struct NodeSettings: Hashable, Sendable {
    var methods: Set<MonitorMethod>
    var actions: Set<RecoveryAction>
    var retryPolicy: RecoveryConfiguration
    var supervisor: SupervisorConfiguration?
}

extension Configuration {
    func settings(for node: Node, in cluster: ClusterConfiguration) -> NodeSettings {
        let own = cluster.nodes.first { $0.node.name == node.name }
        let supervisor = own?.supervisor ?? cluster.supervisor
        var methods = Set(own?.monitoringMethods ?? MonitorMethod.methods(for: node.role))
        if cluster.zooKeeper == nil { methods.remove(.zookeeper) }
        if supervisor == nil { methods.remove(.supervisor) }
        return NodeSettings(
            methods: methods, actions: own?.recoveryActions ?? Set(RecoveryAction.allCases),
            retryPolicy: own?.retryPolicy ?? self.recovery, supervisor: supervisor)
    }
}

extension MonitorMethod {
    /// The ways to watch such a node, in the order of the documentation.
    static func methods(for role: Node.Role) -> [MonitorMethod] {
        switch role {
        case .broker: [.socket, .protocol, .metadata, .zookeeper, .supervisor]
        case .zooKeeper: [.socket, .fourLetter, .supervisor]
        }
    }
}
