import YAML

enum SupervisorType: String, Hashable, Sendable, CaseIterable {
    case command
}

extension SupervisorConfiguration {
    /// What may stand in the commands.
    static let placeholders: Set<Placeholder> = [.node, .identity, .host, .brokerID]

    /// `nil` when its type is not of this version, which is reported; then nothing else of it is judged.
    init?(_ section: Section) {
        let later = "this type is not available in this version"
        let types = ["systemd": later, "docker": later, "kubernetes": later]
        let kind = ConfigurationKind<SupervisorType>.choice(later: types)
        if section.required("type", kind) == nil, !section.reader.isDescribing {
            section.abandon()
            return nil
        }
        self.commands = [:]
        for verb in SupervisorVerb.allCases {
            if let command = section.command(verb.rawValue) { self.commands[verb] = command }
        }
        self.limits = section.section("limits") { limits in
            Dictionary(
                uniqueKeysWithValues: SupervisorVerb.allCases.map { verb in
                    (
                        verb,
                        limits.value("\(verb.rawValue)_seconds", .seconds(0.1...3600), default: verb.standardLimit)
                    )
                })
        }
        self.environment = section.properties("environment", name: Self.variable)
        if !section.has("status") {
            section.missing("status", "the command that says whether a node's process runs, as a list of arguments")
        }
        if let kill = self.commands[.kill], !kill.arguments.contains(where: { $0.placeholders.contains(.identity) }) {
            section.complain(
                Complaint(
                    "has no `${identity}`", "pass it on, so that only the process that was proven hung is killed"),
                "kill")
        }
    }
}

extension SupervisorConfiguration {
    private static func variable(_ name: String) -> Complaint? {
        let isAllowed = name.utf8.allSatisfy { byte in
            (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5f
        }
        guard name.isEmpty || !isAllowed else { return nil }
        return Complaint("is not such a name", "write a variable's name: letters, digits, underscores")
    }
}

extension Section {
    /// An argument vector; `nil` if the key is absent or wrong.
    fileprivate func command(_ key: String) -> CommandTemplate? {
        guard let node = self.node(key) else {
            self.reader.record(self.pathOf(key), "none", .standard)
            return nil
        }
        guard let items = node.sequence, !items.isEmpty else {
            self.complain(
                Complaint("is not a list of arguments", "write `[/path/of/program, argument, …]`: no shell reads it"),
                key, at: node.mark)
            return nil
        }
        let arguments = items.compactMap { self.template(key, $0, SupervisorConfiguration.placeholders) }
        guard arguments.count == items.count else { return nil }
        guard arguments[0].placeholders.isEmpty, arguments[0].description.hasPrefix("/") else {
            self.complain(
                Complaint("begins with `\(arguments[0])`", "write the program's absolute path: no PATH is searched"),
                key, at: items[0].mark)
            return nil
        }
        let command = CommandTemplate(arguments)
        self.reader.record(self.pathOf(key), command.description, .file(line: node.mark.line))
        return command
    }
}
