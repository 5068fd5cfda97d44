import Cluster
import ZooKeeper

extension StoreError {
    init(_ error: ZooKeeperError) {
        let reason: Reason =
            switch error.code {
            case .noNode: .noNode
            case .nodeExists: .nodeExists
            case .badVersion: .badVersion
            case .notEmpty: .notEmpty
            case .noChildrenForEphemerals: .noChildrenForEphemerals
            // An answer that belongs to no request makes the library give up the connection.
            case .connectionLoss, .runtimeInconsistency: .connectionLost
            case .operationTimeout: .timedOut
            case .sessionExpired: .sessionExpired
            case .closing: .closed
            case .noAuth: .notAuthorized
            case .authFailed: .authenticationFailed
            default: .other(error.code.rawValue)
            }
        self.init(reason, path: error.path, operation: error.failedOperation)
    }
}

extension Cluster.SessionState {
    init(_ state: ZooKeeper.SessionState) {
        self =
            switch state {
            case .connecting: .connecting
            case .connected(let session): .connected(session: session.rawValue)
            // For whoever decides, a session that nobody can reach in time has ended.
            case .expired, .lost: .expired
            case .authenticationFailed: .authenticationFailed
            case .closed: .closed
            }
    }
}

extension StoreStat {
    init(_ stat: NodeStat) {
        self.init(
            createdBy: stat.czxid, modifiedBy: stat.mzxid, version: stat.version,
            ephemeralOwner: stat.ephemeralOwner, childrenCount: stat.childrenCount)
    }
}

extension StoreNode {
    init(_ content: NodeContent) { self.init(data: content.data, stat: StoreStat(content.stat)) }
}

extension StoreResult {
    init(_ result: OperationResult) {
        self =
            switch result {
            case .checked: .checked
            case .created(let path): .created(path: path)
            case .set(let stat): .set(StoreStat(stat))
            case .deleted: .deleted
            }
    }
}

extension CreateMode {
    init(_ kind: NodeKind) {
        self =
            switch kind {
            case .persistent: .persistent
            case .ephemeral: .ephemeral
            case .ephemeralSequential: .ephemeralSequential
            }
    }
}

extension ZooKeeper.Operation {
    init(_ operation: StoreOperation) {
        self =
            switch operation {
            case .check(let path, let version): .check(path, version: version)
            case .create(let path, let data, let kind): .create(path, data: data, mode: CreateMode(kind))
            case .set(let path, let data, let version): .set(path, data: data, version: version)
            case .delete(let path, let version): .delete(path, version: version)
            }
    }
}
