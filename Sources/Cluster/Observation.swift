/// How a node can be watched, under the names that configuration files use.
public enum MonitorMethod: String, Hashable, Sendable, Codable, CaseIterable {
    /// One held TCP connection: the kernel of a dead process resets it at once.
    case socket
    /// An ApiVersions handshake on that connection.
    case `protocol`
    case metadata
    /// The registration in `/brokers/ids`, the controller, by watch.
    case zookeeper
    /// An allowed four-letter word, `srvr` by default.
    case fourLetter = "four_letter"
    case supervisor
}

/// One dated fact: what one monitor saw. A monitor never decides what it means.
public struct Observation: Hashable, Sendable {
    /// When the fact held: for an answer, when it was asked for.
    public let at: Moment
    /// How long the look took; zero for what arrived by itself.
    public let took: Duration
    public let method: MonitorMethod
    public let fact: Fact

    public init(at: Moment, took: Duration = .zero, method: MonitorMethod, fact: Fact) {
        self.at = at
        self.took = took
        self.method = method
        self.fact = fact
    }

    public enum Fact: Hashable, Sendable {
        /// From `socket`, `protocol`, `four_letter` and `supervisor`: about one node.
        case node(NodeName, NodeFact)
        /// From `zookeeper`: the whole of `/brokers/ids` as it was read, so that absence is a fact too.
        case registrations([BrokerID: Registration])
        /// From `zookeeper`: `nil` while nobody is the controller.
        case controller(Controller?)
        /// From `metadata`: the whole view of the broker that answered.
        case metadata(MetadataView)
        /// From `zookeeper`: the partition `state` znodes, read fresh because a step asked for them.
        case partitionStates([PartitionState])
        /// The monitor itself failed to look, which says nothing about its subject. `nil` when it is not about one node.
        case monitorFailed(NodeName?, reason: String)
    }
}

public enum NodeFact: Hashable, Sendable {
    /// `socket`: the connection stands.
    case connected
    /// `socket`: the held connection was reset.
    case connectionReset
    /// `socket`: the other side closed in order (an idle ZooKeeper connection ends this way): not a death.
    case connectionClosed
    /// `socket`: nobody listens at the port.
    case connectionRefused
    /// `socket`: no answer to the connect within the limit (a frozen process with a full backlog, or a lost host).
    case connectTimedOut
    /// `socket`: no route, no such host.
    case unreachable(reason: String)
    /// `protocol` and `four_letter`: a well-formed answer came.
    case answered
    /// `protocol` and `four_letter`: no answer since the request of this long ago; repeated while it lasts.
    case silent(for: Duration)
    /// `protocol` and `four_letter`: an answer that makes no sense, or a refusal such as "not currently serving".
    case refusedToServe(reason: String)
    /// `supervisor`: what its supervisor says of the node's process.
    case process(ProcessState)
}

/// What a supervisor says of a node's process.
public struct ProcessState: Hashable, Sendable, Codable {
    public enum State: String, Hashable, Sendable, Codable {
        case running
        /// Ended by itself, or by a signal that nobody asked the supervisor for.
        case exited
        /// Ended because somebody asked the supervisor to stop it.
        case stopped
        /// The supervisor itself is about to start it again.
        case restarting
        /// Not running yet, or not again yet, and its supervisor is at it: a place is sought for it, its image is fetched,
        /// a back-off passes.
        case starting
    }
    public var state: State
    /// The life that `state` speaks of: the running process, or the last one; `nil` if it never ran.
    public var identity: ProcessIdentity?
    /// How it ended; `nil` while running, or when not known.
    public var exit: ExitStatus?
    /// A life that is known to have ended, the latest such; `nil` where a supervisor does not tell. Two lives of a node
    /// never overlap where it is told.
    public var ended: ProcessIdentity?
    /// Somebody other than the healers who is at this node now, for people, such as `a rollout of StatefulSet kafka`.
    public var hand: String?
    public init(
        state: State, identity: ProcessIdentity?, exit: ExitStatus? = nil, ended: ProcessIdentity? = nil,
        hand: String? = nil
    ) {
        self.state = state
        self.identity = identity
        self.exit = exit
        self.ended = ended
        self.hand = hand
    }
}

/// How a process ended.
public enum ExitStatus: Hashable, Sendable, Codable, CustomStringConvertible {
    case code(Int32)
    case signal(Int32)
    public var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let number): "signal \(number)"
        }
    }
}

/// A broker's registration znode, `/brokers/ids/<id>`.
public struct Registration: Hashable, Sendable, Codable {
    /// `ephemeralOwner`: the ZooKeeper session that registered it.
    public let owner: Int64
    /// The transaction that created it: the broker epoch.
    public let createdBy: Int64
    /// The znode's data version, for a conditional delete.
    public let version: Int32
    public let endpoint: Endpoint?
    public init(owner: Int64, createdBy: Int64, version: Int32, endpoint: Endpoint?) {
        self.owner = owner
        self.createdBy = createdBy
        self.version = version
        self.endpoint = endpoint
    }
}

/// `/controller` and `/controller_epoch`.
public struct Controller: Hashable, Sendable, Codable {
    public let broker: BrokerID
    /// `ephemeralOwner` of `/controller`.
    public let owner: Int64
    /// The data version of `/controller_epoch`.
    public let epochVersion: Int32
    public init(broker: BrokerID, owner: Int64, epochVersion: Int32) {
        self.broker = broker
        self.owner = owner
        self.epochVersion = epochVersion
    }
}

/// What one broker says of the whole cluster.
public struct MetadataView: Hashable, Sendable {
    public let clusterID: String?
    public let controller: BrokerID?
    public let brokers: [BrokerID: Endpoint]
    /// In order of topic and partition.
    public let partitions: [PartitionState]
    public init(clusterID: String?, controller: BrokerID?, brokers: [BrokerID: Endpoint], partitions: [PartitionState])
    {
        self.clusterID = clusterID
        self.controller = controller
        self.brokers = brokers
        self.partitions = partitions
    }
}
