import Cluster
import Testing

@testable import Daemon

/// Answers as `systemctl show` gives them (systemd 257, Debian 13), each after what the name says was done to a unit. Typed
/// in from real ones but for the times of start, a unit that a target wants, out of memory, watchdog, masked, and the job on
/// a dead unit, which follow systemd.service(5) and org.freedesktop.systemd1(5).
enum ShownUnit {
    static func text(
        _ state: String, _ detail: String, result: String = "success", invocation: String = "", pid: Int = 0,
        code: Int = 0, status: Int = 0, started: Int = 0, exited: Int = 0, left: Int = 0, job: String = "",
        restart: String = "no", load: String = "loaded"
    ) -> String {
        """
        Restart=\(restart)
        MainPID=\(pid)
        Result=\(result)
        ExecMainStartTimestampMonotonic=\(started)
        ExecMainExitTimestampMonotonic=\(exited)
        ExecMainCode=\(code)
        ExecMainStatus=\(status)
        LoadState=\(load)
        ActiveState=\(state)
        SubState=\(detail)
        ActiveExitTimestampMonotonic=\(left)
        Job=\(job)
        InvocationID=\(invocation)

        """
    }

    static let running = Self.text(
        "active", "running", invocation: "23e2cd231e8d404c83f1c8efcf6273a5", pid: 134, started: 37_635_644_567)
    static let killed = Self.text(
        "failed", "failed", result: "signal", invocation: "8e9776ca01e44df3956bdb039bac15fc", code: 2, status: 9,
        started: 37_635_908_608, exited: 37_635_989_234, left: 37_635_989_380)
    /// Forgotten: stopped by `systemctl stop`, never started, or its failure reset.
    static let forgotten = Self.text("inactive", "dead")
    /// One that a target wants is not forgotten.
    static let stopped = Self.text(
        "inactive", "dead", invocation: "5a4b1b03e2f7446aae8f3f6dbd2b8b7e", code: 2, status: 15,
        started: 37_635_644_567, exited: 37_635_900_100, left: 37_635_899_000)
    /// A JVM ends with 143 when it is stopped.
    static let stoppedJVM = Self.text(
        "failed", "failed", result: "exit-code", invocation: "bec42e53d9e442ff9302ff569147ede8", code: 1, status: 143,
        started: 37_637_800_565, exited: 37_638_324_928, left: 37_638_317_965)
    /// `kill -TERM` from outside systemd, as kafka-server-stop.sh does.
    static let ended = Self.text(
        "failed", "failed", result: "exit-code", invocation: "ae7a507452cc4b81b28d810aee540597", code: 1, status: 143,
        started: 37_640_257_167, exited: 37_641_670_507, left: 37_641_670_648)
    /// Stopped, and killed at TimeoutStopSec=.
    static let stoppedByForce = Self.text(
        "failed", "failed", result: "timeout", invocation: "525c10e7729f417ba623c114b2503790", code: 2, status: 9,
        started: 37_642_170_516, exited: 37_644_738_693, left: 37_642_504_729)
    static let autoRestart = Self.text(
        "activating", "auto-restart", result: "signal", invocation: "72ecdf2979bd4a03ad64f65131c7ed5b", code: 2,
        status: 9, started: 37_647_444_698, exited: 37_647_544_288, left: 37_647_544_398, restart: "always")
    /// Killed more often than StartLimitBurst=; that systemd refuses to start it is nowhere to be seen.
    static let startLimit = Self.text(
        "failed", "failed", result: "signal", invocation: "374bd285261f46738579ec4394a05afb", code: 2, status: 9,
        started: 37_655_000_142, exited: 37_655_423_610, left: 37_655_423_762, restart: "always")
    /// `ExecStartPre=` at work.
    static let preparing = Self.text(
        "activating", "start-pre", invocation: "af97a6d2ae9a4f9989a66cca98881464", job: "868")
    /// `systemctl restart`, while its process ends.
    static let stopping = Self.text(
        "deactivating", "stop-sigterm", invocation: "0e1fef45a6844ac68367ff9cc69ad2f2", pid: 289,
        started: 37_664_336_543, left: 37_664_625_316, job: "978")
}

@Suite("What systemd says of a unit")
struct UnitStateTests {
    @Test(
        "The state of its process, which life is meant, and how it ended",
        arguments: [
            (ShownUnit.running, ProcessState.State.running, "23e2cd231e8d404c83f1c8efcf6273a5", ExitStatus?.none),
            (ShownUnit.killed, .exited, "8e9776ca01e44df3956bdb039bac15fc", .signal(9)),
            (ShownUnit.forgotten, .stopped, nil, nil),
            (ShownUnit.stopped, .stopped, "5a4b1b03e2f7446aae8f3f6dbd2b8b7e", .signal(15)),
            (ShownUnit.stoppedJVM, .stopped, "bec42e53d9e442ff9302ff569147ede8", .code(143)),
            (ShownUnit.ended, .stopped, "ae7a507452cc4b81b28d810aee540597", .code(143)),
            (ShownUnit.stoppedByForce, .stopped, "525c10e7729f417ba623c114b2503790", .signal(9)),
            (ShownUnit.autoRestart, .restarting, "72ecdf2979bd4a03ad64f65131c7ed5b", .signal(9)),
            (ShownUnit.startLimit, .exited, "374bd285261f46738579ec4394a05afb", .signal(9)),
            (ShownUnit.preparing, .running, "af97a6d2ae9a4f9989a66cca98881464", nil),
            (ShownUnit.stopping, .stopped, "0e1fef45a6844ac68367ff9cc69ad2f2", nil),
        ] as [(String, ProcessState.State, String?, ExitStatus?)])
    func states(text: String, state: ProcessState.State, identity: String?, exit: ExitStatus?) throws {
        let hand = text == ShownUnit.stopping ? "it is being stopped" : nil
        #expect(
            try UnitState(text).process()
                == ProcessState(state: state, identity: identity.map { ProcessIdentity($0) }, exit: exit, hand: hand))
    }

    @Test("A queued job, a mask, the kernel's and the watchdog's hand are told apart from a death and from a stop")
    func hands() throws {
        func state(_ text: String) throws -> ProcessState.State { try UnitState(text).process().state }
        let queued = ShownUnit.killed.replacing("Job=\n", with: "Job=12\n")
        #expect(try state(queued) == .restarting)
        #expect(try UnitState(queued).foreignHand == "job 12 is queued for it")
        #expect(try UnitState(queued).process().hand == "job 12 is queued for it")
        // A start, perhaps a healer's own, while it is at work.
        #expect(try UnitState(ShownUnit.preparing).foreignHand == "job 868 is queued for it")
        #expect(try UnitState(ShownUnit.preparing).process().hand == nil)
        #expect(try state(ShownUnit.killed.replacing("LoadState=loaded", with: "LoadState=masked")) == .stopped)
        #expect(try UnitState(ShownUnit.killed).foreignHand == nil)
        for result in ["oom-kill", "watchdog"] {
            let text = ShownUnit.stoppedByForce.replacing("Result=timeout", with: "Result=\(result)")
            #expect(try state(text) == .exited)
        }
        // By its own failure, while what follows it still runs.
        let ending = ShownUnit.killed.replacing("ActiveState=failed", with: "ActiveState=deactivating")
        #expect(try state(ending) == .exited)
        #expect(try state(ending.replacing("Restart=no", with: "Restart=always")) == .restarting)
        // A start that failed before there was a process, and a life that ended before it was active.
        #expect(try state(ShownUnit.text("failed", "failed", result: "exit-code", invocation: "a")) == .exited)
        let early = ShownUnit.text(
            "failed", "failed", result: "exit-code", invocation: "b", code: 1, status: 1, started: 500, exited: 600,
            left: 400)
        #expect(try state(early) == .exited)
    }

    @Test("What cannot be judged is a failure of the look, and says why")
    func failures() throws {
        func reason(_ text: String) -> String {
            do throws(SupervisorFailure) {
                _ = try UnitState(text).process()
                return ""
            } catch { return error.reason }
        }
        let absent = ShownUnit.text("inactive", "dead", load: "not-found")
        #expect(reason(absent) == "systemd cannot load the unit: not-found")
        #expect(reason(ShownUnit.text("active", "exited")).contains("knows no main process"))
        #expect(reason(ShownUnit.text("sleeping", "deep")).contains("ActiveState=sleeping, which is not known"))
        #expect(reason("") == "systemctl show printed no ActiveState: ")
        #expect(reason(ShownUnit.running.replacing("MainPID=134", with: "MainPID=x")).contains("which is no number"))
    }
}
