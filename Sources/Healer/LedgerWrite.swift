public import Cluster

/// One thing that is kept in ZooKeeper, below the cluster's root.
public enum LedgerRecord: Hashable, Sendable {
    case recovery(RecoveryRecord)
    case history(HistoryRecord)
    /// Has an id.
    case incident(IncidentRecord)
    case nodes(NodesRecord)

    public var key: LedgerKey {
        switch self {
        case .recovery(let record): .recovery(record.intent.node)
        case .history(let record): .history(record.node)
        case .incident(let record): .incident(record.id!)
        case .nodes: .nodes
        }
    }
}

/// Where a record stands.
public enum LedgerKey: Hashable, Comparable, Sendable {
    case recovery(NodeName)
    case history(NodeName)
    case incident(IncidentID)
    /// Always there, empty at first.
    case nodes
}

/// A change that is committed only if the record is still what it was when it was read or written last.
public enum LedgerChange: Hashable, Sendable {
    /// `nil`: there is none yet.
    case put(LedgerRecord, version: Int32?)
    case remove(LedgerKey, version: Int32)
}

/// One write under the guard of the leadership.
public struct LedgerWrite: Hashable, Sendable {
    public enum Purpose: Hashable, Sendable {
        /// Permits a step. Its guard checks both control nodes at the versions that the decision was made with.
        case intent(Intent, ControlVersions)
        /// Puts down how a step ended.
        case outcome(IntentID)
        /// Incidents, histories, nodes.
        case records
    }
    public var id: WriteID
    public var purpose: Purpose
    public var changes: [LedgerChange]
    /// A registration that is removed by the very write that permits it, on the cluster's own ensemble.
    public var removing: DeadRegistration?
    public init(id: WriteID, purpose: Purpose, changes: [LedgerChange], removing: DeadRegistration? = nil) {
        self.id = id
        self.purpose = purpose
        self.changes = changes
        self.removing = removing
    }
}

/// Everything that is kept, as it was read.
public struct LedgerContents: Hashable, Sendable {
    public struct Entry: Hashable, Sendable {
        public var record: LedgerRecord
        public var version: Int32
        public init(_ record: LedgerRecord, version: Int32) {
            self.record = record
            self.version = version
        }
    }
    public var entries: [Entry]
    /// Records that are there but cannot be understood, with their versions: left as they are, and no step is taken for
    /// the nodes they belong to.
    public var unreadable: [LedgerKey: Int32]
    public init(entries: [Entry] = [], unreadable: [LedgerKey: Int32] = [:]) {
        self.entries = entries
        self.unreadable = unreadable
    }
}
