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

    /// Forks twice, begins a session of its own and another environment, and says where it is.
    private static let escape = "env -i /usr/bin/setsid /bin/sh -c 'sleep 300 & echo $!' > \"$0\" & sleep 0.3"

    @Test(
        "What left process group, session and environment ends with the step where it has a control group"
    )
    func escaped() async throws {
        for usesGroups in [true, false] {
            let place = "\(NSTemporaryDirectory())escaped-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: place) }
            let runner = StepRunner(executable: Self.healer, usesGroups: usesGroups)
            // Where no group may be made, that is known, and told with its reason.
            let isGrouped = runner.withoutGroup == nil
            #expect(usesGroups || !isGrouped)
            let ended = try await runner.arm(self.order(["/bin/sh", "-c", Self.escape, place])).begin()
            #expect(ended.result.outcome == .succeeded)
            let pid = try #require(pid_t(self.text(place).trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(Command.runs(pid) == !isGrouped, "\(runner.withoutGroup?.description ?? "in a group")")
            ended.finish(recorded: true)
            kill(pid, SIGKILL)
        }
    }

    @Test("What a start leaves in the background goes on in its control group")
    func grouped() async throws {
        let place = "\(NSTemporaryDirectory())started-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: place) }
        let runner = StepRunner(executable: Self.healer)
        var order = self.order(["/bin/sh", "-c", Self.escape, place])
        order.leavesProcesses = true
        let ended = try await runner.arm(order).begin()
        ended.finish(recorded: true)
        #expect(ended.result.outcome == .succeeded)
        let pid = try #require(pid_t(self.text(place).trimmingCharacters(in: .whitespacesAndNewlines)))
        usleep(300_000)
        #expect(Command.runs(pid))
        kill(pid, SIGKILL)
    }

    @Test(
        "The folder of the own control group is found where a mount shows it",
        arguments: [
            ("/sys/fs/cgroup", "/", "/", "/sys/fs/cgroup"),
            ("/sys/fs/cgroup", "/", "/system.slice/a.service", "/sys/fs/cgroup/system.slice/a.service"),
            ("/sys/fs/cgroup", "/docker/1f", "/docker/1f", "/sys/fs/cgroup"),
            ("/sys/fs/cgroup", "/docker/1f", "/docker/1f/a", "/sys/fs/cgroup/a"),
            ("/sys/fs/cgroup", "/docker/1f", "/docker/1fa", nil), ("/sys/fs/cgroup", "/", "/../a", nil),
        ] as [(String, String, String, String?)])
    func groupFolder(place: String, root: String, group: String, folder: String?) {
        let mounts = """
            24 22 0:21 / /proc rw,nosuid - proc proc rw
            31 22 0:26 /x /elsewhere rw - cgroup2 cgroup2 rw
            32 22 0:26 \(root) \(place) rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate
            """
        let groups = "9:name=systemd:/\n0::\(group)\n"
        #expect(StepGroup.folder(groups: groups, mounts: mounts) == folder)
        #expect(StepGroup.folder(groups: "9:name=systemd:/\n", mounts: mounts) == nil)
        #expect(StepGroup.folder(groups: groups, mounts: "24 22 0:21 / /proc rw - proc proc rw") == nil)
    }

    private func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }

    /// Puts down its beginning and its end.
    private func steps(_ log: String, sleeping: String) -> [String] {
        ["/bin/sh", "-c", "echo begin >>\"$0\"; sleep \(sleeping); echo end >>\"$0\"", log]
    }

    private func begins(_ log: String) async throws {
        let deadline = bootTime() + .seconds(60)
        while self.text(log).isEmpty, bootTime() < deadline { try await Task.sleep(for: .milliseconds(10)) }
        #expect(self.text(log) == "begin\n")
    }

    @Test("A step that may be interrupted is ended when its leadership is, or does not begin")
    func interrupted() async throws {
        let log = "\(NSTemporaryDirectory())interrupted-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: log) }
        let runner = StepRunner(executable: Self.healer)
        let interruption = StepInterruption()
        var order = self.order(self.steps(log, sleeping: "600"), limit: 600_000)
        order.isInterruptible = true
        let armed = try await runner.arm(order)
        async let running = armed.begin(interruption)
        try await self.begins(log)
        interruption.ask()
        interruption.ask()
        let ended = await running
        ended.finish(recorded: true)
        #expect(ended.result.outcome == .interrupted)
        #expect(self.text(log) == "begin\n")

        let second = try await runner.arm(order).begin(interruption)
        second.finish(recorded: true)
        #expect(second.result.outcome == .notStarted)
        #expect(self.text(log) == "begin\n")
    }

    @Test("An interruption that comes after the end changes nothing")
    func interruptedLate() async throws {
        let runner = StepRunner(executable: Self.healer)
        let interruption = StepInterruption()
        var order = self.order(["/bin/echo", "done"])
        order.isInterruptible = true
        let ended = try await runner.arm(order).begin(interruption)
        interruption.ask()
        ended.finish(recorded: true)
        #expect(ended.result.outcome == .succeeded)
    }

    @Test(
        "When its healer dies a step that may be interrupted is ended, any other runs to its end",
        arguments: [true, false])
    func healerDies(isInterruptible: Bool) async throws {
        let log = "\(NSTemporaryDirectory())orphan-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: log) }
        let runner = try SpawnedProcess(
            [Self.healer, "step-runner"], environment: ["PATH": "/usr/bin:/bin"], ownSession: true,
            pipes: [.input, .output])
        var order = self.order(self.steps(log, sleeping: isInterruptible ? "600" : "1"), limit: 600_000)
        order.isInterruptible = isInterruptible
        writeAll(runner.input!, [UInt8](try JSONEncoder().encode(order)) + [10] + ArmedStep.begin + [10])
        try await self.begins(log)
        // All that a runner ever notices of it.
        close(runner.input!)
        var output = LineReader(runner.output!)
        let line = output.next(until: bootTime() + .seconds(60))
        let said = try #require(line)
        close(runner.output!)
        let result = try JSONDecoder().decode(StepResult.self, from: Data(said))
        #expect(result.outcome == (isInterruptible ? .interrupted : .succeeded))
        #expect(self.text(log) == (isInterruptible ? "begin\n" : "begin\nend\n"))
        let deadline = bootTime() + .seconds(60)
        while runner.reap() == nil, bootTime() < deadline { usleep(10_000) }
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
