import Cluster
import FoundationEssentials

/// Nodes that are units of systemd (type `systemd`), here or over SSH. An identity is systemd's InvocationID, of which each
/// start has its own.
struct SystemdSupervisor: Supervisor {
    let configuration: SystemdConfiguration
    /// How long each verb may take.
    let limit: @Sendable (SupervisorVerb) -> Duration
    /// Where ssh keeps the sockets of its connections; `nil` if none could be made.
    let sockets: SSHSockets?
    /// This program, which carries out a step in a process of its own.
    let executable: String

    /// Lines of a log that are evidence.
    static let logLines = 300

    func knows(_ verb: SupervisorVerb) -> Bool { true }

    func status(of node: Node) async throws(SupervisorFailure) -> ProcessState {
        try await self.systemctl(for: node).look(within: self.limit(.status)).process()
    }

    func command(
        _ verb: SupervisorVerb, _ node: Node, identity: ProcessIdentity?, environment: [String: String]
    ) throws(SupervisorFailure) -> Command {
        let systemctl = try self.systemctl(for: node)
        let limit = self.limit(verb)
        switch verb {
        case .status: return systemctl.command(.show, limit: limit)
        case .logs: return systemctl.command(.journal(lines: Self.logLines), limit: limit)
        case .start, .stop, .kill, .restart, .dump:
            let step = SystemdStep(
                verb: verb, systemctl: systemctl, identity: identity, limitMilliseconds: limit.wholeMilliseconds)
            // Values of simple kinds can always be written.
            let order = String(decoding: try! JSONEncoder().encode(step), as: UTF8.self)
            return Command(
                arguments: [self.executable, "systemd-step", order],
                environment: CommandSupervisor.cleanEnvironment.merging(environment) { $1 },
                // The step keeps the limit itself; this is for a step that does not.
                limit: limit + .seconds(1))
        }
    }

    func probe(_ verb: SupervisorVerb, _ node: Node, identity: ProcessIdentity?) async -> ProbeResult {
        guard let systemctl = try? self.systemctl(for: node),
            let unit = try? await systemctl.look(within: self.limit(.status))
        else { return .unknown }
        let isSame = unit.invocation == identity
        func found(_ outcome: StepResult.Outcome) -> ProbeResult {
            .done(StepResult(outcome, exit: unit.exit, output: "found \(unit.activity.rawValue) (\(unit.detail))"))
        }
        switch verb {
        case .status, .logs, .dump: return .unknown
        case .start:
            if !isSame { return found(unit.isUp || unit.isAutoRestarting ? .succeeded : .failed) }
            if unit.isUp { return found(.succeeded) }
            // To be told twice does nothing to a unit that runs.
            return unit.job != nil || unit.isAutoRestarting ? .running : .notStarted
        case .kill, .stop: return !isSame || !unit.isUp ? found(.succeeded) : .running
        case .restart: return isSame ? .running : found(unit.isUp ? .succeeded : .failed)
        }
    }

    func systemctl(for node: Node) throws(SupervisorFailure) -> Systemctl {
        var values: [Placeholder: String] = [.node: node.name.rawValue, .host: node.endpoint.host]
        values[.brokerID] = node.brokerID?.description
        func fill(_ template: TextTemplate) throws(SupervisorFailure) -> String {
            do throws(MissingPlaceholder) { return try template.filled(with: values) } catch {
                throw SupervisorFailure(
                    reason: "its supervisor wants ${\(error.placeholder.rawValue)}, which is not known of \(node.name)")
            }
        }
        let name = try fill(node.brokerID == nil ? self.configuration.zooKeeperUnit : self.configuration.unit)
        guard let unit = UnitName(name) else { throw SupervisorFailure(reason: "\(name) is not a service's name") }
        guard let transport = self.configuration.transport else { return Systemctl(unit: unit) }
        let text = try fill(transport.destination)
        guard let destination = SSHDestination(text) else {
            throw SupervisorFailure(reason: "\(text) is nobody that ssh could connect to")
        }
        guard let sockets = self.sockets else {
            throw SupervisorFailure(reason: "no folder could be made for the sockets of ssh")
        }
        return Systemctl(
            unit: unit,
            ssh: Systemctl.SSH(
                destination: destination, port: transport.port, identityFile: transport.identityFile,
                knownHostsFile: transport.knownHostsFile, socketDirectory: sockets.directory))
    }
}
