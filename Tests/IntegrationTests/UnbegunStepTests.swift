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
        let options = SandboxOptions(topics: [])
        try await ProxiedHealers.during(options, healers: 3, profile: "steady", replacements: []) { healers in
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
            try await self.leaderDiesLater(healers)
        }
    }

    /// On the same cluster: its beginning stands in ZooKeeper too, and its healer dies without having heard of that. Nobody
    /// but the runner that it would have told knows that it told nobody.
    private func leaderDiesLater(_ healers: ProxiedHealers) async throws {
        let (cluster, node) = (healers.cluster, "kafka-3")
        try await cluster.awaitInSync()
        let old = try await cluster.leader()
        // Of an earlier step, so that the next one is put down by a single write.
        let mark = cluster.tree.layout.begun(NodeName(node))
        try await cluster.tree.session.create(mark, data: Array("0-0".utf8))
        try await healers.holdReplies(to: old.id, after: mark)
        try await cluster.sandbox.kill(node)
        var intent: Intent?
        try await cluster.until("an intent to start \(node) whose beginning is put down, the reply held") {
            intent = try await cluster.tree.recoveries().first {
                $0.isOpen && $0.intent.node.rawValue == node && $0.intent.step == .start
            }?.intent
            let begun = String(decoding: try await cluster.tree.session.get(mark).data, as: UTF8.self)
            return intent != nil && intent?.id.description == begun
        }
        let id = try #require(intent).id
        old.send(SIGKILL)
        try await healers.release(old.id)
        try await cluster.awaitLeader(after: id.epoch)

        let incident = try await cluster.awaitClosed(node)
        #expect(incident.closing == .healed)
        let results = incident.results(of: .start).map(\.outcome)
        #expect(results == [.notStarted, .succeeded], "\(incident.results(of: .start))")
        let steps = try cluster.steps(on: node)
        #expect(steps.map(\.verb) == [.start])
        #expect(steps.allSatisfy { $0.intent != id.description })
    }
}
