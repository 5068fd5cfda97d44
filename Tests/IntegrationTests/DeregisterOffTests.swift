import Cluster
import Testing

@testable import ChaosTool

@Suite("A broker whose registration may not be removed", .serialized)
struct DeregisterOffTests {
    @Test("Is started once, when its registration has ended by itself, and never meets it")
    func waits() async throws {
        try await HealedCluster.during(settings: ["HEALER_DEREGISTER": "false"]) { cluster in
            try await cluster.sandbox.kill("kafka-2")
            let closed = try await cluster.awaitClosed("kafka-2")
            try await cluster.awaitInSync()
            #expect(closed.closing == .healed)
            #expect(closed.results(of: .deregister).isEmpty)
            #expect(try cluster.steps().map(\.verb) == [.start])
            #expect(try !cluster.saysNodeExists("kafka-2"))
        }
    }

    @Test("Meets it when it is started at once, as a plain service manager would")
    func plainRestartLoop() async throws {
        let directory = HealedCluster.newDirectory()
        // Sessions so long that no start takes as much.
        try await Sandbox.during(SandboxOptions(sessionTimeout: 18_000), in: directory) { sandbox in
            let loop = RestartLoop(supervisor: try sandbox.supervisor(of: "kafka-2"), delay: .zero)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await loop.run(for: HealedCluster.patience) }
                try await sandbox.kill("kafka-2")
                let end = HostClock.now + HealedCluster.patience
                while try !sandbox.saysNodeExists("kafka-2"), HostClock.now < end {
                    try await Task.sleep(for: .milliseconds(50))
                }
                group.cancelAll()
                try await group.waitForAll()
            }
            #expect(try sandbox.saysNodeExists("kafka-2"))
        }
    }
}
