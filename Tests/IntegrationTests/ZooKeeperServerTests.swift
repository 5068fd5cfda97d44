import Cluster
import Testing

@testable import ChaosTool

@Suite("A ZooKeeper server that was killed", .serialized)
struct ZooKeeperServerTests {
    @Test("Is started again under the same leadership, be it a follower or the ensemble's leader")
    func killed() async throws {
        // Electing a new leader of the ensemble holds writes up for longer than the fast profile allows.
        try await HealedCluster.during(settings: ["HEALER_PROFILE": "steady"]) { cluster in
            let before = try await cluster.tree.leader()
            for role in ["follower", "leader"] {
                let server = try await cluster.server(that: role)
                try await cluster.sandbox.kill(server)
                #expect(try await cluster.awaitClosed(server).closing == .healed, "the \(role)")
                try await cluster.sandbox.awaitQuorum(until: HostClock.now + HealedCluster.patience)
                let steps = try cluster.steps(on: server)
                #expect(steps.map(\.verb) == [.start], "the \(role)")
            }
            #expect(try cluster.steps().count == 2)
            #expect(try await cluster.tree.leader() == before)
            try await cluster.awaitInSync()
        }
    }
}

extension HealedCluster {
    /// A server of the ensemble with this role whose incident, if it had one, is over and done with: one not hurt yet.
    fileprivate func server(that role: String) async throws -> String {
        let (sandbox, hurt) = (self.sandbox, Set(try self.steps().map(\.node)))
        let server = try await blocking {
            sandbox.description.zookeepers.first {
                !hurt.contains($0.name) && FourLetterWord.mode(port: $0.port) == role
            }
        }
        return try #require(server, "no \(role) that was not hurt yet").name
    }
}
