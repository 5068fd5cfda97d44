/// Where things stand in ZooKeeper for one cluster (DESIGN section 8). Every node named here is persistent, so that no
/// sequence starts again and no version is repeated; only candidates and observers below them are ephemeral.
public struct Layout: Hashable, Sendable {
    /// The coordination root, such as `/kafka-healer`, without a slash at its end.
    public let root: String
    public let cluster: ClusterName

    /// - Parameter root: absolute; slashes at its end are dropped.
    public init(root: String, cluster: ClusterName) {
        var root = root
        while root.hasSuffix("/") { root.removeLast() }
        self.root = root
        self.cluster = cluster
    }

    /// What belongs to this cluster.
    public var base: String { "\(self.root)/clusters/\(self.cluster)" }
    /// The claim of the present leader. Never deleted: its data version guards every write.
    public var leader: String { "\(self.base)/leader" }
    /// The leader's pulse.
    public var beat: String { "\(self.base)/beat" }
    /// Pause, maintenance and approvals of this cluster. Empty until an operator writes it.
    public var control: String { "\(self.base)/control" }
    /// The pause of all clusters. Empty until an operator writes it.
    public var globalControl: String { "\(self.root)/control" }
    public var candidates: String { "\(self.base)/candidates" }
    public var nodes: String { "\(self.base)/nodes" }
    public var observers: String { "\(self.base)/observers" }
    public var incidents: String { "\(self.base)/incidents" }
    public var recoveries: String { "\(self.base)/recoveries" }
    /// Below it, for each node, the last intent whose step was about to begin.
    public var begun: String { "\(self.base)/begun" }
    public var history: String { "\(self.base)/history" }
    public var outbox: String { "\(self.base)/outbox" }

    public func candidate(_ name: String) -> String { "\(self.candidates)/\(name)" }
    public func observer(_ id: HealerID) -> String { "\(self.observers)/\(id)" }
    public func incident(_ id: String) -> String { "\(self.incidents)/\(id)" }
    public func recovery(of node: NodeName) -> String { "\(self.recoveries)/\(node)" }
    public func begun(_ node: NodeName) -> String { "\(self.begun)/\(node)" }
    public func history(of node: NodeName) -> String { "\(self.history)/\(node)" }

    /// Nodes below which others come and go.
    public var collections: [String] {
        [self.candidates, self.nodes, self.observers, self.incidents, self.recoveries, self.begun, self.history]
    }

    /// Every persistent node, each after its parent, with the data that it starts with.
    public var foundation: [(path: String, data: [UInt8])] {
        var paths: [String] = []
        var ancestor = ""
        for part in self.root.split(separator: "/") {
            ancestor += "/\(part)"
            paths.append(ancestor)
        }
        paths += [self.globalControl, "\(self.root)/clusters", self.base] + self.collections
        paths += [self.outbox, self.control, self.beat]
        return paths.map { ($0, []) } + [(self.leader, LeaderRecord.vacant(.none).encoded)]
    }
}
