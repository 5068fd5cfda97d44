import Cluster
import Testing

@testable import ChaosTool

@Suite("Two of three brokers are killed", .serialized)
struct TwoDeadTests {
    @Test("They are started one after the other, and nothing else is touched")
    func oneAtATime() async throws {
        try await HealedCluster.during { cluster in
            let untouched = try cluster.sandbox.status(of: "kafka-1")
            async let second = cluster.sandbox.kill("kafka-2")
            async let third = cluster.sandbox.kill("kafka-3")
            _ = try await (second, third)
            try await cluster.until("both started") { try cluster.steps().count == 2 }
            let steps = try cluster.askedSteps()
            try #require(steps.count == 2)
            #expect(steps.map(\.verb) == [.start, .start])
            #expect(Set(steps.map(\.node)) == ["kafka-2", "kafka-3"])
            // The next one is asked for when the one before is on its feet: its new process runs.
            let first = try #require(try cluster.sandbox.status(of: steps[0].node).identity)
            #expect(first.rawValue != steps[0].identity)
            #expect(try #require(Self.start(of: first)) <= Moment(nanoseconds: steps[1].boottime))

            for broker in ["kafka-2", "kafka-3"] { try await cluster.awaitClosed(broker, besides: []) }
            #expect(try cluster.askedSteps().count == 2)
            #expect(try cluster.sandbox.status(of: "kafka-1") == untouched)
            #expect(try !cluster.saysNodeExists("kafka-2"))
            #expect(try !cluster.saysNodeExists("kafka-3"))
        }
    }

    /// When the process of this identity was started: its last part, in hundredths of a second since the host was.
    private static func start(of identity: ProcessIdentity) -> Moment? {
        identity.rawValue.split(separator: ":").last.flatMap { Int64($0) }.map { Moment(nanoseconds: $0 * 10_000_000) }
    }
}
