internal import CZooKeeper

/// What the ensemble keeps about a node besides its data.
public struct NodeStat: Hashable, Sendable {
    /// The transaction that created the node.
    public let czxid: Int64
    /// The transaction that last wrote its data. Grows across the whole ensemble.
    public let mzxid: Int64
    /// Milliseconds since 1970 by the clock of a server.
    public let ctime: Int64
    /// Milliseconds since 1970 by the clock of a server.
    public let mtime: Int64
    /// dataVersion. Starts at 0 again when the node is created again.
    public let version: Int32
    /// How often its list of children changed.
    public let childrenVersion: Int32
    public let aclVersion: Int32
    /// The session that an ephemeral node belongs to; 0 for any other.
    public let ephemeralOwner: Int64
    /// In bytes.
    public let dataLength: Int32
    public let childrenCount: Int32
    /// The transaction that last changed its list of children.
    public let pzxid: Int64

    init(_ stat: Stat) {
        self.czxid = stat.czxid
        self.mzxid = stat.mzxid
        self.ctime = stat.ctime
        self.mtime = stat.mtime
        self.version = stat.version
        self.childrenVersion = stat.cversion
        self.aclVersion = stat.aversion
        self.ephemeralOwner = stat.ephemeralOwner
        self.dataLength = stat.dataLength
        self.childrenCount = stat.numChildren
        self.pzxid = stat.pzxid
    }
}

/// A node's data and what is kept about it, read at one time.
public struct NodeContent: Hashable, Sendable {
    public let data: [UInt8]
    public let stat: NodeStat
}

/// How long a node lives, and whether its name gets a number.
///
/// Nodes with a time to live and container nodes are left out: servers refuse the former unless switched on, and the
/// latter vanish when empty, after which their sequence starts again.
public enum CreateMode: String, Hashable, Sendable, CaseIterable {
    case persistent, persistentSequential, ephemeral, ephemeralSequential

    var isSequential: Bool { self == .persistentSequential || self == .ephemeralSequential }

    var flags: Int32 {
        switch self {
        case .persistent: ZOO_PERSISTENT
        case .persistentSequential: ZOO_PERSISTENT_SEQUENTIAL
        case .ephemeral: ZOO_EPHEMERAL
        case .ephemeralSequential: ZOO_EPHEMERAL_SEQUENTIAL
        }
    }
}
