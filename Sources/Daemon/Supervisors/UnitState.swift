import Cluster
import Glibc

/// What systemd says of a service: the answer to `systemctl show`, as far as a healer reads it.
struct UnitState: Hashable, Sendable {
    /// systemd's own words; those that are not listed here are answered with "cannot be judged".
    enum Activity: String, Hashable, Sendable {
        case active, reloading, refreshing, activating, deactivating, inactive, failed, maintenance
    }

    /// What is asked for, in this order on the command line.
    static let properties = [
        "LoadState", "ActiveState", "SubState", "Result", "InvocationID", "MainPID", "ExecMainCode", "ExecMainStatus",
        "ExecMainStartTimestampMonotonic", "ExecMainExitTimestampMonotonic", "ActiveExitTimestampMonotonic", "Job",
        "Restart",
    ]

    /// `loaded`, `masked`, `not-found`, …
    var load: String
    var activity: Activity
    /// `running`, `auto-restart`, `start-pre`, …
    var detail: String
    /// `success`, `signal`, `start-limit-hit`, … of the last life.
    var result: String
    /// The present life, or the last one; `nil` if systemd knows of none. It forgets a unit that is neither active nor
    /// failed, unless another unit wants it.
    var invocation: ProcessIdentity?
    /// `nil` while there is none.
    var mainProcess: pid_t?
    /// How the main process ended; `nil` while it runs, or if there was none.
    var exit: ExitStatus?
    /// Of CLOCK_MONOTONIC on its host, in microseconds; 0 for never.
    var mainStarted: UInt64
    var mainExited: UInt64
    /// When the unit last ceased to be active.
    var leftActive: UInt64
    /// A job that waits or runs: a start, stop or restart that somebody asked for.
    var job: UInt32?
    /// `no`, `always`, `on-failure`, …
    var restart: String

    /// - Parameter output: of `systemctl show`: `Name=value` on each line, in any order.
    init(_ output: String) throws(SupervisorFailure) {
        var values: [Substring: Substring] = [:]
        for line in output.split(separator: "\n") {
            guard let equals = line.firstIndex(of: "=") else { continue }
            values[line[..<equals]] = line[line.index(after: equals)...]
        }
        func text(_ name: Substring) throws(SupervisorFailure) -> String {
            guard let value = values[name] else {
                throw SupervisorFailure(reason: "systemctl show printed no \(name): \(output.prefix(120))")
            }
            return String(value)
        }
        func number(_ name: Substring) throws(SupervisorFailure) -> UInt64 {
            let value = try text(name)
            // What is not set is empty, or the largest number.
            guard !value.isEmpty else { return 0 }
            guard let number = UInt64(value) else {
                throw SupervisorFailure(
                    reason: "systemctl show printed \(name)=\(value.prefix(40)), which is no number")
            }
            return number == .max ? 0 : number
        }
        let activity = try text("ActiveState")
        guard let known = Activity(rawValue: activity) else {
            throw SupervisorFailure(reason: "systemd says ActiveState=\(activity), which is not known here")
        }
        self.activity = known
        self.load = try text("LoadState")
        self.detail = try text("SubState")
        self.result = try text("Result")
        let invocation = try text("InvocationID")
        self.invocation = invocation.isEmpty ? nil : ProcessIdentity(invocation)
        let process = try number("MainPID")
        self.mainProcess = process == 0 ? nil : pid_t(truncatingIfNeeded: process)
        // As waitid tells it: CLD_EXITED, CLD_KILLED, CLD_DUMPED.
        let status = Int32(truncatingIfNeeded: try number("ExecMainStatus"))
        switch try number("ExecMainCode") {
        case 1: self.exit = .code(status)
        case 2, 3: self.exit = .signal(status)
        default: self.exit = nil
        }
        self.mainStarted = try number("ExecMainStartTimestampMonotonic")
        self.mainExited = try number("ExecMainExitTimestampMonotonic")
        self.leftActive = try number("ActiveExitTimestampMonotonic")
        let job = try number("Job")
        self.job = job == 0 ? nil : UInt32(truncatingIfNeeded: job)
        self.restart = try text("Restart")
    }
}

extension UnitState {
    /// systemd will start it again by itself (`Restart=`).
    var isAutoRestarting: Bool { self.activity == .activating && self.detail.hasPrefix("auto-restart") }

    /// systemd says itself that it was started too often lately.
    var isAtStartLimit: Bool { self.result == "start-limit-hit" }

    /// A process of this life runs, or is about to: one that prepares it counts (`start-pre`).
    var isUp: Bool {
        switch self.activity {
        case .active, .reloading, .refreshing: self.mainProcess != nil
        case .activating: !self.isAutoRestarting
        case .deactivating: self.mainProcess != nil
        case .inactive, .failed, .maintenance: false
        }
    }

    /// What it comes to.
    ///
    /// - Throws: where nothing can be said of the node's process.
    func process() throws(SupervisorFailure) -> ProcessState {
        guard self.load == "loaded" || self.load == "masked" else {
            throw SupervisorFailure(reason: "systemd cannot load the unit: \(self.load)")
        }
        return ProcessState(
            state: try self.state(), identity: self.invocation, exit: self.isUp ? nil : self.exit,
            // A unit that starts has a job as well, and a healer's own start may be that job.
            hand: self.isUp && self.activity != .deactivating ? nil : self.foreignHand)
    }

    private func state() throws(SupervisorFailure) -> ProcessState.State {
        switch self.activity {
        case .active, .reloading, .refreshing:
            guard self.mainProcess != nil else {
                throw SupervisorFailure(
                    reason: "systemd calls the unit \(self.activity.rawValue) (\(self.detail)), but knows no main "
                        + "process of it: give it Type=simple, exec or notify, or a PIDFile=")
            }
            return .running
        case .activating:
            return self.isAutoRestarting ? .restarting : .running
        case .deactivating:
            // While its process still runs, somebody had it stopped; systemd's own reasons stand in the result. A broker
            // that hands over its partitions closes its port first, and is not hung.
            if self.mainProcess != nil { return self.result == "success" ? .stopped : .running }
            let end = self.end
            return end == .exited && self.restart != "no" ? .restarting : end
        case .inactive, .failed:
            if self.job != nil { return .restarting }
            return self.load == "masked" ? .stopped : self.end
        case .maintenance:
            return .stopped
        }
    }

    /// By whose hand it has ended.
    private var end: ProcessState.State {
        if ["oom-kill", "watchdog"].contains(self.result) { return .exited }
        // Asked to stop, the unit ceases to be active before its process ends, however that ends; otherwise after it.
        if self.mainStarted < self.leftActive, self.leftActive < self.mainExited { return .stopped }
        switch self.exit {
        // In order, or by the signal that asks for it, as a JVM's own handler ends too (kafka-server-stop.sh sends TERM).
        case .code(0), .code(128 + SIGTERM), .code(128 + SIGINT), .signal(SIGTERM), .signal(SIGINT): return .stopped
        case .code, .signal: return .exited
        // No process: it never ran, or a start failed before it.
        case nil: return self.activity == .failed ? .exited : .stopped
        }
    }

    /// Why a step must leave it alone: somebody else is at it. `nil` if nobody is.
    var foreignHand: String? {
        if self.activity == .deactivating, self.mainProcess != nil { return "it is being stopped" }
        if let job = self.job { return "job \(job) is queued for it" }
        return nil
    }
}
