import Admin
import Cluster
import Synchronization

/// The newest observation by each method, of each node or of the whole cluster: what a check waits for.
final class LatestObservations: Sendable {
    private struct Key: Hashable {
        /// `nil` for what is about the whole cluster.
        let node: NodeName?
        let method: MonitorMethod
    }
    private let newest = Mutex<[Key: Observation]>([:])

    func note(_ observation: Observation) {
        let node: NodeName?
        switch observation.fact {
        case .node(let name, _): node = name
        case .monitorFailed(let name, _): node = name
        case .controller, .partitionStates: return
        case .registrations, .metadata: node = nil
        }
        self.newest.withLock { $0[Key(node: node, method: observation.method)] = observation }
    }

    private func newest(_ method: MonitorMethod, of node: Node) -> Observation? {
        let isClusterWide = method == .zookeeper || method == .metadata
        return self.newest.withLock { $0[Key(node: isClusterWide ? nil : node.name, method: method)] }
    }

    func isFresh(_ methods: [MonitorMethod], of node: Node, since begin: Moment) -> Bool {
        methods.allSatisfy { method in
            // A held connection says something only when something happens to it.
            method == .socket || self.newest(method, of: node).map { $0.at >= begin } ?? false
        }
    }

    /// In words, what a method found.
    func result(of method: MonitorMethod, for node: Node, since begin: Moment, limit: Duration) -> CheckResult {
        guard let newest = self.newest(method, of: node), method == .socket || newest.at >= begin else {
            return CheckResult(
                method: method, timeMs: limit.inSeconds * 1000, seen: "nothing",
                error: "no answer within \(limit.wholeMilliseconds) ms")
        }
        let (seen, isWell) = newest.fact.words(about: node)
        return CheckResult(
            method: method, timeMs: newest.took.inSeconds * 1000, seen: seen, error: isWell ? nil : seen)
    }
}

extension Observation.Fact {
    /// What it says of a node, and whether that is well.
    fileprivate func words(about node: Node) -> (seen: String, isWell: Bool) {
        switch self {
        case .node(_, let fact): fact.words
        case .registrations(let registrations):
            node.brokerID.map { registrations[$0] != nil } ?? true ? ("registered", true) : ("not registered", false)
        case .metadata(let view):
            node.brokerID.map { view.brokers[$0] != nil } ?? true
                ? ("in the cluster's metadata", true) : ("not in the cluster's metadata", false)
        case .monitorFailed(_, let reason): (reason, false)
        case .controller, .partitionStates: ("-", true)
        }
    }
}

extension NodeFact {
    fileprivate var words: (seen: String, isWell: Bool) {
        switch self {
        case .connected: ("connected", true)
        case .connectionReset: ("connection reset", false)
        // An idle ZooKeeper connection ends this way; the next one tells more.
        case .connectionClosed: ("connection closed in order", true)
        case .connectionRefused: ("connection refused", false)
        case .connectTimedOut: ("connect timed out", false)
        case .unreachable(let reason): ("unreachable: \(reason)", false)
        case .answered: ("answered", true)
        case .silent(let duration): ("silent for \(duration.wholeMilliseconds) ms", false)
        case .refusedToServe(let reason): ("refuses to serve: \(reason)", false)
        case .process(let process):
            (
                process.state.rawValue + (process.exit.map { ", \($0)" } ?? "")
                    + (process.identity.map { " (\($0))" } ?? ""), process.state == .running
            )
        }
    }
}
