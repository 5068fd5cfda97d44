import Cluster
import Foundation
import Testing

@testable import ChaosTool

/// The scripts for the night in which no healer answers.
@Suite("scripts/manual-health-check and scripts/cluster-status need no healer", .serialized)
struct ManualCheckTests {
    @Test("They say what is wrong, and what is well, of a real cluster that is broken piece by piece")
    func broken() async throws {
        let directory = "\(NSTemporaryDirectory())manual-\(UUID().uuidString.prefix(8))"
        try await Sandbox.during(SandboxOptions(), in: directory) { sandbox in
            let zookeeper = ["--zookeeper", sandbox.description.zookeeper]
            // On a busy machine a server may be given up that would have answered a moment later.
            let well = try await self.run("manual-health-check", zookeeper) { $0.contains("all is well") }
            #expect(well.code == 0, "\(well.text)")
            for line in [
                "broker 1, ", "broker 2, ", "broker 3, ", "is registered, and answers", "the controller is broker",
                "each of 12 partitions has a leader", "each has all its replicas in sync", "all is well",
            ] {
                #expect(well.text.contains(line), "\(line) is not in:\n\(well.text)")
            }

            let broker = try #require(sandbox.description.nodes.first { $0.name == "kafka-2" })
            try await sandbox.kill("kafka-2")
            let dead = try await self.run("manual-health-check", zookeeper)
            #expect(dead.code == 10)
            #expect(
                dead.text.contains(
                    /WRONG +broker 2(, \S+:\d+, is registered, but its port does not open| is not registered)/),
                "\(dead.text)")
            #expect(!dead.text.contains(":\(broker.port), is registered, and answers"))

            // One server down, and a quorum: its word is not taken for that of the ensemble.
            try await sandbox.kill("zookeeper-1")
            let facts = try await self.run("cluster-status", zookeeper) {
                $0.contains(/broker 1, \S+, is registered, and answers/)
            }
            #expect(facts.code == 0)
            #expect(!facts.text.contains("WRONG") && facts.text.contains("Partitions"))
            #expect(facts.text.contains(/broker 1, \S+, is registered, and answers/), "\(facts.text)")
            #expect(!facts.text.contains("no broker is registered") && !facts.text.contains("gave no answer"))

            try await sandbox.kill("zookeeper-2")
            let lost = try await self.run("manual-health-check", zookeeper)
            #expect(lost.code == 10)
            for line in ["no quorum: ", "cannot be asked without a quorum", "none acts"] {
                #expect(lost.text.contains(line), "\(line) is not in:\n\(lost.text)")
            }
        }
    }

    @Test("Wrong use is 2, and says what is right")
    func usage() async throws {
        let nothing = try await self.run("manual-health-check", [])
        #expect(nothing.code == 2 && nothing.text.contains("say where ZooKeeper is"))
        let unknown = try await self.run("cluster-status", ["--zokeeper", "a:1"])
        #expect(unknown.code == 2 && unknown.text.contains("unknown argument: --zokeeper (known: --zookeeper"))
    }

    /// Asks again until it is as wanted, while there is time.
    private func run(
        _ script: String, _ arguments: [String], until isWanted: (String) -> Bool
    ) async throws -> (code: Int32, text: String) {
        let end = HostClock.now + HealedCluster.patience
        while true {
            let said = try await self.run(script, arguments)
            if isWanted(said.text) || HostClock.now >= end { return said }
        }
    }

    private func run(_ script: String, _ arguments: [String]) async throws -> (code: Int32, text: String) {
        try await output(
            of: OwnProgram.above("scripts/\(script)"), arguments,
            environment: ProcessInfo.processInfo.environment.filter { $0.key != "HEALER_ZOOKEEPER" })
    }
}
