import Cluster
import FoundationEssentials
import Glibc

/// `healer step-runner`: reads one order, runs it, prints its result, and waits to hear that it was recorded. If the
/// healer is gone instead, it records the outcome itself.
enum StepRunnerProgram {
    /// How long it waits to be told that the outcome was recorded: a healer that is frozen for longer is taken for gone.
    static let patience = Duration.seconds(60)

    static func run() async -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        umask(0o077)
        guard let line = readLine(STDIN_FILENO, until: nil),
            let order = try? JSONDecoder().decode(StepOrder.self, from: Data(line))
        else {
            writeAll(STDERR_FILENO, Array("healer step-runner is started by healer, not by hand\n".utf8))
            return 2
        }
        let result = self.carryOut(order)
        writeAll(STDOUT_FILENO, [UInt8](try! JSONEncoder().encode(result)) + [10])
        if readLine(STDIN_FILENO, until: bootTime() + self.patience) == EndedStep.recorded { return 0 }
        guard let orphan = order.orphan else { return 1 }
        return await orphan.putDown(result) ? 0 : 1
    }

    private static func carryOut(_ order: StepOrder) -> StepResult {
        // Known to this one step, so that what it leaves behind is not taken for that of another.
        let mark = UUID().uuidString
        let command = Command(
            arguments: order.arguments,
            environment: order.environment.merging(["HEALER_STEP": mark]) { $1 },
            limit: .milliseconds(order.limitMilliseconds), cap: order.cap, leavesProcesses: order.leavesProcesses)
        let late = bootTime() - Moment(nanoseconds: order.startBy)
        guard late <= .zero else {
            return StepResult(.notStarted, output: "startBy had passed by \(late.wholeMilliseconds) ms")
        }
        let result = command.runBlocking()
        // Of a start even one that failed: what has left its group may be the node itself, on its way.
        if !order.leavesProcesses { LeftBehind.endAll(carrying: "HEALER_STEP=\(mark)") }
        return StepResult(result, mayYield: order.mayYield)
    }
}
