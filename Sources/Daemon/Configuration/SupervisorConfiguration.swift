/// What a supervisor can be asked and told.
enum SupervisorVerb: String, Hashable, Sendable, CaseIterable {
    case status, logs, start, stop, kill, restart, dump

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

/// The operator's own commands for the processes of nodes: type `command`.
struct SupervisorConfiguration: Hashable, Sendable {
    /// `status` is always there. What is not there cannot be asked or told.
    var commands: [SupervisorVerb: CommandTemplate]
    /// One for each verb.
    var limits: [SupervisorVerb: Duration]
    /// Added to the clean environment of every command.
    var environment: [String: PropertyValue]

    func limit(for verb: SupervisorVerb) -> Duration { self.limits[verb] ?? verb.standardLimit }
}
