import Cluster

/// One command of `healerctl`: its name, what follows it, and its help.
struct CommandSpecification: Sendable {
    let name: String
    /// What must follow the name.
    let operands: [String]
    /// Options of its own.
    let options: [(name: String, meaning: String)]
    let summary: String
    /// More for its own help; may be empty.
    let details: String
    let command: @Sendable (_ operands: [String], _ line: inout ArgumentList) throws(UsageError) -> AdminCommand

    private init(
        _ name: String, _ summary: String, operands: [String] = [], options: [(name: String, meaning: String)] = [],
        details: String = "",
        command: @escaping @Sendable ([String], inout ArgumentList) throws(UsageError) -> AdminCommand
    ) {
        self.name = name
        self.operands = operands
        self.options = options
        self.summary = summary
        self.details = details
        self.command = command
    }

    static let all: [CommandSpecification] = [
        CommandSpecification(
            "status", "The cluster at a glance.",
            details: "Reads ZooKeeper directly, so it works with every healer dead."
        ) { _, _ in .status },
        CommandSpecification(
            "leader", "Who leads.", details: "Reads ZooKeeper directly, so it works with every healer dead."
        ) { _, _ in .leader },
        CommandSpecification("members", "The healers, the next in line first.") { _, _ in .members },
        CommandSpecification("nodes", "Every node and how it is.") { _, _ in .nodes },
        CommandSpecification(
            "check", "Look at one node now, by every method.", operands: ["NODE"],
            details: "Asks a healer, the leader first."
        ) { operands, _ throws(UsageError) in .check(try Self.node(operands[0])) },
        CommandSpecification(
            "partitions", "The partitions that are not well.", details: "Asks a healer, the leader first."
        ) { _, _ in .partitions },
        CommandSpecification("incidents", "What failed, and how it stands.") { _, _ in .incidents },
        CommandSpecification("explain", "One incident from first sign to end, with every reason.", operands: ["ID"]) {
            operands, _ in .explain(operands[0])
        },
        CommandSpecification(
            "pause", "Start no step until `resume`.",
            options: [
                ("--why TEXT", "said to everybody who asks"), ("--for SPAN", "until then, such as 30m or 2h"),
                ("--everywhere", "all clusters of this root"),
            ],
            details: """
                After it returns no step begins. Steps that had begun before go on to their own end and are printed.
                """
        ) { _, line throws(UsageError) in
            .pause(
                why: try line.take("why") ?? "", lasting: try Self.span(&line), everywhere: line.takeFlag("everywhere"))
        },
        CommandSpecification(
            "resume", "End a pause.", options: [("--everywhere", "end the pause of all clusters of this root")]
        ) { _, line in .resume(everywhere: line.takeFlag("everywhere")) },
        CommandSpecification(
            "maintenance", "Leave one node to people, or look after it again.", operands: ["NODE", "on|off"],
            options: [("--why TEXT", "said to everybody who asks"), ("--for SPAN", "until then, such as 30m or 2h")],
            details: "After `on` returns no step begins for the node."
        ) { operands, line throws(UsageError) in
            let node = try Self.node(operands[0])
            switch operands[1] {
            case "on":
                return .beginMaintenance(node, why: try line.take("why") ?? "", lasting: try Self.span(&line))
            case "off": return .endMaintenance(node)
            default: throw UsageError("maintenance \(operands[1])?", hint: "Say on or off.")
            }
        },
        CommandSpecification(
            "resign", "Ask the leader to hand over.", details: "Returns when another healer leads."
        ) { _, _ in .resign },
        CommandSpecification(
            "transfer", "Ask the leader to hand over to one healer.",
            options: [("--to MEMBER", "who is to lead; `healerctl members` lists them")],
            details: "Returns when that healer leads."
        ) { _, line throws(UsageError) in
            guard let member = try line.take("to") else {
                throw UsageError("transfer to whom?", hint: "Say --to MEMBER; `healerctl members` lists them.")
            }
            return .transfer(HealerID(member))
        },
    ]

    static func named(_ word: String) throws(UsageError) -> CommandSpecification {
        if let known = Self.all.first(where: { $0.name == word }) { return known }
        let nearest = NearestWord.to(word, among: Self.all.map { $0.name })
        throw UsageError(
            "there is no command \(word)",
            hint: nearest.map { "Did you mean `healerctl \($0)`?" } ?? "`healerctl --help` lists the commands.")
    }

    private static func node(_ text: String) throws(UsageError) -> NodeName {
        let name = NodeName(text)
        guard name.isAllowed else {
            throw UsageError("\(text) is no node's name", hint: "`healerctl nodes` lists them.")
        }
        return name
    }

    private static func span(_ line: inout ArgumentList) throws(UsageError) -> Duration? {
        guard let text = try line.take("for") else { return nil }
        return try SpanText.duration(text, option: "for")
    }
}

extension CommandSpecification {
    var usage: String {
        (["healerctl", self.name] + self.operands + self.options.map { "[\($0.name)]" }).joined(separator: " ")
    }

    var help: String {
        var text = "\(self.usage)\n\n\(self.summary)\n"
        if !self.details.isEmpty { text += "\(self.details)\n" }
        if !self.options.isEmpty { text += "\n" + Self.list(self.options) }
        return text + "\n" + Self.list(Self.commonOptions)
    }

    static var overview: String {
        let commands = Self.all.map { (([$0.name] + $0.operands).joined(separator: " "), $0.summary) }
        return """
            healerctl: ask the healers of a Kafka cluster, and tell them what to leave alone.

            usage: healerctl COMMAND [OPTIONS]

            \(Self.list(commands))
            \(Self.list(Self.commonOptions))
            HEALER_ZOOKEEPER_AUTH=user:password logs in to a ZooKeeper whose nodes have digest ACLs. Where the library
            can: HEALER_ZOOKEEPER_SASL=user:password, or HEALER_ZOOKEEPER_TLS=CA,CERTIFICATE,KEY, three PEM files
            (HEALER_ZOOKEEPER_KEY_PASSWORD).
            Exit status: 0 healthy, 10 unhealthy, 1 error, 2 usage. `healerctl help COMMAND` says more;
            `healerctl --version` prints the version.

            """
    }

    private static let commonOptions = [
        ("--zookeeper SERVERS", "where the healers elect; or HEALER_ZOOKEEPER"),
        ("--healer HOST:PORT", "ask this healer alone (what reads only); HEALER_API: if ZooKeeper does not answer"),
        ("--root PATH", "or HEALER_ROOT; /kafka-healer if neither is there"),
        ("--cluster NAME", "which one, if there are several"), ("-o, --output FORMAT", "table or json"),
        ("--timeout SPAN", "for each answer, 5s if not said"),
    ]

    private static func list(_ entries: [(String, String)]) -> String {
        let width = entries.map { $0.0.count }.max() ?? 0
        return entries.map { name, meaning in
            "  \(name)\(String(repeating: " ", count: width - name.count + 2))\(meaning)\n"
        }.joined()
    }
}
