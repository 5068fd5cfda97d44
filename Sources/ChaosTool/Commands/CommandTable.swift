import Foundation

/// One word of `healer-chaos`: the type that carries it out, and what people read about it.
protocol ToolCommand {
    /// One line for the list of commands.
    static var summary: String { get }
    /// Every form and option, as `--help` prints it.
    static var usage: String { get }
    /// Returns the exit status, of ``ExitCode``; throws ``UsageError`` for a line that makes no sense, and any other
    /// error for what could not be done.
    static func run(_ arguments: [String]) async throws -> Int32
}

/// Exit statuses of `healer-chaos`.
enum ExitCode {
    static let success: Int32 = 0
    static let failure: Int32 = 1
    static let usage: Int32 = 2
    /// A node command named a life of the process that is not the present one.
    static let otherIdentity: Int32 = 5
    /// A node command came with an epoch below one that was served before.
    static let staleEpoch: Int32 = 6
    /// Ended by Ctrl-C or SIGTERM, as a shell reports it.
    static let interrupted: Int32 = 130
}

enum CommandTable {
    /// One line for each command. Those without a summary are for the program itself and are not listed.
    static let commands: [(name: String, type: any ToolCommand.Type)] = [
        ("demo", DemoCommand.self),
        ("run", RunCommand.self),
        ("sandbox", SandboxCommand.self),
        ("leftovers", LeftoversCommand.self),
        ("load", LoadCommand.self),
        ("proxy", ProxyCommand.self),
        ("bench", BenchCommand.self),
        ("keeper", KeeperCommand.self),
    ]

    /// Carries out one command line and says on standard error what went wrong.
    static func run(_ arguments: [String]) async -> Int32 {
        guard let word = arguments.first else {
            Console.error(self.usage)
            return ExitCode.usage
        }
        if word == "--help" || word == "-h" || word == "help" {
            Console.print(self.usage)
            return ExitCode.success
        }
        guard let command = self.commands.first(where: { $0.name == word })?.type else {
            Console.error("healer-chaos: \(UsageError.unknown("command", word, among: self.listed.map(\.name)))")
            return ExitCode.usage
        }
        do {
            return try await command.run(Array(arguments.dropFirst()))
        } catch is HelpRequested {
            Console.print(command.usage)
            return ExitCode.success
        } catch let error as UsageError {
            Console.error("healer-chaos \(word): \(error)\n\n\(command.usage)")
            return ExitCode.usage
        } catch is CancellationError {
            return ExitCode.interrupted
        } catch {
            Console.error("healer-chaos \(word): \(error)")
            return ExitCode.failure
        }
    }

    private static var listed: [(name: String, type: any ToolCommand.Type)] {
        self.commands.filter { !$0.type.summary.isEmpty }
    }

    private static var usage: String {
        let width = self.listed.map(\.name.count).max() ?? 0
        let lines = self.listed.map {
            "  \($0.name.padding(toLength: width, withPad: " ", startingAt: 0))  \($0.type.summary)"
        }
        return "usage: healer-chaos COMMAND …\n\n" + lines.joined(separator: "\n")
            + "\n\n`healer-chaos COMMAND --help` tells more."
    }
}
