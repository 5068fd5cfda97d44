import Cluster
import Curl
import Docker
import FoundationEssentials
import Glibc

/// One thing to be asked of, or done to, exactly one life of a container: what `healer docker-step` is told, as one
/// argument in JSON.
struct DockerStep: Hashable, Sendable, Codable {
    var verb: SupervisorVerb
    var engine: EngineAddress
    var tls: TLS?
    var container: ContainerReference
    /// `nil` if the container never ran.
    var identity: ProcessIdentity?
    /// Of `stop` and `restart`.
    var stopSeconds: Int
    var limitMilliseconds: Int64

    /// Files' paths.
    struct TLS: Hashable, Sendable, Codable {
        var authorities: String?
        var certificate: String?
        var key: String?
        init(_ tls: HTTPCall.TLS) {
            self.authorities = tls.authorities
            self.certificate = tls.certificate
            self.key = tls.key
        }
        var settings: HTTPCall.TLS {
            HTTPCall.TLS(authorities: self.authorities, certificate: self.certificate, key: self.key)
        }
    }

    /// Lines of a log that are evidence.
    static let logLines = 300

    /// Why it was not done.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    /// Returns what to print.
    ///
    /// An engine has no conditional requests: between the look at the identity and the act lie two requests to one
    /// socket, in which somebody else's restart could fall. An act goes to the container's id, so one that was created
    /// anew under the same name is never hit.
    /// - Parameters:
    ///   - startBy: CLOCK_BOOTTIME; what has not begun by then is not begun.
    ///   - origin: told with every request.
    func carryOut(by client: HTTPClient, startBy: Moment?, origin: StepOrigin? = nil) async throws -> String {
        let engine = Engine(self.engine, tls: self.tls?.settings, origin: origin, client: client)
        let end = bootTime() + .milliseconds(self.limitMilliseconds)
        var left: Duration { max(end - bootTime(), .milliseconds(1)) }
        let container = try await engine.inspect(self.container, within: left)
        guard let id = ContainerReference(container.id) else { throw Refusal(description: "its id is none") }
        func isStill(_ verb: String) throws {
            if let startBy, bootTime() > startBy { throw Refusal(description: "startBy had passed") }
            guard container.life == self.identity?.rawValue else {
                throw Refusal(
                    description:
                        "\(self.container) is in another life now (\(container.life ?? "it never ran")): not \(verb)")
            }
        }
        switch self.verb {
        case .status:
            return "\(container.state.status.rawValue) \(container.life ?? "never ran")"
        case .logs:
            return try await engine.logs(of: id, lines: Self.logLines, within: left)
        case .dump:
            try isStill("dumped")
            // An engine thaws it to deliver a signal.
            if container.state.status == .paused { return "no thread dump: it is paused" }
            return try await self.dump(id, engine, until: end)
        case .start:
            if container.isRunning { return "runs already: \(container.life ?? "")" }
            try isStill("started")
            let isNew = try await engine.start(id, within: left)
            let now = try await engine.inspect(id, within: left)
            return "\(isNew ? "started" : "runs already"): \(now.life ?? "")"
        case .stop:
            try isStill("stopped")
            try await engine.stop(id, seconds: self.stopSeconds, within: left)
            return "stopped"
        case .kill:
            try isStill("killed")
            guard container.isRunning else { return "it had ended" }
            do {
                try await engine.kill(id, .kill, within: left)
            } catch {
                // Ended meanwhile.
                guard error.reason == .conflict else { throw error }
            }
            while try await engine.inspect(id, within: left).isStill(container), left > Self.pause {
                try await Task.sleep(for: Self.pause)
            }
            return "killed"
        case .restart:
            try isStill("restarted")
            try await engine.restart(id, seconds: self.stopSeconds, within: left)
            return "restarted: \(try await engine.inspect(id, within: left).life ?? "")"
        }
    }

    private static let pause = Duration.milliseconds(50)

    /// A JVM's dump of its threads begins and ends so.
    private static let (dumpBegin, dumpEnd) = ("Full thread dump", "JNI global refs")
    /// Lines that a dump may have.
    private static let dumpLines = 10_000

    /// Asks a JVM for the stacks of its threads, and waits until they stand in the log, or the time is nearly over: a
    /// frozen one writes nothing.
    ///
    /// Where the image names no STOPSIGNAL, an engine takes any signal for a wish to end the container, and its restart
    /// policy does not start it after its next end. A dump is made before a kill, which has the same consequence.
    private func dump(_ id: ContainerReference, _ engine: Engine, until end: Moment) async throws -> String {
        func log() async throws -> String {
            try await engine.logs(of: id, lines: Self.dumpLines, within: max(end - bootTime(), Self.pause))
        }
        // The engine's clock need not be ours, so dumps are counted.
        let before = try await log().ranges(of: Self.dumpEnd).count
        try await engine.kill(id, .quit, within: end - bootTime())
        while bootTime() + Self.reserve < end {
            let text = try await log()
            if text.ranges(of: Self.dumpEnd).count > before,
                let begin = text.ranges(of: Self.dumpBegin).last
            {
                return String(text[begin.lowerBound...])
            }
            try await Task.sleep(for: Self.pause)
        }
        return "no thread dump came: it hangs, or is not a JVM"
    }

    /// What is kept of the limit for saying that nothing came.
    private static let reserve = Duration.milliseconds(500)
}

extension Container {
    /// Whether that very life goes on.
    fileprivate func isStill(_ other: Container) -> Bool { self.life == other.life && self.isRunning }
}

extension StepOrigin {
    /// By what a healer's runner puts into the environment of a step.
    fileprivate init(_ environment: [String: String], identity: ProcessIdentity?) {
        self.init()
        self[.healer] = environment["HEALER_ID"]
        self[.epoch] = environment["HEALER_EPOCH"]
        self[.intent] = environment["HEALER_INTENT"]
        self[.incident] = environment["HEALER_INCIDENT"]
        self[.identity] = identity?.rawValue
        self[.startBy] = environment["HEALER_START_BY"]
    }
}

extension DockerStep: SupervisorStep {
    static let program = "docker-step"

    func carryOut(startBy: Moment?, environment: [String: String]) async throws -> String {
        let origin = StepOrigin(environment, identity: self.identity)
        return try await HTTPClient.during { try await self.carryOut(by: $0, startBy: startBy, origin: origin) }
    }

    static func isForbidden(_ error: any Error) -> Bool { (error as? EngineError)?.reason == .forbidden }
}
