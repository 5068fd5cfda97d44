import Cluster
import Foundation

/// `healer-chaos demo`: a real cluster, hurt and healed while messages flow, with the proof at the end.
enum DemoCommand: ToolCommand {
    static let summary = "hurt a real cluster while messages flow, and see it healed"
    static let usage = """
        usage: healer-chaos demo [--keep] [--sabotage no-heal|lose-one] [--directory DIR]
               healer-chaos demo down [--directory DIR]

        Brings up a sandbox cluster and three healers, writes messages, kills a broker, kills the leading healer, kills
        another broker, and ends with one line; exit 0 only if nothing was lost and everything was healed.

        --keep                  leave the cluster and the healers running; `demo down` stops them
        --sabotage no-heal      the healers only observe: must exit 1
        --sabotage lose-one     the check forgets one message: must exit 1
        --directory DIR         where the cluster lives meanwhile
        """

    enum Sabotage: String, CaseIterable {
        case noHeal = "no-heal"
        case loseOne = "lose-one"
    }

    static func run(_ arguments: [String]) async throws -> Int32 {
        let parsed = try Arguments(arguments, options: ["--sabotage", "--directory"], flags: ["--keep"])
        let directory = parsed.value("--directory") ?? "\(SandboxDirectory.state)/demo"
        if parsed.words == ["down"] { return try await self.down(directory) }
        if let word = parsed.words.first { throw UsageError.unknown("word", word, among: ["down"]) }
        var sabotage: Sabotage?
        if let text = parsed.value("--sabotage") {
            guard let known = Sabotage(rawValue: text) else {
                throw UsageError.unknown("sabotage", text, among: Sabotage.allCases.map(\.rawValue))
            }
            sabotage = known
        }
        if (try? Sandbox.open(directory)) != nil {
            throw SandboxError("a demo is there already in \(directory): ./scripts/demo down ends it")
        }
        let demo = Demo(directory: directory, keep: parsed.has("--keep"), sabotage: sabotage)
        do {
            return try await interruptible { try await demo.run() }
        } catch is CancellationError {
            Console.error("demo: interrupted; everything it started is gone")
            return ExitCode.interrupted
        }
    }

    private static func down(_ directory: String) async throws -> Int32 {
        guard let sandbox = try? Sandbox.open(directory) else {
            Console.print("no demo is running")
            return ExitCode.success
        }
        try await sandbox.down()
        Console.print("the demo's cluster and healers are gone")
        return ExitCode.success
    }
}
