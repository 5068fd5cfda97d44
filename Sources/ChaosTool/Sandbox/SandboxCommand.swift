import Cluster
import Foundation

/// `healer-chaos sandbox`.
enum SandboxCommand: ToolCommand {
    static let summary = "A real cluster of local processes, and the supervisor of its nodes"
    static let usage = """
        usage: healer-chaos sandbox up [--zookeepers N] [--brokers N] [--session-timeout MS]
                                       [--topic NAME:PARTITIONS]… [--json] [--quiet]
               healer-chaos sandbox down [--keep-logs DIR]
               healer-chaos sandbox status [--json]
               healer-chaos sandbox node VERB NAME …      (node --help tells more)
               healer-chaos sandbox restart-loop NAME [--delay SECONDS] [--for SECONDS]
               healer-chaos sandbox forget-epochs

        Each takes --directory DIR: where the sandbox is. Standard: $HEALER_SANDBOX, else kafka-healer/sandbox in
        $XDG_STATE_HOME or ~/.local/state.

        up             3 ZooKeeper servers, 3 brokers, sessions of 6000 ms and one topic, messages:12, unless told
                       otherwise. Returns when all of it serves; what fails or is interrupted leaves nothing running.
        down           ends all processes and removes the directory; --keep-logs moves the logs first.
        status         each node, and whether it serves.
        restart-loop   starts the node again after each of its exits, as a plain service manager would, until a
                       signal comes or the time is up (3600 s).
        forget-epochs  node commands of any epoch are served again: for a new coordination root.
        """

    private static let verbs: [(name: String, run: @Sendable ([String]) async throws -> Int32)] = [
        ("up", Self.up), ("down", Self.down), ("status", Self.status), ("node", NodeCommand.run),
        ("restart-loop", RestartLoop.run), ("forget-epochs", Self.forgetEpochs),
    ]

    static func run(_ arguments: [String]) async throws -> Int32 {
        guard let word = arguments.first else { throw UsageError("what to do is missing") }
        if word == "--help" || word == "-h" { throw HelpRequested() }
        guard let verb = self.verbs.first(where: { $0.name == word }) else {
            throw UsageError.unknown("word", word, among: self.verbs.map(\.name))
        }
        return try await verb.run(Array(arguments.dropFirst()))
    }

    private static func up(_ arguments: [String]) async throws -> Int32 {
        let line = try Arguments(
            arguments, options: ["--directory", "--zookeepers", "--brokers", "--session-timeout", "--topic"],
            flags: ["--json", "--quiet"])
        try line.refuseWords()
        var options = SandboxOptions()
        options.zookeepers = try line.integer("--zookeepers", in: 1...9, standard: options.zookeepers)
        options.brokers = try line.integer("--brokers", in: 0...9, standard: options.brokers)
        options.sessionTimeout = try line.integer(
            "--session-timeout", in: 500...60_000, standard: options.sessionTimeout)
        let topics = line.all("--topic")
        if !topics.isEmpty { options.topics = try topics.map(self.topic) }

        let directory = line.directory
        let quiet = line.has("--quiet")
        let sandbox = try await interruptible { [options] in
            try await Sandbox.up(options, in: directory) { if !quiet { Console.error($0) } }
        }
        if line.has("--json") {
            Console.print(ProcFile.text("\(sandbox.directory)/sandbox.json") ?? "")
        } else if !quiet {
            Console.print("zookeeper \(sandbox.description.zookeeper)\nbootstrap \(sandbox.description.bootstrap)")
        }
        return ExitCode.success
    }

    private static func topic(_ text: String) throws -> SandboxTopic {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let partitions = Int32(parts[1]), (1...1000).contains(partitions)
        else {
            throw UsageError("--topic takes NAME:PARTITIONS with 1 to 1000 partitions, not '\(text)'")
        }
        return SandboxTopic(name: String(parts[0]), partitions: partitions)
    }

    private static func down(_ arguments: [String]) async throws -> Int32 {
        let line = try Arguments(arguments, options: ["--directory", "--keep-logs"], flags: ["--quiet"])
        try line.refuseWords()
        guard FileManager.default.fileExists(atPath: "\(line.directory)/sandbox.json") else {
            let lost = try await Sandbox.downLost(in: line.directory)
            if !line.has("--quiet") {
                Console.print("no sandbox in \(line.directory)")
                for id in lost { Console.print("what was left of sandbox \(id) is gone") }
            }
            return ExitCode.success
        }
        let sandbox = try Sandbox.open(line.directory)
        try await sandbox.down(keepingLogs: line.value("--keep-logs"))
        if !line.has("--quiet") { Console.print("sandbox \(sandbox.id) is gone") }
        return ExitCode.success
    }

    private static func status(_ arguments: [String]) async throws -> Int32 {
        let line = try Arguments(arguments, options: ["--directory"], flags: ["--json"])
        try line.refuseWords()
        let sandbox = try Sandbox.open(line.directory)
        let rows = try await blocking {
            sandbox.description.nodes.map { node in
                let state = NodeSupervisor(sandbox: sandbox, node: node).status()
                let serves = state.state == .running && sandbox.serves(node)
                return NodeRow(
                    name: node.name, state: state.state.rawValue, serves: serves, endpoint: "\(node.node.endpoint)",
                    identity: state.identity?.rawValue, exit: state.exit.map { ExitRecord($0) })
            }
        }
        if line.has("--json") {
            Console.print(StatusLine.json(rows))
        } else {
            for row in rows {
                let fields = [row.name, row.state, row.serves ? "serves" : "-", row.endpoint, row.identity ?? "-"]
                let widths = [12, 8, 7, 16, 0]
                let cells = zip(fields, widths).map {
                    $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0)
                }
                Console.print(cells.joined(separator: "  "))
            }
        }
        return ExitCode.success
    }

    private struct NodeRow: Encodable, Sendable {
        let name: String
        let state: String
        let serves: Bool
        let endpoint: String
        let identity: String?
        let exit: ExitRecord?
    }

    private static func forgetEpochs(_ arguments: [String]) async throws -> Int32 {
        let line = try Arguments(arguments, options: ["--directory"])
        try line.refuseWords()
        try Sandbox.open(line.directory).requestLog.forgetEpochs()
        return ExitCode.success
    }
}

extension Sandbox {
    /// Whether it answers its own protocol right now.
    func serves(_ node: SandboxNode) -> Bool {
        switch node.role {
        case .broker: KafkaWire.answers(port: node.port)
        case .zookeeper: FourLetterWord.mode(port: node.port) != nil
        }
    }
}

extension Arguments {
    /// `--directory`, else the standard one; absolute.
    var directory: String { self.value("--directory").map(SandboxDirectory.absolute) ?? SandboxDirectory.standard }

    func refuseWords() throws {
        if let word = self.words.first { throw UsageError("'\(word)' is one word too many") }
    }
}
