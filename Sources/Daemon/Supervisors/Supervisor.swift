import Cluster

/// What runs a node's process: asked for its state and its log, told to start and to end it.
///
/// Asking changes nothing and goes at once. Telling is a step: it is made into a ``Command`` here, and run by the small
/// runner that outlives the healer (``StepRunner``).
protocol Supervisor: Sendable {
    /// One look, within the supervisor's own limit.
    func status(of node: Node) async throws(SupervisorFailure) -> ProcessState
    /// The command that does this to exactly that life of the node's process.
    func command(
        _ verb: SupervisorVerb, _ node: Node, identity: ProcessIdentity?, environment: [String: String]
    ) throws(SupervisorFailure) -> Command
    /// Whether it can be asked or told this.
    func knows(_ verb: SupervisorVerb) -> Bool
    /// What became of a verb that somebody may have been about to carry out on this life of the node's process.
    func probe(_ verb: SupervisorVerb, _ node: Node, identity: ProcessIdentity?) async -> ProbeResult
}

extension Supervisor {
    /// By the status alone: what is not done may be under way, until the step's limit has passed.
    func probe(_ verb: SupervisorVerb, _ node: Node, identity: ProcessIdentity?) async -> ProbeResult {
        guard let process = try? await self.status(of: node) else { return .unknown }
        let isAnother = process.identity != identity
        let isDone =
            switch verb {
            case .start, .restart: process.state == .running && isAnother
            case .kill, .stop: process.state != .running || isAnother
            case .status, .logs, .dump: false
            }
        return isDone ? .done(StepResult(.succeeded, output: "found \(process.state.rawValue)")) : .running
    }
}

/// Why a supervisor could not be asked: says nothing about the node.
struct SupervisorFailure: Error, Hashable, Sendable, CustomStringConvertible {
    let reason: String
    var description: String { self.reason }
}
