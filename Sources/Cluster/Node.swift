/// A broker or a ZooKeeper server that is looked after.
public struct Node: Hashable, Sendable, Codable {
    public let name: NodeName
    public let role: Role
    public let endpoint: Endpoint

    public enum Role: Hashable, Sendable, Codable {
        case broker(BrokerID)
        /// A server of the cluster's ZooKeeper ensemble.
        case zooKeeper
    }

    public init(name: NodeName, role: Role, endpoint: Endpoint) {
        self.name = name
        self.role = role
        self.endpoint = endpoint
    }

    /// `nil` for a ZooKeeper server.
    public var brokerID: BrokerID? {
        if case .broker(let id) = self.role { id } else { nil }
    }
}

/// A host and a port to connect to.
public struct Endpoint: Hashable, Sendable, Codable, CustomStringConvertible {
    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    public let host: String
    public let port: UInt16
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
    public var description: String {
        self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }
}

/// The status of a node in the words that earlier tools taught people.
public enum NodeStatus: String, Hashable, Sendable, Codable, CaseIterable {
    case healthy = "HEALTHY"
    case overloaded = "OVERLOADED"
    case unhealthy = "UNHEALTHY"
    case starting = "STARTING"
    case stopped = "STOPPED"
    case maintenance = "MAINTENANCE"
    case unknown = "UNKNOWN"
}
