import Cluster
import Foundation
import Testing

@testable import Daemon

/// The runner is another program, so these run the `healer` that was built beside the tests.
@Suite("A step runs under a small process that outlives its healer")
struct StepRunnerTests {
    private static var healer: String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("healer").path
    }

    private func order(_ arguments: [String], startBy: Duration = .seconds(60), limit: Int64 = 30_000) -> StepOrder {
        StepOrder(
            arguments: arguments, environment: ["PATH": "/usr/bin:/bin"], limitMilliseconds: limit, cap: 4096,
            startBy: (bootTime() + startBy).nanoseconds, orphan: nil)
    }

    @Test("What a command does comes back as the step's result, one step after another")
    func results() async throws {
        let runner = StepRunner(executable: Self.healer)
        for (arguments, outcome) in [
            (["/bin/sh", "-c", "echo done"], StepResult.Outcome.succeeded), (["/bin/sh", "-c", "exit 3"], .failed),
            (["/nonexistent/program"], .notPermitted),
        ] {
            let ended = try await runner.arm(self.order(arguments)).begin()
            #expect(ended.result.outcome == outcome)
            ended.finish(recorded: true)
        }
    }

    @Test("Only a step of ours can say that it gave way to somebody else")
    func yields() async throws {
        let runner = StepRunner(executable: Self.healer)
        for (isOurs, outcome) in [(true, StepResult.Outcome.yielded), (false, .failed)] {
            var order = self.order(["/bin/sh", "-c", "echo the budget kafka >&2; exit 75"])
            order.mayYield = isOurs
            let ended = try await runner.arm(order).begin()
            #expect(ended.result.outcome == outcome)
            #expect(ended.result.output == "the budget kafka\n")
            ended.finish(recorded: true)
        }
    }

    @Test("A step whose startBy has passed is not started")
    func late() async throws {
        let mark = "\(NSTemporaryDirectory())runner-\(UUID().uuidString)"
        let runner = StepRunner(executable: Self.healer)
        let ended = try await runner.arm(self.order(["/usr/bin/touch", mark], startBy: .milliseconds(-1))).begin()
        ended.finish(recorded: true)
        #expect(ended.result.outcome == .notStarted)
        #expect(!FileManager.default.fileExists(atPath: mark))
    }

    @Test("A step at its limit is ended, and says so")
    func limit() async throws {
        let runner = StepRunner(executable: Self.healer)
        let ended = try await runner.arm(self.order(["/bin/sleep", "600"], limit: 200)).begin()
        ended.finish(recorded: true)
        #expect(ended.result.outcome == .timedOut)
    }

    @Test("What left a step's process group ends with the step, but not what a start has begun")
    func leftBehind() async throws {
        for leaves in [false, true] {
            let mark = "HEALER_TEST=\(UUID().uuidString)"
            let runner = StepRunner(executable: Self.healer)
            var order = self.order(["/bin/sh", "-c", "setsid sleep 120 >/dev/null 2>&1 & sleep 0.2"])
            order.environment["HEALER_TEST"] = String(mark.dropFirst("HEALER_TEST=".count))
            order.leavesProcesses = leaves
            let ended = try await runner.arm(order).begin()
            ended.finish(recorded: true)
            #expect(ended.result.outcome == .succeeded)
            let left = LeftBehind.processes(carrying: mark)
            #expect(left.count == (leaves ? 1 : 0))
            LeftBehind.endAll(carrying: mark)
        }
    }

    @Test("Steps at the same time do not wait for each other")
    func together() async throws {
        let runner = StepRunner(executable: Self.healer)
        let outcomes = try await withThrowingTaskGroup(
            of: StepResult.Outcome.self, returning: [StepResult.Outcome].self
        ) { group in
            for _ in 0..<4 {
                group.addTask {
                    let ended = try await runner.arm(self.order(["/bin/sleep", "0.2"])).begin()
                    ended.finish(recorded: true)
                    return ended.result.outcome
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes == Array(repeating: .succeeded, count: 4))
    }
}
