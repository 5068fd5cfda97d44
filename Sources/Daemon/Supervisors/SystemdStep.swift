import Cluster
import FoundationEssentials
import Glibc

/// One thing to be done to exactly one life of a unit: what `healer systemd-step` is told, as one argument in JSON.
struct SystemdStep: Hashable, Sendable, Codable {
    var verb: SupervisorVerb
    var systemctl: Systemctl
    /// `nil` if systemd knows of no life.
    var identity: ProcessIdentity?
    var limitMilliseconds: Int64

    /// Why it was not done, or what systemctl said.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
        /// No repetition will change it.
        var isForbidden = false
    }

    /// Returns what to print.
    ///
    /// systemd has no conditional requests: between the look at the InvocationID and the act lie two requests, in which
    /// somebody else's restart could fall.
    /// - Parameter startBy: CLOCK_BOOTTIME; what has not begun by then is not begun.
    func carryOut(startBy: Moment?) async throws -> String {
        let end = bootTime() + .milliseconds(self.limitMilliseconds)
        let unit = try await self.look(until: end)
        switch self.judge(unit) {
        case .refused(let reason): throw Refusal(description: reason)
        case .needless(let reason): return reason
        case .act: break
        }
        if let startBy, bootTime() > startBy { throw Refusal(description: "startBy had passed") }
        switch self.verb {
        case .start: return try await self.start(unit, until: end)
        case .stop:
            try await self.tell(.stop, "stop", until: end)
            return "stopped"
        case .kill:
            try await self.tell(.kill, "kill", until: end)
            while bootTime() + Self.pause < end {
                let now = try await self.look(until: end)
                if now.invocation != self.identity || !now.isUp { return "killed" }
                try await Task.sleep(for: Self.pause)
            }
            throw Refusal(description: "it was sent SIGKILL, and has not ended yet")
        case .restart:
            try await self.tell(.restart, "restart", until: end)
            return "restarted: \(try await self.look(until: end).invocation?.rawValue ?? "")"
        case .dump: return try await self.dump(until: end)
        case .status, .logs:
            throw Refusal(description: "\(self.verb.rawValue) is no step")
        }
    }

    private static let pause = Duration.milliseconds(100)

    /// What a look at the unit, right before it is told anything, means for this step.
    enum Judgement: Hashable, Sendable {
        /// The life that is meant is there, and nobody else is at it.
        case act
        /// There is nothing left to do, for this reason.
        case needless(String)
        case refused(String)
    }

    func judge(_ unit: UnitState) -> Judgement {
        guard unit.load == "loaded" else { return .refused("\(self.systemctl.place) is \(unit.load): left alone") }
        if self.verb == .start {
            if unit.isUp, unit.activity != .deactivating {
                return .needless("runs already: \(unit.invocation?.rawValue ?? "")")
            }
            if unit.isAutoRestarting { return .needless("systemd is about to start it itself") }
        }
        if let hand = unit.foreignHand { return .refused("\(self.systemctl.place): \(hand); left to it") }
        guard unit.invocation == self.identity else {
            let life = unit.invocation?.rawValue ?? "systemd knows of none"
            return .refused("\(self.systemctl.place) is in another life now (\(life)): \(self.verb.rawValue) not done")
        }
        return self.verb == .kill && !unit.isUp ? .needless("it had ended") : .act
    }

    /// One that has been started too often lately systemd refuses to start, and only sometimes says so in `Result`: the
    /// reason of an earlier end stays there. Then the job fails without a new life.
    private func start(_ unit: UnitState, until end: Moment) async throws -> String {
        func started(_ how: String) async throws -> String {
            "\(how): \(try await self.look(until: end).invocation?.rawValue ?? "")"
        }
        if !unit.isAtStartLimit {
            do { try await self.tell(.start, "start", until: end) } catch let refusal as Refusal {
                let now = try await self.look(until: end)
                guard Self.isStartLimit(refusal, before: unit, after: now) else { throw refusal }
                return try await self.startAgain(until: end, started)
            }
            return try await started("started")
        }
        return try await self.startAgain(until: end, started)
    }

    /// Whether a start was refused because of the start limit: it failed as a job, and there was no new life.
    static func isStartLimit(_ refusal: Refusal, before: UnitState, after: UnitState) -> Bool {
        !refusal.isForbidden && refusal.description.contains(Self.failedJob) && after.activity == .failed
            && after.invocation == before.invocation
    }

    /// systemctl's words for a start that was refused or failed, not for one whose dependency failed.
    private static let failedJob = "Job for "

    private func startAgain(
        until end: Moment, _ started: (String) async throws -> String
    ) async throws -> String {
        try await self.tell(.resetFailed, "reset-failed", until: end)
        try await self.tell(.start, "start", until: end)
        return try await started("at its start limit; reset, and started")
    }

    /// A JVM's dump of its threads begins and ends so.
    private static let (dumpBegin, dumpEnd) = ("Full thread dump", "JNI global refs")
    /// Lines that a dump may have, and bytes of them.
    private static let (dumpLines, dumpBytes) = (10_000, 8 << 20)
    /// What is kept of the limit for saying that nothing came.
    private static let reserve = Duration.milliseconds(500)

    /// Asks a JVM for the stacks of its threads, and waits until they stand in the journal, or the time is nearly over: a
    /// frozen one writes nothing, and one whose output goes elsewhere writes it there.
    private func dump(until end: Moment) async throws -> String {
        func journal() async -> String {
            var command = self.systemctl.command(
                .journal(lines: Self.dumpLines), limit: max(end - bootTime(), Self.pause))
            command.cap = Self.dumpBytes
            return await command.run().output.text
        }
        let before = await journal().ranges(of: Self.dumpEnd).count
        try await self.tell(.dump, "kill --signal=QUIT", until: end)
        while bootTime() + Self.reserve < end {
            let text = await journal()
            if text.ranges(of: Self.dumpEnd).count > before, let begin = text.ranges(of: Self.dumpBegin).last {
                return String(text[begin.lowerBound...])
            }
            try await Task.sleep(for: Self.pause)
        }
        return "no thread dump came to the journal: it hangs, is not a JVM, or writes elsewhere"
    }

    private func look(until end: Moment) async throws -> UnitState {
        try await self.systemctl.look(within: max(end - bootTime(), .milliseconds(1)))
    }

    private func tell(_ request: Systemctl.Request, _ what: String, until end: Moment) async throws {
        let result = await self.systemctl.command(request, limit: max(end - bootTime(), .milliseconds(1))).run()
        guard !result.succeeded else { return }
        throw Refusal(
            description: self.systemctl.failure(of: what, result).reason,
            isForbidden: result.isPermissionProblem || Self.isDenied(result.errors.text))
    }

    /// What systemd's clients print where the bus or polkit says no.
    static func isDenied(_ errors: String) -> Bool {
        ["Access denied", "Interactive authentication required"].contains { errors.contains($0) }
    }
}

extension SystemdStep: SupervisorStep {
    static let program = "systemd-step"

    func carryOut(startBy: Moment?, environment: [String: String]) async throws -> String {
        try await self.carryOut(startBy: startBy)
    }

    static func isForbidden(_ error: any Error) -> Bool { (error as? Refusal)?.isForbidden == true }
}
