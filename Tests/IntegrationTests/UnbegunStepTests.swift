import Cluster
import Foundation
import Testing

@testable import ChaosTool

@Suite("A step that was permitted, and never began", .serialized)
struct UnbegunStepTests {
    /// Only in the record of the intent: as it is encoded, with its keys in order.
    private static let permission = #""node":"kafka-2","step":"start""#

    @Test("Is known to be so by the next leader, who starts the broker without waiting for the step's time limit")
    func leaderDies() async throws {
        try await ProxiedHealers.during(SandboxOptions(topics: []), healers: 3, replacements: []) { healers in
            let cluster = healers.cluster
            try await healers.awaitAllInLine()
            let old = try await cluster.leader()
            try await healers.holdReplies(to: old.id, after: Self.permission)
            try await cluster.sandbox.kill("kafka-2")
            // The intent is committed, and its healer dies without having heard of it.
            try await cluster.until("an open intent, its reply held") {
                try await cluster.tree.recoveries().contains { $0.isOpen && $0.intent.step == .start }
            }
            let intent = try #require(try await cluster.tree.recoveries().first { $0.intent.step == .start }?.intent)
            old.send(SIGKILL)
            try await healers.release(old.id)
            try await cluster.awaitLeader(after: intent.id.epoch)

            let incident = try await cluster.awaitClosed("kafka-2")
            #expect(incident.closing == .healed)
            let results = incident.results(of: .start).map(\.outcome)
            #expect(results == [.notStarted, .succeeded], "\(incident.results(of: .start))")
            let steps = try cluster.steps(on: "kafka-2")
            #expect(steps.map(\.verb) == [.start])
            #expect(steps.allSatisfy { $0.intent != intent.id.description })
        }
    }
}
