import Cluster
import Foundation
import Testing

@testable import AdminTool
@testable import ChaosTool

@Suite("A pause holds from the moment it returns", .serialized)
struct PauseTests {
    /// Each kills a broker and pauses at another point of its healing.
    private static let rounds = 4
    /// The last point: by then a broker was started, unless the machine is busy.
    private static let longest = Duration.milliseconds(2000)
    /// How long nothing may happen. Without a pause, a killed broker is started within a second or two.
    private static let quiet = Duration.seconds(4)

    @Test(
        "A broker killed after it is left alone until `resume`; one killed before it gets no step that begins after it")
    func pauses() async throws {
        try await HealedCluster.during { cluster in
            try await self.before(cluster)
            for round in 0..<Self.rounds { try await self.during(cluster, round) }
        }
    }

    private func before(_ cluster: HealedCluster) async throws {
        let known = try await cluster.incidents(of: "kafka-1")
        try await cluster.healerctl("pause", "--why", "a test")
        try await cluster.sandbox.kill("kafka-1")
        try await cluster.until("an incident of kafka-1") {
            try await cluster.incidents(of: "kafka-1").count > known.count
        }
        // Its session ends meanwhile: even then nobody starts it.
        try await cluster.until("kafka-1 is not registered") { try await cluster.registeredAt(1) == nil }
        try await Task.sleep(for: Self.quiet)
        #expect(try cluster.askedSteps().isEmpty)
        try await cluster.healerctl("resume")
        let incident = try await cluster.awaitClosed("kafka-1", besides: known)
        #expect(incident.closing == .healed)
        #expect(try cluster.askedSteps().map(\.verb) == [.start])
    }

    /// Pauses at a point between the kill and the end of the healing.
    private func during(_ cluster: HealedCluster, _ round: Int) async throws {
        let broker = "kafka-\(2 + round % 2)"
        let known = try await cluster.incidents(of: broker)
        let before = try cluster.askedSteps().count
        try await cluster.sandbox.kill(broker)
        let share = (Double(round) + Double.random(in: 0..<1)) / Double(Self.rounds)
        try await Task.sleep(for: Self.longest * share)
        try await cluster.healerctl("pause")
        let returned = HostClock.now
        try await Task.sleep(for: Self.quiet)
        let steps = try cluster.askedSteps().dropFirst(before)
        for step in steps where step.boottime > returned.nanoseconds {
            // Begun before, and only now heard of by the supervisor: a process takes its time to start.
            #expect(step.startBy.map { $0 <= returned.nanoseconds } ?? false, "\(step) began after the pause")
            #expect(Moment(nanoseconds: step.boottime) - returned < .seconds(2), "\(step) began after the pause")
        }
        try await cluster.healerctl("resume")
        try await cluster.awaitClosed(broker, besides: known)
        #expect(try cluster.steps().count == before + 1)
    }
}

extension HealedCluster {
    /// An operator's command; returns when it has.
    func healerctl(_ arguments: String...) async throws {
        let environment = ["HEALER_ZOOKEEPER": self.sandbox.description.zookeeper, "USER": "operator"]
        let outcome = await Program(environment: environment, colours: false).run(arguments)
        guard outcome.code == .healthy || outcome.code == .unhealthy else {
            throw SandboxError("healerctl \(arguments.joined(separator: " ")): \(outcome.errors)")
        }
    }
}
