import Cluster
import Foundation
import Testing

@testable import ChaosTool

/// The chaos suite itself, on a real cluster: that it passes what is well, and objects to what is not.
@Suite("The chaos suite", .serialized) struct ChaosScenarioTests {
    /// Plays a scenario of the suite, under a load that a busy machine can bear, and takes away what a failure leaves.
    private func play(_ name: String, sabotage: RunSabotage? = nil) async throws -> RunVerdict {
        var scenario = try ScenarioReader.read(path: "\(RunCommand.folder)/\(name).yaml")
        scenario.given.load = 100
        // How long it takes is no matter here.
        scenario.then.takeover = nil
        let directory = HealedCluster.newDirectory()
        let run = ScenarioRun(
            scenario: scenario, seed: 1, directory: directory, sabotage: sabotage, progress: { _ in })
        let record = try await run.play(on: ProcessPlatform.self)
        try? FileManager.default.removeItem(atPath: "\(directory)-failed")
        #expect(Leftovers().find(.directory(directory)) == [])
        return RunVerdict(record)
    }

    @Test("A leader that is stopped is succeeded, and the report says so in one page of its own")
    func stopped() async throws {
        let verdict = try await self.play("F3-leader-stopped")
        #expect(verdict.outcome == .passed, "\(verdict.complaints)")
        #expect(verdict.record.history.claims.count { $0.record.holder != nil } >= 2)
        // Not vacuous: there was something to judge.
        #expect(verdict.record.load?.check.map { $0.acked > 0 && $0.missing == 0 } == true)

        let report = RunReport(verdict, platform: ProcessPlatform.word)
        let data = try JSONEncoder().encode(report)
        #expect(try JSONDecoder().decode(RunReport.self, from: data) == report)
        let page = ReportPage(report).html
        #expect(page.contains("<svg") && page.contains("stops ") && !page.contains("http"))
    }

    @Test("A broker that healers only look at stays dead, and a step that nobody permitted is seen")
    func objects() async throws {
        let observed = try await self.play("F16-broker-killed", sabotage: .observing)
        #expect(observed.outcome == .violated)
        #expect(observed.figures.started == 0)
        #expect(observed.record.end.away == ["kafka-2"])

        let rogue = try await self.play("F3-leader-stopped", sabotage: .rogue)
        let broken = rogue.invariants.filter { !$0.violations.isEmpty }.map(\.invariant)
        #expect(broken == [.s5, .s11], "\(rogue.complaints)")
    }
}
