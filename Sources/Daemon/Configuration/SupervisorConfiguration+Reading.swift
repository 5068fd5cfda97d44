import Cluster
import Curl
import Docker
import YAML

enum SupervisorType: String, Hashable, Sendable, CaseIterable {
    case command, docker, systemd, kubernetes
}

extension SupervisorConfiguration {
    /// What may stand in the commands.
    static let placeholders: Set<Placeholder> = [.node, .identity, .host, .brokerID]

    /// `nil` when its type is not of this version, which is reported. Then every key of every type is judged, and is
    /// known; what only one type requires is not.
    init?(_ section: Section) {
        let kind = ConfigurationKind<SupervisorType>.choice()
        let type = section.required("type", kind)
        self.limits = section.section("limits") { limits in
            Dictionary(
                uniqueKeysWithValues: SupervisorVerb.allCases.map { verb in
                    (
                        verb,
                        limits.value("\(verb.rawValue)_seconds", .seconds(0.1...3600), default: verb.standardLimit)
                    )
                })
        }
        switch type {
        case .command:
            self.means = .command(CommandConfiguration(section))
            if !section.has("status") {
                section.missing(
                    "status", "the command that says whether a node's process runs, as a list of arguments")
            }
        case .docker:
            let docker = DockerConfiguration(section)
            self.means = .docker(docker)
            self.check(docker, section)
        case .systemd:
            self.means = .systemd(SystemdConfiguration(section))
        case .kubernetes:
            self.means = .kubernetes(KubernetesConfiguration(section))
        case nil:
            _ = CommandConfiguration(section)
            _ = DockerConfiguration(section)
            _ = SystemdConfiguration(section)
            _ = KubernetesConfiguration(section)
            return nil
        }
    }

    private func check(_ docker: DockerConfiguration, _ section: Section) {
        for verb in [SupervisorVerb.stop, .restart] where self.limit(for: verb) <= docker.stopTime {
            section.complain(
                Complaint(
                    "is \(shortest(docker.stopTime.inSeconds))",
                    "make it less than limits.\(verb.rawValue)_seconds (\(shortest(self.limit(for: verb).inSeconds)))"),
                "stop_seconds")
            return
        }
    }
}

extension CommandConfiguration {
    init(_ section: Section) {
        self.commands = [:]
        for verb in SupervisorVerb.allCases {
            if let command = section.command(verb.rawValue) { self.commands[verb] = command }
        }
        self.interruptible = Set(section.list("interruptible", .verb, absent: "none") ?? [])
        self.environment = section.properties("environment", name: Self.variable)
        for verb in self.interruptible.sorted(by: { $0.rawValue < $1.rawValue }) {
            let steps = SupervisorVerb.steps.filter { self.commands[$0] != nil }.map { "`\($0.rawValue)`" }
            guard !SupervisorVerb.steps.contains(verb) || self.commands[verb] == nil else { continue }
            section.complain(
                Complaint(
                    "has `\(verb.rawValue)`, which is no step of this supervisor",
                    steps.isEmpty ? "leave it out" : "choose among \(steps.joined(separator: ", "))"),
                "interruptible")
        }
        if let kill = self.commands[.kill], !kill.arguments.contains(where: { $0.placeholders.contains(.identity) }) {
            section.complain(
                Complaint(
                    "has no `${identity}`", "pass it on, so that only the process that was proven hung is killed"),
                "kill")
        }
    }
}

extension ConfigurationKind where Value == SupervisorVerb {
    fileprivate static var verb: Self { .choice() }
}

extension CommandConfiguration {
    private static func variable(_ name: String) -> Complaint? {
        let isAllowed = name.utf8.allSatisfy { byte in
            (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5f
        }
        guard name.isEmpty || !isAllowed else { return nil }
        return Complaint("is not such a name", "write a variable's name: letters, digits, underscores")
    }
}

extension DockerConfiguration {
    init(_ section: Section) {
        let places: Set<Placeholder> = [.node, .host, .brokerID]
        self.engine = section.pattern(
            "engine", places, default: [.text(EngineAddress.standard.description)],
            "an address, `unix:///PATH` or `tcp://HOST:PORT`"
        ) { EngineAddress($0) != nil }
        self.container = section.pattern(
            "container", places, default: [.placeholder(.node)],
            "the name of a container, in letters, digits, dots, dashes and underscores"
        ) {
            ContainerReference($0) != nil
        }
        self.stopTime = section.value("stop_seconds", .wholeSeconds(1...3600), default: Self.standardStopTime)
        self.tls =
            section.optionalSection("tls") { tls in
                let files = HTTPCall.TLS(
                    authorities: tls.optional("ca_file", .absolutePath, absent: "the system's list"),
                    certificate: tls.optional("certificate_file", .absolutePath),
                    key: tls.optional("key_file", .absolutePath))
                if (files.certificate == nil) != (files.key == nil) {
                    let missing = files.key == nil ? "key_file" : "certificate_file"
                    tls.missing(missing, "the path of the other half, or leave both out")
                }
                return files
            } ?? nil
        guard section.areSound("engine") else { return }
        let engine = self.engine.description
        if self.tls != nil, engine.hasPrefix("unix:"), !section.reader.isDescribing {
            section.complain(Complaint("is there, but a Unix socket has no TLS", "leave it out"), "tls")
        } else if self.tls == nil, engine.hasPrefix("tcp:") {
            section.reader.warn(
                "`\(section.pathOf("engine"))` is plain TCP: whoever reaches it is root there, unless a filter stands "
                    + "before it; add `tls`, or use a Unix socket", at: section.mark(of: "engine"))
        }
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
        let readings = items.map { self.template(key, $0, SupervisorConfiguration.placeholders) }
        if let program = readings[0], !program.placeholders.isEmpty || !program.description.hasPrefix("/") {
            self.complain(
                Complaint("begins with `\(program)`", "write the program's absolute path: no PATH is searched"),
                key, at: items[0].mark)
            return nil
        }
        let arguments = readings.compactMap(\.self)
        guard arguments.count == items.count else { return nil }
        let command = CommandTemplate(arguments)
        self.reader.record(self.pathOf(key), command.description, .file(line: node.mark.line))
        return command
    }

    /// A text with placeholders that is judged by what it would be with a word in their places.
    func pattern(
        _ key: String, _ placeholders: Set<Placeholder>, default standard: [TextTemplate.Piece], _ wanted: String,
        isAllowed: (String) -> Bool
    ) -> TextTemplate {
        let standard = TextTemplate(standard)
        guard let node = self.node(key) else {
            self.reader.record(self.pathOf(key), standard.description, .standard)
            return standard
        }
        guard let template = self.template(key, node, placeholders) else {
            self.refuse(key)
            return standard
        }
        let words = Dictionary(uniqueKeysWithValues: placeholders.map { ($0, "1") })
        guard let sample = try? template.filled(with: words), isAllowed(sample) else {
            self.complain(Complaint("is `\(template)`", "write \(wanted)"), key)
            self.refuse(key)
            return standard
        }
        self.reader.record(self.pathOf(key), template.description, .file(line: node.mark.line))
        return template
    }
}
