/// What the deciding modules need of ZooKeeper, as a small protocol. `Daemon` fulfils it with the ZooKeeper wrapper, the
/// simulation with an ensemble in memory.
///
/// A session is one ZooKeeper session: once it is ``SessionState/expired`` or ``SessionState/closed`` it stays so, and a
/// new one is opened. Paths are absolute; nothing is retried; each call ends within the session's own call limit, with
/// ``StoreError/Reason/timedOut`` at the latest.
public protocol StoreSession: AnyObject, Sendable {
    /// The states from now on, the present one first. Any number of readers; ends after a final state.
    func states() -> AsyncStream<SessionState>

    /// - Parameter watch: called once, on any thread, when the node's data changes or it is deleted, or when the session
    ///   is disturbed and the watch may be lost: then everything is to be read again.
    func get(_ path: String, watch: (@Sendable (WatchEvent) -> Void)?) async throws(StoreError) -> StoreNode
    /// `nil` if there is no such node. The watch also fires on its creation.
    func exists(_ path: String, watch: (@Sendable (WatchEvent) -> Void)?) async throws(StoreError) -> StoreStat?
    /// Names without the path, in no order.
    func children(_ path: String, watch: (@Sendable (WatchEvent) -> Void)?) async throws(StoreError) -> [String]
    /// Returns the path as created, which differs from the path given for sequential nodes.
    func create(_ path: String, data: [UInt8], kind: NodeKind) async throws(StoreError) -> String
    /// All or nothing. The results stand in the order of the operations.
    func multi(_ operations: [StoreOperation]) async throws(StoreError) -> [StoreResult]
    /// Brings the server of this session up to all that was committed before the call.
    func sync(_ path: String) async throws(StoreError)
    /// Ends the session and with it its ephemeral nodes, if the ensemble can be reached. May be called twice.
    func close() async
}

public enum NodeKind: String, Hashable, Sendable {
    case persistent, ephemeral, ephemeralSequential
}

public struct StoreNode: Hashable, Sendable {
    public let data: [UInt8]
    public let stat: StoreStat
    public init(data: [UInt8], stat: StoreStat) {
        self.data = data
        self.stat = stat
    }
}

public struct StoreStat: Hashable, Sendable {
    /// czxid.
    public let createdBy: Int64
    /// mzxid: grows with every write to this node, ordered across the ensemble.
    public let modifiedBy: Int64
    /// dataVersion: what ``StoreOperation/check(_:version:)`` tests. Starts again at 0 when a node is created again.
    public let version: Int32
    /// The session of an ephemeral node; 0 for a persistent one.
    public let ephemeralOwner: Int64
    public let childrenCount: Int32
    public init(createdBy: Int64, modifiedBy: Int64, version: Int32, ephemeralOwner: Int64, childrenCount: Int32) {
        self.createdBy = createdBy
        self.modifiedBy = modifiedBy
        self.version = version
        self.ephemeralOwner = ephemeralOwner
        self.childrenCount = childrenCount
    }
}

public enum StoreOperation: Hashable, Sendable {
    case check(_ path: String, version: Int32)
    case create(_ path: String, data: [UInt8], kind: NodeKind = .persistent)
    /// `nil` means any version.
    case set(_ path: String, data: [UInt8], version: Int32?)
    /// `nil` means any version.
    case delete(_ path: String, version: Int32?)

    public var path: String {
        switch self {
        case .check(let path, _), .create(let path, _, _), .set(let path, _, _), .delete(let path, _): path
        }
    }
}

public enum StoreResult: Hashable, Sendable {
    case checked
    case created(path: String)
    case set(StoreStat)
    case deleted
}

public enum SessionState: Hashable, Sendable {
    /// Not connected yet, or not any more; the session may still live. Nothing is known while it lasts.
    case connecting
    case connected(session: Int64)
    /// Final: the ensemble has ended the session.
    case expired
    /// Final: the ensemble refuses these credentials.
    case authenticationFailed
    /// Final: closed by ourselves.
    case closed

    public var isFinal: Bool {
        switch self {
        case .connecting, .connected: false
        case .expired, .authenticationFailed, .closed: true
        }
    }
}

public enum WatchEvent: Hashable, Sendable {
    case created, deleted, dataChanged, childrenChanged
    /// The connection or the session was lost: read again, with a watch again.
    case disturbed
}

public struct StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        case noNode, nodeExists, badVersion, notEmpty, noChildrenForEphemerals
        /// The connection broke while the call was under way.
        case connectionLost
        /// No answer within our own limit.
        case timedOut
        case sessionExpired, closed
        case notAuthorized, authenticationFailed
        /// Any other of ZooKeeper's error codes.
        case other(Int32)
    }
    public let reason: Reason
    /// The path of the call, or of the operation of a multi that failed.
    public let path: String
    /// For a multi whose answer names the operation that failed: its place.
    public let operation: Int?

    public init(_ reason: Reason, path: String, operation: Int? = nil) {
        self.reason = reason
        self.path = path
        self.operation = operation
    }

    /// Whether a write that ended so may have been committed all the same.
    public var isAmbiguous: Bool {
        switch self.reason {
        case .connectionLost, .timedOut, .sessionExpired, .closed: true
        default: false
        }
    }
    /// Whether only people can change that: the access lists, or our credentials.
    public var isAboutAccess: Bool { self.reason == .notAuthorized || self.reason == .authenticationFailed }
    public var description: String {
        self.operation.map { "\(self.reason) at \(self.path) (operation \($0))" } ?? "\(self.reason) at \(self.path)"
    }
}

/// How a write under the guard of a leadership ended.
public enum GuardedResult: Hashable, Sendable {
    /// Committed. `sentAt` is when it was sent: what it permits is counted from there, not from the answer.
    case committed(sentAt: Moment, [StoreResult])
    /// Somebody wrote `control` meanwhile: read it, and decide again. The leadership stands.
    case controlMoved
    /// Another healer leads, or our candidate is gone: nothing was written.
    case deposed
    /// We do not lead, or not surely: nothing was sent.
    case notLeading
    /// One of the operations under the guard was refused; its place among them, and why.
    case refused(operation: Int, StoreError)
    /// The reply was lost: it may have been committed. Never start what it would have permitted.
    case unknown

    public var isCommitted: Bool { if case .committed = self { true } else { false } }
}
