public import Cluster

/// All nodes of a cluster.
public struct NodesPage: Hashable, Sendable, Codable {
    public var source: Source
    public var verdict: Verdict
    public var nodes: [NodeEntry]

    public init(source: Source, verdict: Verdict, nodes: [NodeEntry]) {
        self.source = source
        self.verdict = verdict
        self.nodes = nodes
    }
}

/// How a node is, in the seven words that earlier tools taught people: node, type, status, last check, response time,
/// method, error.
public struct NodeEntry: Hashable, Sendable, Codable {
    public var node: NodeName
    public var type: Kind
    public var status: NodeStatus
    /// Wall-clock time of the newest fact about it; `nil` while there is none.
    public var lastCheck: WallTime?
    /// Milliseconds; `nil` if the last check got no answer.
    public var responseTimeMs: Double?
    /// The method of the last check.
    public var method: MonitorMethod?
    public var error: String?
    /// `nil` for a ZooKeeper server.
    public var brokerID: BrokerID?
    /// `host:port`; `nil` if whoever answers does not know.
    public var address: String?

    public enum Kind: String, Hashable, Sendable, Codable {
        case broker, zookeeper
    }

    private enum CodingKeys: String, CodingKey {
        case node, type, status, lastCheck, responseTimeMs, method, error, address
        case brokerID = "brokerId"
    }

    public init(
        node: NodeName, type: Kind, status: NodeStatus, lastCheck: WallTime? = nil, responseTimeMs: Double? = nil,
        method: MonitorMethod? = nil, error: String? = nil, brokerID: BrokerID? = nil, address: String? = nil
    ) {
        self.node = node
        self.type = type
        self.status = status
        self.lastCheck = lastCheck
        self.responseTimeMs = responseTimeMs
        self.method = method
        self.error = error
        self.brokerID = brokerID
        self.address = address
    }

    public init(
        _ node: Node, status: NodeStatus, lastCheck: WallTime? = nil, responseTimeMs: Double? = nil,
        method: MonitorMethod? = nil, error: String? = nil
    ) {
        self.init(
            node: node.name, type: node.brokerID == nil ? .zookeeper : .broker, status: status, lastCheck: lastCheck,
            responseTimeMs: responseTimeMs, method: method, error: error, brokerID: node.brokerID,
            address: node.endpoint.description)
    }
}

/// One node looked at on request, by every method that can watch it.
public struct CheckPage: Hashable, Sendable, Codable {
    public var source: Source
    public var node: NodeEntry
    public var results: [CheckResult]

    public init(source: Source, node: NodeEntry, results: [CheckResult]) {
        self.source = source
        self.node = node
        self.results = results
    }

    public var isHealthy: Bool { self.node.status == .healthy && self.results.allSatisfy { $0.error == nil } }
}

/// What one method found.
public struct CheckResult: Hashable, Sendable, Codable {
    public var method: MonitorMethod
    /// Milliseconds until the answer, or until it was given up.
    public var timeMs: Double
    /// What was seen, in a few words.
    public var seen: String
    /// `nil` if all is well as far as this method can tell.
    public var error: String?

    public init(method: MonitorMethod, timeMs: Double, seen: String, error: String? = nil) {
        self.method = method
        self.timeMs = timeMs
        self.seen = seen
        self.error = error
    }
}
