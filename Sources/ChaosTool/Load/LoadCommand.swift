import Cluster
import Foundation
import RdKafka

/// `healer-chaos load`.
enum LoadCommand: ToolCommand {
    static let summary = "Writes numbered records, then checks that everything acknowledged is there"
    static let usage = """
        usage: healer-chaos load --bootstrap HOST:PORT,… --topic TOPIC [--rate N] [--messages N] [--duration SECONDS]
                                 [--keys N] [--size BYTES] [--property NAME=VALUE]… [--ledger FILE] [--no-check]
                                 [--sabotage lose-one] [--json]
               healer-chaos load check --bootstrap HOST:PORT,… --topic TOPIC --ledger FILE [--idle SECONDS]
                                 [--property NAME=VALUE]… [--sabotage lose-one] [--json]

        Writes idempotently with acks=all, 1000 records a second unless told otherwise (0: as fast as they are
        acknowledged), until the number or the time is reached or a signal comes; then reads the topic from its
        beginning and compares by value. Exit status 0 only if nothing that was acknowledged is missing, nothing is
        there twice and no key is out of order, and at least one record was acknowledged.

        --ledger FILE          keeps the acknowledged values, one per line, for a later check
        --sabotage lose-one    forgets one value that was read, to show that the check can fail
        """

    static func run(_ arguments: [String]) async throws -> Int32 {
        if arguments.first == "check" { return try await self.check(Array(arguments.dropFirst())) }
        let line = try Arguments(
            arguments,
            options: self.common + ["--rate", "--messages", "--duration", "--keys", "--size"],
            flags: ["--json", "--no-check"])
        try line.refuseWords()
        var plan = LoadPlan(bootstrap: try line.required("--bootstrap"), topic: try line.required("--topic"))
        try plan.properties.merge(self.properties(line)) { $1 }
        plan.rate = try line.integer("--rate", in: 0...1_000_000, standard: plan.rate)
        if line.value("--messages") != nil {
            plan.messages = try line.integer("--messages", in: 1...100_000_000, standard: 1)
        }
        plan.duration = try line.seconds("--duration")
        plan.keys = try line.integer("--keys", in: 1...1_000_000, standard: plan.keys)
        plan.size = try line.integer("--size", in: 0...900_000, standard: plan.size)
        let sabotage = try self.sabotage(line)

        let generator = try LoadGenerator(plan)
        await generator.start()
        // A signal ends the writing; what was acknowledged until then is checked all the same.
        try await interruptible {
            await withTaskCancellationHandler {
                await generator.planDone()
            } onCancel: {
                Task { await generator.stop() }
            }
        }
        await generator.stop()
        let counts = generator.ledger.counts
        if let file = line.value("--ledger") { try LedgerFile.write(generator.ledger.entries.map(\.value), to: file) }
        let check = line.has("--no-check") ? nil : try await LoadCheck.read(generator, sabotage: sabotage)
        let report = LoadReport(
            sent: counts.sent, acked: counts.acked, failed: counts.failed, firstFailure: generator.ledger.firstFailure,
            latency: generator.ledger.latency, check: check)
        Console.print(line.has("--json") ? StatusLine.json(report) : report.text)
        return counts.acked > 0 && check?.isIntact != false ? ExitCode.success : ExitCode.failure
    }

    private static let common = ["--bootstrap", "--topic", "--property", "--ledger", "--sabotage"]

    private static func check(_ arguments: [String]) async throws -> Int32 {
        let line = try Arguments(arguments, options: self.common + ["--idle"], flags: ["--json"])
        try line.refuseWords()
        let properties = try ["bootstrap.servers": line.required("--bootstrap")]
            .merging(self.properties(line)) { $1 }
        let acked = try LedgerFile.read(line.required("--ledger"))
        let check = try await LoadCheck.read(
            properties, topic: line.required("--topic"), acked: acked, idle: line.seconds("--idle") ?? .seconds(30),
            sabotage: self.sabotage(line))
        Console.print(line.has("--json") ? StatusLine.json(check) : check.line)
        return check.acked > 0 && check.isIntact ? ExitCode.success : ExitCode.failure
    }

    private static func sabotage(_ line: Arguments) throws -> LoadCheck.Sabotage? {
        guard let word = line.value("--sabotage") else { return nil }
        guard let sabotage = LoadCheck.Sabotage(rawValue: word) else {
            throw UsageError.unknown("sabotage", word, among: LoadCheck.Sabotage.allCases.map(\.rawValue))
        }
        return sabotage
    }

    private static func properties(_ line: Arguments) throws -> [String: String] {
        try line.all("--property").reduce(into: [:]) { properties, text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw UsageError("--property takes NAME=VALUE, not '\(text)'")
            }
            properties[String(parts[0])] = String(parts[1])
        }
    }
}

/// What a run of the load was, for people and scripts.
struct LoadReport: Hashable, Sendable, Codable {
    let sent: Int
    let acked: Int
    let failed: Int
    let firstFailure: String?
    /// In milliseconds.
    let latency: LoadLatency
    /// `nil` if nothing was checked.
    let check: LoadCheck?

    var text: String {
        let times = [
            ("p50", self.latency.p50), ("p95", self.latency.p95), ("p99", self.latency.p99), ("max", self.latency.max),
            ("longest-pause", self.latency.longestPause),
        ].map { "\($0)=\(String(format: "%.1f", $1))ms" }
        let failure = self.firstFailure.map { "\nfirst failure: \($0)" } ?? ""
        let counts = "sent=\(self.sent) acked=\(self.acked) failed=\(self.failed) " + times.joined(separator: " ")
        return counts + failure + (self.check.map { "\n\($0.line)" } ?? "")
    }
}

/// Acknowledged values in a file, one per line: the generator's values are text without line ends.
enum LedgerFile {
    static func write(_ values: [[UInt8]], to path: String) throws {
        try Data(values.map { $0 + [UInt8(ascii: "\n")] }.joined()).write(to: URL(fileURLWithPath: path))
    }

    static func read(_ path: String) throws -> [[UInt8]] {
        try Data(contentsOf: URL(fileURLWithPath: path)).split(separator: UInt8(ascii: "\n")).map { Array($0) }
    }
}

extension Arguments {
    func required(_ name: String) throws -> String {
        guard let value = self.value(name) else { throw UsageError("\(name) is missing") }
        return value
    }
}
