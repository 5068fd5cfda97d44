import Cluster
import Curl
import Foundation
import Testing

@testable import AdminTool
@testable import ChaosTool

@Suite("An ensemble that has lost its quorum", .serialized)
struct LostQuorumTests {
    private static let patience = Duration.seconds(90)

    @Test("Nothing new is started, observing goes on; with a quorum again the dead server is started, once")
    func lost() async throws {
        let directory = "\(NSTemporaryDirectory())quorum-\(UUID().uuidString.prefix(8))"
        try await Sandbox.during(SandboxOptions(brokers: 0, topics: []), in: directory) { sandbox in
            let healer = try HealerProcess(
                HealerID("healer-1"), sandbox: sandbox, program: OwnProgram.beside("healer"),
                configuration: OwnProgram.example("config_development.yaml"),
                // Its cluster has no brokers, but the file wants to name some.
                settings: ["HEALER_COUNT": "1", "HEALER_PROFILE": "fast", "SANDBOX_BOOTSTRAP": "127.0.0.1:9"])
            try await HTTPClient.during { client in try await self.watch(sandbox, Pages(healer: healer, client: client))
            }
        }
    }

    private func watch(_ sandbox: Sandbox, _ pages: Pages) async throws {
        func starts() throws -> [NodeRequest] { try sandbox.requests().filter { $0.epoch != nil } }
        try await self.until("it leads") {
            try await pages.metric("kafka_self_healing_role", "role=\"leader\"") == 1
        }
        for server in ["zookeeper-1", "zookeeper-2"] { try await sandbox.freeze(server) }
        try await self.until("no quorum") { try await pages.metric("kafka_self_healing_quorum") == 0 }
        try await sandbox.kill("zookeeper-3")
        try await self.until("the dead server is seen") {
            try await pages.text("api/v1/status").contains("zookeeper-3 is UNHEALTHY: connection refused")
        }
        #expect(try await pages.status("readyz") == 503)
        #expect(try await pages.status("livez") == 200)
        let healerctl = AdminTool.Program(
            environment: [
                "HEALER_ZOOKEEPER": sandbox.description.zookeeper, "HEALER_API": pages.address.map { String($0) } ?? "",
            ], colours: false)
        let nodes = await healerctl.run(["nodes", "--timeout", "2s"])
        #expect(nodes.output.contains(/zookeeper-3 +zookeeper +UNHEALTHY/), "\(nodes)")
        #expect(nodes.output.contains(/quorum +lost/), "\(nodes)")
        #expect(nodes.errors.contains("a healer is asked instead"))
        // Time without a leader is counted while nobody can know of one.
        let before = try await pages.metric("kafka_self_healing_without_leader_seconds_total")
        try await self.until("time without a leader is counted") {
            let now = try await pages.metric("kafka_self_healing_without_leader_seconds_total")
            return (now ?? 0) > (before ?? 0) + 1
        }
        #expect(try starts().isEmpty)

        for server in ["zookeeper-1", "zookeeper-2"] { try await sandbox.thaw(server) }
        try await self.until("the dead server is started") { try !starts().isEmpty }
        try await self.until("it runs") { try sandbox.status(of: "zookeeper-3").state == .running }
        try await self.until("ready") { try await pages.status("readyz") == 200 }
        #expect(try starts().map(\.node) == ["zookeeper-3"])
        #expect(try starts().map(\.verb) == [.start])
        let counted = try await pages.metric("kafka_self_healing_without_leader_seconds_total")
        try await Task.sleep(for: .milliseconds(500))
        #expect(try await pages.metric("kafka_self_healing_without_leader_seconds_total") == counted)
    }

    private func until(_ what: String, _ holds: () async throws -> Bool) async throws {
        let end = HostClock.now + Self.patience
        while try await !holds() {
            guard HostClock.now < end else { throw SandboxError("never came: \(what)") }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

/// What a healer's pages say. Its port stands in its log, since it took any.
private struct Pages {
    let healer: HealerProcess
    let client: HTTPClient

    func status(_ path: String) async throws -> Int? { try await self.answer(path)?.status }
    func text(_ path: String) async throws -> String {
        try await self.answer(path).map { String(decoding: $0.body, as: UTF8.self) } ?? ""
    }

    /// Of the first line with this name and this label.
    func metric(_ name: String, _ label: String = "") async throws -> Double? {
        let lines = try await self.text("metrics").split(separator: "\n")
        return lines.first { $0.hasPrefix("\(name){") && (label.isEmpty || $0.contains(label)) }
            .flatMap { $0.split(separator: " ").last }.flatMap { Double($0) }
    }

    private func answer(_ path: String) async throws -> HTTPAnswer? {
        guard let address = self.address else { return nil }
        return try? await self.client.get("http://\(address)/\(path)", timeout: .seconds(20))
    }

    var address: Substring? {
        self.healer.tail(100_000).split(separator: "\n").lazy
            .compactMap { $0.firstMatch(of: /healer\.api=(\S+)/)?.1 }.first
    }
}
