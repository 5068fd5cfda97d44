import Cluster
import FoundationEssentials
import Glibc

/// `healer step-runner [GROUP]`: reads one order, waits for the word to begin, runs it, prints its result, and waits to hear
/// that it was recorded. If the healer is gone instead, it records the outcome itself: of a step that was never begun, that.
enum StepRunnerProgram {
    /// How long it waits to be told that the outcome was recorded: a healer that is frozen for longer is taken for gone.
    static let patience = Duration.seconds(60)
    /// After `startBy`, when it begins no more: for a healer that says late that it will not have it begun.
    private static let margin = Duration.seconds(2)

    /// - Parameter path: of the ``StepGroup`` that it was put into.
    static func run(in path: String?) async -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        umask(0o077)
        let group = path.map { StepGroup(path: $0) }
        var input = LineReader(STDIN_FILENO)
        guard let line = input.next(until: nil),
            let order = try? JSONDecoder().decode(StepOrder.self, from: Data(line))
        else {
            try? group?.leave()
            group?.remove()
            writeAll(STDERR_FILENO, Array("healer step-runner is started by healer, not by hand\n".utf8))
            return 2
        }
        // Nobody else can begin it: what is not begun here never is.
        var result = StepResult(.notStarted, output: "its healer ended, or stood still, before it began")
        switch input.next(until: Moment(nanoseconds: order.startBy) + self.margin) {
        case ArmedStep.begin:
            result = self.carryOut(order, in: order.isInGroup ? group : nil, isInterrupted: input.hasMore)
            writeAll(STDOUT_FILENO, [UInt8](try! JSONEncoder().encode(result)) + [10])
        case let word:
            try? group?.leave()
            group?.remove()
            guard word != nil else { return await self.leave(result, order.orphan) }
            result.output = "its healer would not have it begun any more"
        }
        let deadline = bootTime() + self.patience
        // An interruption that came too late may stand before it.
        while let line = input.next(until: deadline) {
            if line == EndedStep.recorded { return 0 }
        }
        return await self.leave(result, order.orphan)
    }

    /// Where the next leader finds it.
    private static func leave(_ result: StepResult, _ orphan: OrphanOutcome?) async -> Int32 {
        guard let orphan else { return 1 }
        return await orphan.putDown(result) ? 0 : 1
    }

    private static func carryOut(_ order: StepOrder, in group: StepGroup?, isInterrupted: Bool) -> StepResult {
        defer { group?.remove() }
        // Known to this one step, so that what it leaves behind is not taken for that of another.
        let mark = UUID().uuidString
        let command = Command(
            arguments: order.arguments,
            environment: order.environment.merging(["HEALER_STEP": mark]) { $1 },
            limit: .milliseconds(order.limitMilliseconds), cap: order.cap, leavesProcesses: order.leavesProcesses)
        let late = bootTime() - Moment(nanoseconds: order.startBy)
        guard late <= .zero, !isInterrupted else {
            try? group?.leave()
            let why = isInterrupted ? "its leadership was over" : "startBy had passed by \(late.wholeMilliseconds) ms"
            return StepResult(.notStarted, output: why)
        }
        // What the command starts stays in the group; we must be out of it to end the rest.
        var isOutside = false
        let result = command.runBlocking(interruption: order.isInterruptible ? STDIN_FILENO : nil) {
            if let group { isOutside = (try? group.leave()) != nil }
        }
        // Of a start even one that failed: what has left its process group may be the node itself, on its way.
        guard !order.leavesProcesses else { return StepResult(result, mayYield: order.mayYield) }
        if let group, isOutside { group.end() } else { LeftBehind.endAll(carrying: "HEALER_STEP=\(mark)") }
        return StepResult(result, mayYield: order.mayYield)
    }
}
