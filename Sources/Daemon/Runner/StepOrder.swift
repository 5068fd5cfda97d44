import Cluster
import ZooKeeper

/// All that the small runner is told, as one line of JSON on its standard input.
struct StepOrder: Hashable, Sendable, Codable {
    var arguments: [String]
    var environment: [String: String]
    var limitMilliseconds: Int64
    /// Bytes kept of each output.
    var cap: Int
    /// CLOCK_BOOTTIME in nanoseconds, looked at once more right before the command is executed. The runner is a child
    /// of the healer that set it, so both read the same clock.
    var startBy: Int64
    /// See ``Command/leavesProcesses``.
    var leavesProcesses = false
    /// See ``Command/mayYield``.
    var mayYield = false
    /// See ``Command/isInterruptible``. Its healer's death is the end of its leadership, too.
    var isInterruptible = false
    /// Whether the runner waits in a ``StepGroup``, the one that it was started with.
    var isInGroup = false
    /// What to do with the outcome if the healer is gone by then; `nil` where nobody could look for it.
    var orphan: OrphanOutcome?
}

/// Where the next leader finds the outcome of a step whose healer died: in the intent's own record. The write is
/// conditional on the version that the intent was put down with, so it changes nothing once somebody has closed it.
struct OrphanOutcome: Hashable, Sendable, Codable {
    /// `host:port,…`, without chroot.
    var servers: String
    var digest: Session.Digest?
    var security: Session.Security
    var path: String
    var version: Int32
    var record: RecoveryRecord
}

extension StepResult {
    /// EX_TEMPFAIL of sysexits.h. An operator's own command may end with it for reasons of its own, so it counts for steps of
    /// ours only.
    static let yieldStatus: Int32 = 75

    init(_ result: CommandResult, mayYield: Bool) {
        let outcome: Outcome =
            switch result.end {
            case .exited(.code(0)): .succeeded
            case .exited(.code(Self.yieldStatus)) where mayYield: .yielded
            case .timedOut: .timedOut
            case .interrupted: .interrupted
            case .exited, .notStarted: result.isPermissionProblem ? .notPermitted : .failed
            }
        var exit: ExitStatus?
        if case .exited(let status) = result.end { exit = status }
        var said = [result.output.text, result.errors.text].filter { !$0.isEmpty }.joined(separator: "\n")
        if case .notStarted(_, let reason) = result.end { said = reason }
        self.init(outcome, exit: exit, took: .milliseconds(result.milliseconds), output: said)
    }
}
