import Cluster
import Foundation
import Testing

@testable import ChaosTool

@Suite("The logs say how a cluster stands", .serialized)
struct LogTests {
    @Test("Fewer than three brokers is a warning, and steps are in the audit trail and the performance log")
    func standing() async throws {
        try await HealedCluster.during { cluster in
            try await cluster.sandbox.kill("kafka-1")
            try await cluster.until("the step in all logs of the leader") {
                let folder = try await cluster.leader().folder
                func text(_ name: String) -> String {
                    (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? ""
                }
                return text("application.log").contains("WARNING fewer than three brokers are online")
                    && text("performance.log").contains("intent.step=start")
                    && text("audit.log").contains("\"event\":\"begin\"")
            }
            try await cluster.awaitInSync()
        }
    }
}
