import Cluster
import Foundation

/// `sandbox.json`: what a sandbox is made of. Written once by `up`, before the first process starts.
struct SandboxDescription: Hashable, Sendable, Codable {
    /// In the environment of every process of this sandbox as `HEALER_SANDBOX_ID`.
    let id: String
    /// ISO 8601, UTC.
    let created: String
    let nodes: [SandboxNode]
    /// The connect string of the ensemble.
    let zookeeper: String
    /// The brokers as a client wants them; empty without brokers.
    let bootstrap: String
    /// `zookeeper.session.timeout.ms` of the brokers, in milliseconds.
    let sessionTimeout: Int
    let topics: [SandboxTopic]
    /// The folder with Kafka's and ZooKeeper's jars.
    let jars: String
    /// The `java` that runs them.
    let java: String
    /// What makes them start quickly; `nil`: nothing does.
    let archive: ClassArchive?
    /// See ``SandboxOptions/preallocation``.
    var preallocation: Int?
    /// Between ZooKeeper servers; `nil`: they find each other where they are.
    var peerRoutes: [PeerRoute]?

    var brokers: [SandboxNode] { self.nodes.filter { $0.role == .broker } }
    var zookeepers: [SandboxNode] { self.nodes.filter { $0.role == .zookeeper } }
}

/// A node of a sandbox, under the names that `sandbox.json` uses.
struct SandboxNode: Hashable, Sendable, Codable {
    enum Role: String, Hashable, Sendable, Codable { case zookeeper, broker }

    /// `zookeeper-1`, `kafka-2`.
    let name: String
    let role: Role
    /// `broker.id`; `nil` for a ZooKeeper server.
    let broker: Int32?
    let host: String
    /// Clients connect here. Kept over restarts.
    let port: UInt16
    /// Ports among the servers of the ensemble: peer and election. Empty for a broker.
    let peerPorts: [UInt16]
    /// Its configuration, data, logs and state.
    let folder: String

    /// The same node in the words of ``Cluster``.
    var node: Node {
        Node(
            name: NodeName(self.name), role: self.broker.map { .broker(BrokerID($0)) } ?? .zooKeeper,
            endpoint: Endpoint(host: self.host, port: self.port))
    }

    /// Written by Kafka and ZooKeeper through their logging library.
    var log: String { "\(self.folder)/server.log" }
    /// Standard output and error of `java`: thread dumps, and what the JVM itself says.
    var console: String { "\(self.folder)/console.log" }
    var state: String { "\(self.folder)/state.json" }
    /// Held while somebody decides whether to start it.
    var startLock: String { "\(self.folder)/start.lock" }
    /// Held while a signal is sent, and while the keeper reaps: so a number is never reused between looking and sending.
    var signalLock: String { "\(self.folder)/signal.lock" }
    /// Holds the identity of the life that somebody asked to stop.
    var stopMark: String { "\(self.folder)/stop-requested" }
}

/// A topic that `up` creates, with replication factor 3 and `min.insync.replicas` 2 where there are brokers for it.
struct SandboxTopic: Hashable, Sendable, Codable {
    let name: String
    let partitions: Int32
}

/// The address at which one ZooKeeper server finds another one: the other's ports there belong to a proxy.
struct PeerRoute: Hashable, Sendable, Codable {
    /// `zookeeper-1`
    let from: String
    let to: String
    /// An address of this host, as long as `127.0.0.1`: see ``ProxySubstitution``.
    let host: String

    /// For each server and each other one. All of 127/8 is this host; up to three servers fit.
    static func all(_ servers: Int) -> [PeerRoute] {
        let pairs = (1...servers).flatMap { from in (1...servers).map { (from, $0) } }.filter { $0 != $1 }
        return zip(pairs, 2...9).map { pair, last in
            PeerRoute(from: "zookeeper-\(pair.0)", to: "zookeeper-\(pair.1)", host: "127.0.0.\(last)")
        }
    }
}
