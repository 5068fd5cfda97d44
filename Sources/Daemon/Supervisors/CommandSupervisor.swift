import Cluster
import FoundationEssentials

/// The operator's own commands (type `command`): `status` prints one JSON line
/// `{"state": "running", "identity": "…", "exit": {"code": 0}}`; the others tell by their exit status.
struct CommandSupervisor: Supervisor {
    let configuration: CommandConfiguration
    /// How long each may take.
    let limit: @Sendable (SupervisorVerb) -> Duration

    /// All that a command inherits; what it needs beyond, its configuration adds.
    static let cleanEnvironment = [
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/",
    ]

    func knows(_ verb: SupervisorVerb) -> Bool { self.configuration.commands[verb] != nil }

    func command(
        _ verb: SupervisorVerb, _ node: Node, identity: ProcessIdentity?, environment: [String: String]
    ) throws(SupervisorFailure) -> Command {
        guard let template = self.configuration.commands[verb] else {
            throw SupervisorFailure(reason: "its supervisor has no command for \(verb.rawValue)")
        }
        var values: [Placeholder: String] = [.node: node.name.rawValue, .host: node.endpoint.host]
        values[.brokerID] = node.brokerID?.description
        values[.identity] = identity?.rawValue
        let arguments: [String]
        do {
            arguments = try template.filled(with: values)
        } catch {
            throw SupervisorFailure(
                reason: "\(verb.rawValue) wants ${\(error.placeholder.rawValue)}, which is not known of \(node.name)")
        }
        let settings = Self.cleanEnvironment.merging(self.configuration.environment.mapValues(\.revealed)) { $1 }
        return Command(
            arguments: arguments, environment: settings.merging(environment) { $1 },
            limit: self.limit(verb), leavesProcesses: verb == .start || verb == .restart,
            isInterruptible: self.configuration.interruptible.contains(verb))
    }

    func status(of node: Node) async throws(SupervisorFailure) -> ProcessState {
        let command = try self.command(.status, node, identity: nil, environment: [:])
        let result = await command.run()
        guard result.succeeded else {
            throw SupervisorFailure(reason: "status \(result.summary)")
        }
        guard let line = result.output.head.split(separator: "\n").first,
            let answer = try? JSONDecoder().decode(Answer.self, from: Data(line.utf8))
        else {
            throw SupervisorFailure(
                reason: "status printed no line of JSON with state and identity: \(result.output.head.prefix(120))")
        }
        return answer.process
    }

    private struct Answer: Decodable {
        let state: ProcessState.State
        let identity: String?
        let exit: Exit?
        struct Exit: Decodable {
            let code: Int32?
            let signal: Int32?
        }
        var process: ProcessState {
            let exit = self.exit.flatMap { $0.signal.map(ExitStatus.signal) ?? $0.code.map(ExitStatus.code) }
            return ProcessState(
                state: self.state, identity: self.identity.map { ProcessIdentity($0) },
                exit: self.exit == nil ? nil : exit)
        }
    }
}

extension CommandResult {
    /// One line for people: how it ended, how long it took, and the end of what it said.
    var summary: String {
        let how =
            switch self.end {
            case .exited(let status): "ended with \(status)"
            case .timedOut: "was ended at its time limit"
            case .interrupted: "was ended before its time limit"
            case .notStarted(_, let reason): "could not be started: \(reason)"
            }
        let said = (self.errors.text.isEmpty ? self.output.text : self.errors.text)
            .split(separator: "\n").suffix(2).joined(separator: " ")
        return "\(how) after \(self.milliseconds) ms" + (said.isEmpty || self.succeeded ? "" : ": \(said.prefix(300))")
    }
}
