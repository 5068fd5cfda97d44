import Cluster
import Curl
import Foundation
import Testing
import ZooKeeper

@testable import ChaosTool

@Suite("A healer that may not act sees, says, and starts nothing", .serialized)
struct ObserveTests {
    /// Each of them under a coordination root of its own, where it leads.
    private enum Kind: String, CaseIterable {
        case dryRun = "dry-run"
        case observing
        /// Its disk takes no audit line.
        case withoutAudit = "without-audit"
        /// ZooKeeper does not let it write an intent.
        case withoutIntent = "without-intent"

        var root: String { "/\(self.rawValue)" }
        /// What it says of the step that it does not take.
        var refusal: String {
            switch self {
            case .dryRun, .observing: "observ"
            case .withoutAudit: "the audit trail cannot be written: /"
            case .withoutIntent: "recoveries is world:anyone:ra"
            }
        }
    }

    @Test("By --dry-run, by mode observe, and while its audit trail or an intent cannot be written, until it can")
    func startsNothing() async throws {
        let directory = "\(NSTemporaryDirectory())observed-\(UUID().uuidString.prefix(8))"
        let logs = "\(directory)-logs"
        try FileManager.default.createDirectory(atPath: logs, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: logs) }
        // Every write to this one fails as on a full disk.
        try FileManager.default.createSymbolicLink(atPath: "\(logs)/audit.log", withDestinationPath: "/dev/full")
        try await Sandbox.during(in: directory) { sandbox in
            var healers: [Kind: HealerProcess] = [:]
            for kind in Kind.allCases { healers[kind] = try self.healer(kind, sandbox, logs: logs) }
            try await HTTPClient.during { client in try await self.look(sandbox, client, healers, logs: logs) }
            let said = try String(contentsOfFile: "\(logs)/application.log", encoding: .utf8)
            #expect(said.contains("ERROR") && said.contains("No space left on device"))
        }
    }

    private func healer(_ kind: Kind, _ sandbox: Sandbox, logs: String) throws -> HealerProcess {
        var settings = ["HEALER_COUNT": "1", "HEALER_PROFILE": "fast", "HEALER_ROOT": kind.root]
        if kind == .observing { settings["HEALER_MODE"] = "observe" }
        if kind == .withoutAudit { settings["HEALER_LOGS"] = logs }
        return try HealerProcess(
            HealerID(kind.rawValue), sandbox: sandbox, program: OwnProgram.beside("healer"),
            configuration: OwnProgram.example("config_development.yaml"), settings: settings,
            arguments: kind == .dryRun ? ["--dry-run"] : [])
    }

    private func look(
        _ sandbox: Sandbox, _ client: HTTPClient, _ healers: [Kind: HealerProcess], logs: String
    ) async throws {
        var trees: [Kind: ChaosTool.CoordinationTree] = [:]
        for kind in Kind.allCases {
            trees[kind] = try await CoordinationTree(
                zookeeper: sandbox.description.zookeeper,
                layout: Layout(root: kind.root, cluster: ClusterName("sandbox")))
        }
        do {
            let cluster = HealedCluster(sandbox: sandbox, tree: trees[.observing]!, healers: [:])
            try await self.look(cluster, trees, client)
            try await self.mend(cluster, trees, healers, logs: logs)
        } catch {
            for tree in trees.values { await tree.close() }
            throw error
        }
        for tree in trees.values { await tree.close() }
    }

    private func look(
        _ cluster: HealedCluster, _ trees: [Kind: ChaosTool.CoordinationTree], _ client: HTTPClient
    ) async throws {
        for (kind, tree) in trees {
            try await cluster.until("\(kind) leads, and knows the brokers") {
                guard try await tree.leader()?.holder != nil else { return false }
                return try await self.page("nodes", tree, client).contains("kafka-2")
            }
        }
        let session = trees[.withoutIntent]!.session
        let recoveries = trees[.withoutIntent]!.layout.recoveries
        try await session.setACL(recoveries, [AccessRule([.read, .admin], scheme: "world", id: "anyone")])
        try await cluster.sandbox.kill("kafka-2")
        // Now that nothing stands in the way of a start, only what they may not do does.
        try await cluster.until("kafka-2 is not registered") { try await cluster.registeredAt(2) == nil }
        for (kind, tree) in trees {
            try await cluster.until("\(kind) has an incident, and says why it does nothing") {
                guard let id = try await self.incident(tree, client) else { return false }
                let page = try await self.page("incidents/\(id)", tree, client)
                // That it leads may be in doubt for a moment on a busy machine, but is not why its intent came to nothing.
                if kind == .withoutAudit { #expect(!page.contains("permits nothing: the leadership is in doubt")) }
                return page.contains("brokerDead") && page.contains(kind.refusal)
            }
        }
        #expect(try cluster.askedSteps().isEmpty)
        #expect(try cluster.sandbox.status(of: "kafka-2").state == .exited)
        for tree in trees.values { #expect(try await tree.recoveries().isEmpty) }
    }

    /// What may be done again is done: nobody has to be told but the disk, and the access list.
    private func mend(
        _ cluster: HealedCluster, _ trees: [Kind: ChaosTool.CoordinationTree], _ healers: [Kind: HealerProcess],
        logs: String
    ) async throws {
        let audited = try #require(healers[.withoutAudit])
        func said() throws -> String { try String(contentsOfFile: "\(audited.folder)/console.log", encoding: .utf8) }
        let complaint =
            "healer: \(logs)/audit.log: write: No space left on device: "
            + "no action is taken until the audit trail can be written"
        #expect(try said().contains(complaint))
        #expect(try !said().contains("can be written again"))
        try FileManager.default.removeItem(atPath: "\(logs)/audit.log")
        try await cluster.until("kafka-2 is started by the one that can write again") {
            try cluster.askedSteps().contains { $0.node == "kafka-2" && $0.verb == .start }
        }
        #expect(try said().contains("healer: \(logs)/audit.log can be written again"))
        let trail = try String(contentsOfFile: "\(logs)/audit.log", encoding: .utf8)
        #expect(trail.contains("entries are missing here") && trail.contains(#""event":"begin""#))
        audited.send(SIGKILL)

        let asked = try cluster.askedSteps().count
        let tree = trees[.withoutIntent]!
        try await tree.session.setACL(tree.layout.recoveries, .open)
        try await cluster.until("kafka-2 is registered again") { try await cluster.registeredAt(2) != nil }
        try await cluster.sandbox.kill("kafka-2")
        try await cluster.until("kafka-2 is started by the one whose intents are taken again") {
            try cluster.askedSteps().count > asked
        }
    }

    private func incident(_ tree: ChaosTool.CoordinationTree, _ client: HTTPClient) async throws -> IncidentID? {
        let page = try await self.page("incidents", tree, client)
        guard let found = page.firstMatch(of: /"id":"(\d+-\d+)"/) else { return nil }
        return IncidentID(String(found.1))
    }

    private func page(
        _ path: String, _ tree: ChaosTool.CoordinationTree, _ client: HTTPClient
    ) async throws -> String {
        guard let address = try await tree.leader()?.holder?.address else { return "" }
        let answer = try await client.get("http://\(address)/api/v1/\(path)", timeout: .seconds(20))
        return String(decoding: answer.body, as: UTF8.self)
    }
}
