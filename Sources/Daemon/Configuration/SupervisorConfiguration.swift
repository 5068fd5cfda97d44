/// What a supervisor can be asked and told.
enum SupervisorVerb: String, Hashable, Sendable, Codable, CaseIterable {
    case status, logs, start, stop, kill, restart, dump

    /// What it can be told, as a step.
    static let steps: [Self] = [.start, .stop, .kill, .restart]

    /// How long it may take unless the file says otherwise.
    var standardLimit: Duration {
        switch self {
        case .status: .seconds(3)
        case .logs, .dump: .seconds(5)
        case .kill: .seconds(10)
        case .start, .stop: .seconds(60)
        case .restart: .seconds(120)
        }
    }
}

/// Who runs the processes of nodes.
struct SupervisorConfiguration: Hashable, Sendable {
    enum Means: Hashable, Sendable {
        case command(CommandConfiguration)
        case docker(DockerConfiguration)
        case systemd(SystemdConfiguration)
        case kubernetes(KubernetesConfiguration)
    }
    var means: Means
    /// One for each verb.
    var limits: [SupervisorVerb: Duration]

    /// `nil` for any other type.
    var command: CommandConfiguration? {
        if case .command(let configuration) = self.means { configuration } else { nil }
    }
    /// `nil` for any other type.
    var docker: DockerConfiguration? { if case .docker(let configuration) = self.means { configuration } else { nil } }
    /// `nil` for any other type.
    var systemd: SystemdConfiguration? {
        if case .systemd(let configuration) = self.means { configuration } else { nil }
    }
    /// `nil` for any other type.
    var kubernetes: KubernetesConfiguration? {
        if case .kubernetes(let configuration) = self.means { configuration } else { nil }
    }

    func limit(for verb: SupervisorVerb) -> Duration { self.limits[verb] ?? verb.standardLimit }

    /// Whether it can be asked or told this.
    func knows(_ verb: SupervisorVerb) -> Bool {
        switch self.means {
        case .command(let configuration): configuration.commands[verb] != nil
        case .docker, .systemd: true
        case .kubernetes: SupervisorVerb.ofPods.contains(verb)
        }
    }
}

/// The operator's own commands for the processes of nodes: type `command`.
struct CommandConfiguration: Hashable, Sendable {
    /// `status` is always there. What is not there cannot be asked or told.
    var commands: [SupervisorVerb: CommandTemplate]
    /// Steps that are ended when the leadership that permitted them is over. The others run to their end.
    var interruptible: Set<SupervisorVerb> = []
    /// Added to the clean environment of every command.
    var environment: [String: PropertyValue]
}
