import Cluster
import ZooKeeper

/// Why a command could not be carried out, and what to do next.
struct ToolFailure: Error, Hashable, Sendable {
    let error: String
    let hint: String
    /// ZooKeeper does not answer: a healer may know more.
    let isSilence: Bool

    init(_ error: String, hint: String, isSilence: Bool = false) {
        self.error = error
        self.hint = hint
        self.isSilence = isSilence
    }

    /// No session within the limit; what the servers say of themselves tells why.
    static func noSession(
        _ servers: String, within limit: Duration, words: [(server: String, word: ServerWord)]
    ) -> ToolFailure {
        let words = words.map { $0.word }
        let answering = words.count { $0 == .notServing }
        let direct =
            "Ask a healer directly: `healerctl status --healer HOST:PORT`, or set HEALER_API; its log names the address "
            + "as healer.api."
        if answering > 0, !words.contains(.serving) {
            let count = "\(answering) of \(words.count) \(words.count == 1 ? "server" : "servers")"
            return ToolFailure(
                "ZooKeeper at \(servers) has no quorum: \(count) run, and none serves; no healer may act until a "
                    + "majority runs again",
                hint: direct, isSilence: true)
        }
        return ToolFailure(
            "no ZooKeeper server of \(servers) answered within \(limit)",
            hint: "Check the addresses and that a quorum of servers runs; --timeout waits longer. " + direct,
            isSilence: true)
    }

    /// A call to ZooKeeper that failed.
    init(_ error: ZooKeeperError) {
        let hint =
            switch error.code {
            case .noAuth:
                "The nodes have ACLs: set HEALER_ZOOKEEPER_AUTH=user:password (or _SASL) to the healers' "
                    + "credentials."
            case .authFailed:
                "ZooKeeper refuses these credentials: check HEALER_ZOOKEEPER_AUTH or HEALER_ZOOKEEPER_SASL."
            case .noNode:
                "Check --root and --cluster; healers make these nodes when they first start."
            case .operationTimeout, .connectionLoss, .sessionExpired:
                "The ensemble may have no quorum, or not be reachable: check its servers, then try again. "
                    + "What reads can ask a healer directly: --healer HOST:PORT."
            default:
                "Check the ensemble's own logs, then try again."
            }
        let silences: [ZooKeeperError.Code] = [.operationTimeout, .connectionLoss, .sessionExpired]
        self.init(error.description, hint: hint, isSilence: silences.contains(error.code))
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
