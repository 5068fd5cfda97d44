import Cluster
import Foundation

/// `healer-chaos sandbox node`: the supervisor of a sandbox's nodes as a command, by the contract that healers know.
enum NodeCommand {
    static let usage = """
        usage: healer-chaos sandbox node VERB NAME [--directory DIR] [--identity ID]

        status    one JSON line: {"exit":…,"identity":…,"state":"running|exited|stopped"}   [--log-status]
        logs      the last lines of the node's log                                          [--lines N]
        start     launches it unless it runs; does not wait until it serves                 [--takes SECONDS]
        stop      SIGTERM, after a time SIGKILL: then the state is `stopped`                [--within SECONDS]
        kill      SIGKILL, to a frozen process too
        restart   stop and start                                                            [--within SECONDS]
        freeze    SIGSTOP
        thaw      SIGCONT
        dump      thread dump of the JVM

        With --identity, or HEALER_IDENTITY in the environment, only the life so named is meant. HEALER_EPOCH,
        HEALER_INTENT, HEALER_INCIDENT, HEALER_ID and HEALER_START_BY go into the log of requests.
        Exit 0 done or nothing to do, 1 failed, 2 usage, 5 another life runs, 6 a higher epoch was served before.
        """

    @Sendable static func run(_ arguments: [String]) async throws -> Int32 {
        let line: Arguments
        do {
            line = try Arguments(
                arguments, options: ["--directory", "--identity", "--lines", "--within", "--takes"],
                flags: ["--log-status"])
        } catch is HelpRequested {
            Console.print(self.usage)
            return ExitCode.success
        }
        guard line.words.count == 2 else { throw UsageError("node takes a verb and a name") }
        guard let verb = NodeVerb(rawValue: line.words[0]) else {
            throw UsageError.unknown("verb", line.words[0], among: NodeVerb.allCases.map(\.rawValue))
        }
        let supervisor = try Sandbox.open(line.directory).supervisor(of: line.words[1])
        let origin = try RequestOrigin(
            environment: ProcessInfo.processInfo.environment, identity: line.value("--identity"))
        let within = try line.seconds("--within") ?? .seconds(30)

        switch verb {
        case .status:
            let state = supervisor.status()
            if line.has("--log-status") {
                _ = try supervisor.sandbox.requestLog.admit(
                    .status, node: supervisor.node.name, origin: origin,
                    found: state.state == .running ? state.identity : nil, wanted: .answered)
            }
            Console.print(StatusLine.json(StatusLine(state)))
            return ExitCode.success
        case .logs:
            Console.print(supervisor.logs(lines: try line.integer("--lines", in: 1...10_000, standard: 100)))
            return ExitCode.success
        case .dump:
            let (answer, text) = try supervisor.dump(from: origin)
            if !text.isEmpty { Console.print(text) }
            return self.finish(answer, quiet: answer.result == .dumped)
        case .start:
            let takes = try line.seconds("--takes") ?? .zero
            return self.finish(try supervisor.start(from: origin, takes: takes))
        case .stop: return self.finish(try supervisor.stop(within: within, from: origin))
        case .kill: return self.finish(try supervisor.kill(from: origin))
        case .restart: return self.finish(try supervisor.restart(within: within, from: origin))
        case .freeze: return self.finish(try supervisor.freeze(from: origin))
        case .thaw: return self.finish(try supervisor.thaw(from: origin))
        }
    }

    private static func finish(_ answer: NodeSupervisor.Answer, quiet: Bool = false) -> Int32 {
        if answer.result.code != ExitCode.success {
            Console.error(answer.text)
        } else if !quiet {
            Console.print(answer.text)
        }
        return answer.result.code
    }
}

/// What `node status` prints.
struct StatusLine: Hashable, Sendable, Encodable {
    let state: ProcessState.State
    let identity: String?
    let exit: ExitRecord?

    init(_ state: ProcessState) {
        self.state = state.state
        self.identity = state.identity?.rawValue
        self.exit = state.exit.map { ExitRecord($0) }
    }

    private enum CodingKeys: CodingKey { case state, identity, exit }

    /// All three keys always stand there; `null` says that there is nothing to say.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(self.state, forKey: .state)
        try container.encode(self.identity, forKey: .identity)
        try container.encode(self.exit, forKey: .exit)
    }

    /// One line.
    static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, numbers and nulls always encode.
        return String(decoding: try! encoder.encode(value), as: UTF8.self)
    }
}
