import Cluster
import Foundation

/// `healer-chaos bench`: figures beside their goals.
enum BenchCommand: ToolCommand {
    static let summary = "measure, and print each figure beside its goal"
    static let usage = """
        usage: healer-chaos bench healing [--directory DIR]
               healer-chaos bench metadata [--partitions N] [--topics N] [--cycles N]

        `healing` kills brokers and the leading healer of sandbox clusters, and measures a plain restart loop beside it.
        `metadata` reads the whole metadata of librdkafka's mock cluster, which runs as a process of its own, and looks through
        it for partitions that are offline or not in sync. Prints `name value goal ok|MISS` lines. Each topic takes the
        mock cluster about 0.3 s to make.
        """

    static func run(_ arguments: [String]) async throws -> Int32 {
        let line = try Arguments(arguments, options: ["--partitions", "--topics", "--cycles", "--directory"])
        let partitions = try line.integer("--partitions", in: 1...1_000_000, standard: 100_000)
        let topics = try line.integer("--topics", in: 1...partitions, standard: min(partitions, 20))
        switch line.words {
        case ["healing"]:
            let directory = line.value("--directory") ?? "\(SandboxDirectory.state)/bench"
            return try await interruptible {
                try await HealingBench(directory: directory).measure { Console.print($0.line) }
                return ExitCode.success
            }
        case ["metadata"]:
            let cycles = try line.integer("--cycles", in: 1...1000, standard: 10)
            let figures = try await MetadataBench.measure(partitions: partitions, topics: topics, cycles: cycles)
            for figure in figures { Console.print(figure.line) }
            return ExitCode.success
        case ["mock-cluster"]:
            // The other process of the bench.
            return try MetadataBench.serve(partitions: partitions, topics: topics)
        default: throw UsageError("what to measure is missing: healing or metadata")
        }
    }
}

/// One measured value beside what we want it to be.
struct BenchFigure: Hashable, Sendable {
    enum Goal: Hashable, Sendable {
        case atLeast(Double)
        case atMost(Double)
    }
    let name: String
    let value: Double
    let goal: Goal

    var isMet: Bool {
        switch self.goal {
        case .atLeast(let limit): self.value >= limit
        case .atMost(let limit): self.value <= limit
        }
    }

    /// `name value goal ok|MISS`.
    var line: String {
        func text(_ number: Double) -> String { String(format: number < 1000 ? "%.3f" : "%.0f", number) }
        let limit =
            switch self.goal {
            case .atLeast(let limit): ">=\(text(limit))"
            case .atMost(let limit): "<=\(text(limit))"
            }
        return "\(self.name) \(text(self.value)) \(limit) \(self.isMet ? "ok" : "MISS")"
    }
}
