import Cluster
import Foundation
import Testing

@testable import ChaosTool

@Suite("A leader whose disk is full", .serialized)
struct UnwitnessedLeaderTests {
    @Test("Hands over to a healer that can write its audit trail, which heals; the other keeps to its place in line")
    func handsOver() async throws {
        try await HealedCluster.during { cluster in
            let full = try await cluster.leader()
            let trail = "\(full.folder)/audit.log"
            try FileManager.default.moveItem(atPath: trail, toPath: "\(trail).before")
            // Every write to this one fails as on a full disk.
            try FileManager.default.createSymbolicLink(atPath: trail, withDestinationPath: "/dev/full")

            try await cluster.sandbox.kill("kafka-2")
            let closed = try await cluster.awaitClosed("kafka-2")
            try await cluster.awaitInSync()
            #expect(closed.closing == .healed)
            #expect(try cluster.steps().map(\.verb) == [.start])
            let leader = try await cluster.leader()
            #expect(leader.id != full.id)
            let said = try String(contentsOfFile: "\(full.folder)/application.log", encoding: .utf8)
            #expect(said.components(separatedBy: "handing over: the audit trail cannot be written here").count == 2)
            try await cluster.until("all in line") { try await cluster.tree.members().count == 3 }
        }
    }
}
