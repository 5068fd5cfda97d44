import Cluster
import Election
import Foundation
import Testing

@testable import ChaosTool

/// Three real healers that look after three clusters, all in KRaft mode as far as they are told, with nothing to heal.
@Suite("Several clusters under one team of healers", .serialized)
struct SeveralClustersTests {
    private static let patience = Duration.seconds(120)
    private static let clusters = ["blue", "green", "red"].map { ClusterName($0) }
    private static let healers = (1...3).map { HealerID("healer-\($0)") }

    @Test("Each leads what it should once all is quiet, and the death of one moves its own alone")
    func spread() async throws {
        let directory = "\(NSTemporaryDirectory())several-\(UUID().uuidString.prefix(8))"
        try await Sandbox.during(SandboxOptions(zookeepers: 1, brokers: 1, topics: []), in: directory) { sandbox in
            let configuration = "\(sandbox.directory)/several.yaml"
            let kafka = "kafka: {bootstrap.servers: \"\(sandbox.description.bootstrap)\"}"
            let clusters = Self.clusters.map { "  - {name: \($0), \(kafka)}" }
            let text = """
                healer_id: ${HEALER_ID}
                healers: 3
                coordination: {zookeeper: "\(sandbox.description.zookeeper)", spread_seconds: 2}
                clusters:
                \(clusters.joined(separator: "\n"))
                api: {host: 127.0.0.1, port: 0}
                logging: {directory: "${HEALER_LOGS}"}

                """
            try Data(text.utf8).write(to: URL(fileURLWithPath: configuration))
            func start(_ id: HealerID) throws -> HealerProcess {
                try HealerProcess(
                    id, sandbox: sandbox, program: OwnProgram.beside("healer"), configuration: configuration,
                    settings: [:])
            }
            let tree = try await CoordinationTree(zookeeper: sandbox.description.zookeeper)
            do {
                // The first has everything, until the others have stood in line for a while.
                var running = [Self.healers[0]: try start(Self.healers[0])]
                try await self.until(tree, running) { _, leader in leader == Self.healers[0] }
                for id in Self.healers.dropFirst() { running[id] = try start(id) }
                let all = LeadershipSpread.preferences(of: Self.clusters, among: Self.healers)
                #expect(Set(all.values).count == 3)
                try await self.until(tree, running) { cluster, leader in leader == all[cluster] }

                // Whose share the others take over without exchanging theirs.
                let victim = try #require(
                    Self.healers.first { gone in
                        let rest = LeadershipSpread.preferences(
                            of: Self.clusters, among: Self.healers.filter { $0 != gone })
                        return Self.clusters.allSatisfy { all[$0] == gone || rest[$0] == all[$0] }
                    })
                let epochs = try await self.epochs(tree)
                running[victim]?.send(SIGKILL)
                try await self.until(tree, running) { cluster, leader in
                    all[cluster] == victim ? leader != nil && leader != victim : leader == all[cluster]
                }
                let after = try await self.epochs(tree)
                for cluster in Self.clusters where all[cluster] != victim { #expect(after[cluster] == epochs[cluster]) }
                running[victim] = try start(victim)
                try await self.until(tree, running) { cluster, leader in leader == all[cluster] }
                await tree.close()
            } catch {
                await tree.close()
                throw error
            }
        }
    }

    @Test("While nothing answers of one cluster, neither its Kafka nor its ZooKeeper, the others are healed as ever")
    func elsewhere() async throws {
        let elsewhere = """
            clusters:
              - name: elsewhere
                kafka: {bootstrap.servers: "127.0.0.1:9"}
                zookeeper: "127.0.0.1:9"

            """
        try await HealedCluster.during(changes: ["clusters:\n": elsewhere]) { cluster in
            let before = try #require(try await cluster.tree.leader())
            try await cluster.until("the trouble elsewhere is told") {
                cluster.healers.values.allSatisfy {
                    $0.tail(1000).split(separator: "\n").contains {
                        $0.contains("no broker is known") && $0.contains("cluster=elsewhere")
                    }
                }
            }
            try await cluster.sandbox.kill("kafka-2")
            try await cluster.until("kafka-2 started") { try cluster.steps(on: "kafka-2").count == 1 }
            try await cluster.awaitInSync()
            #expect(try cluster.steps().map(\.verb) == [.start])
            #expect(try await cluster.tree.leader()?.epoch == before.epoch)
        }
    }

    private func record(_ cluster: ClusterName, _ tree: CoordinationTree) async throws -> LeaderRecord? {
        let path = Layout(root: "/kafka-healer", cluster: cluster).leader
        guard try await tree.session.exists(path) != nil else { return nil }
        return try LeaderRecord(decoding: try await tree.session.get(path).data)
    }

    private func epochs(_ tree: CoordinationTree) async throws -> [ClusterName: Epoch] {
        var epochs: [ClusterName: Epoch] = [:]
        for cluster in Self.clusters { epochs[cluster] = try await self.record(cluster, tree)?.epoch }
        return epochs
    }

    /// Waits until it holds for every cluster and its leader.
    private func until(
        _ tree: CoordinationTree, _ running: [HealerID: HealerProcess], _ holds: (ClusterName, HealerID?) -> Bool
    ) async throws {
        let end = HostClock.now + Self.patience
        while true {
            var leaders: [ClusterName: HealerID] = [:]
            for cluster in Self.clusters { leaders[cluster] = try await self.record(cluster, tree)?.holder?.member }
            if Self.clusters.allSatisfy({ holds($0, leaders[$0]) }) { return }
            guard HostClock.now < end else {
                throw SandboxError("the leaders are \(leaders)\n\(running.values.map { $0.tail(20) })")
            }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}
