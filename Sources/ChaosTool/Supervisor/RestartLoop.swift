import Cluster
import Foundation

/// The plain thing that a healer is measured against: a node is started again some time after each of its exits, whatever
/// ZooKeeper still believes of it.
struct RestartLoop: Sendable {
    let supervisor: NodeSupervisor
    /// Between an exit and the start.
    var delay = Duration.seconds(1)
    /// How often the node is looked at.
    private static let pause = Duration.milliseconds(20)

    /// Until the task is cancelled, which is how it normally ends, or `limit` has passed. A node that was stopped on
    /// request stays so. Returns how many times the node was started.
    func run(for limit: Duration, report: @Sendable (String) -> Void = { _ in }) async throws -> Int {
        let supervisor = self.supervisor
        let end = HostClock.now + limit
        var starts = 0
        while HostClock.now < end, !Task.isCancelled {
            let state = supervisor.status()
            do {
                if state.state == .exited {
                    report("\(supervisor.node.name): \(state.exit?.description ?? "ended")")
                    try await Task.sleep(for: self.delay)
                    let answer = try await blocking { try supervisor.start() }
                    if answer.result == .started { starts += 1 }
                    report(answer.text)
                }
                try await Task.sleep(for: Self.pause)
            } catch is CancellationError {
                break
            }
        }
        return starts
    }

    @Sendable static func run(_ arguments: [String]) async throws -> Int32 {
        let line = try Arguments(arguments, options: ["--directory", "--delay", "--for"])
        guard line.words.count == 1 else { throw UsageError("restart-loop takes the name of a node") }
        let supervisor = try Sandbox.open(line.directory).supervisor(of: line.words[0])
        let delay = try line.seconds("--delay") ?? .seconds(1)
        let limit = try line.seconds("--for") ?? .seconds(3600)
        let starts = try await interruptible {
            try await RestartLoop(supervisor: supervisor, delay: delay).run(for: limit) { Console.print($0) }
        }
        Console.print("starts=\(starts)")
        return ExitCode.success
    }
}
