import Cluster
import Foundation
import Testing

@testable import ChaosTool

@Suite("A start command that is wrong", .serialized)
struct WrongCommandTests {
    @Test("Each way of being wrong is put down with what it said; the node is healed when it is right")
    func wrong() async throws {
        let changes = [
            "      start: [\"${HEALER_CHAOS}\",": "      start: [\"${SANDBOX_DIRECTORY}/start\", \"${HEALER_CHAOS}\",",
            "      type: command\n": "      type: command\n      limits:\n        start_seconds: \(Self.limit)\n",
            "max_attempts: 3": "max_attempts: 20", "initial_delay_seconds: 2": "initial_delay_seconds: 1",
            "max_delay_seconds: 30": "max_delay_seconds: 1",
        ]
        try await HealedCluster.during(changes: changes) { cluster in
            try await cluster.sandbox.kill("kafka-2")

            let absent = try await cluster.result("no such command") { $0.outcome == .notPermitted }
            #expect(absent.output.contains("No such file"))
            // In the very record that says how the step ended.
            let paged = try #require(await cluster.incident(of: "kafka-2")).paged
            #expect(paged.contains { $0.name == PageReason.stepNotPermitted(.start, "").name })

            try cluster.writeCommand("exec \"$@\"", mode: 0o644)
            let forbidden = try await cluster.result("not executable") { $0.output.contains("ermission denied") }
            #expect(forbidden.outcome == .notPermitted)

            try cluster.writeCommand("echo it is broken; exit 3")
            let failed = try await cluster.result("fails") { $0.exit == .code(3) }
            #expect(failed.outcome == .failed)
            #expect(failed.output.contains("it is broken"))

            try cluster.writeCommand("echo beginning; head -c 20000000 /dev/zero | tr '\\0' x; echo end; exit 4")
            let flood = try await cluster.result("floods its output") { $0.exit == .code(4) }
            #expect(flood.outcome == .failed)
            #expect(flood.output.hasPrefix("beginning") && flood.output.contains("end"))
            #expect(flood.output.utf8.count < 10_000)
            #expect(flood.tookMilliseconds > 0)

            try cluster.writeCommand("exec sleep 600")
            let hung = try await cluster.result("hangs") { $0.outcome == .timedOut }
            #expect(hung.tookMilliseconds >= Int64(Self.limit) * 1000)

            #expect(try cluster.steps().isEmpty)
            try cluster.writeCommand("exec \"$@\"")
            #expect(try await cluster.awaitClosed("kafka-2").closing == .healed)
            try await cluster.awaitInSync()
            #expect(try cluster.steps().map(\.verb) == [.start])
        }
    }

    /// Seconds, which the right command needs a small part of.
    private static let limit = 8
}

extension HealedCluster {
    /// Puts another start command in the place of the present one, in one piece.
    fileprivate func writeCommand(_ text: String, mode: Int = 0o755) throws {
        let path = "\(self.sandbox.directory)/start"
        let made = FileManager.default.createFile(
            atPath: "\(path).new", contents: Data("#!/bin/sh\n\(text)\n".utf8), attributes: [.posixPermissions: mode])
        try #require(made && rename("\(path).new", path) == 0)
    }

    /// Waits until the last start in the incident's timeline has ended in such a way.
    fileprivate func result(_ what: String, _ isSuch: (StepResult) -> Bool) async throws -> StepResult {
        var found: StepResult?
        try await self.until("a start that \(what)") {
            found = await self.incident(of: "kafka-2")?.results(of: .start).last { isSuch($0) }
            return found != nil
        }
        return found!
    }
}
