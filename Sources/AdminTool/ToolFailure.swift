import Cluster
import ZooKeeper

/// Why a command could not be carried out, and what to do next.
struct ToolFailure: Error, Hashable, Sendable {
    let error: String
    let hint: String

    init(_ error: String, hint: String) {
        self.error = error
        self.hint = hint
    }

    /// A call to ZooKeeper that failed.
    init(_ error: ZooKeeperError) {
        let hint =
            switch error.code {
            case .noAuth:
                "The nodes have ACLs: set HEALER_ZOOKEEPER_AUTH=user:password to the healers' credentials."
            case .authFailed:
                "ZooKeeper refuses these credentials: check HEALER_ZOOKEEPER_AUTH."
            case .noNode:
                "Check --root and --cluster; healers make these nodes when they first start."
            case .operationTimeout, .connectionLoss, .sessionExpired:
                "The ensemble may have no quorum, or not be reachable: check its servers, then try again."
            default:
                "Check the ensemble's own logs, then try again."
            }
        self.init(error.description, hint: hint)
    }
}

extension ToolFailure {
    /// Turns the errors of ZooKeeper calls into failures.
    static func catching<Value>(
        _ body: () async throws(ZooKeeperError) -> Value
    ) async throws(ToolFailure) -> Value {
        do throws(ZooKeeperError) {
            return try await body()
        } catch {
            throw ToolFailure(error)
        }
    }
}
