import Cluster
import Foundation
import Testing
import ZooKeeper

@testable import AdminTool
@testable import ChaosTool

/// One real ZooKeeper server with the nodes that healers make, and `healerctl` to call.
struct HealerctlFixture: Sendable {
    let servers: String
    let session: Session
    let layout: Layout

    /// A server of its own, gone afterwards.
    static func with(_ body: (HealerctlFixture) async throws -> Void) async throws {
        let folder = "\(NSTemporaryDirectory())healerctl-test-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await Sandbox.during(SandboxOptions(zookeepers: 1, brokers: 0, topics: []), in: "\(folder)/sandbox") {
            sandbox in
            let servers = sandbox.description.zookeeper
            let session = try await Session.open(Session.Configuration(servers: servers))
            do {
                try await session.connected(within: .seconds(60))
                let layout = Layout(root: "/kafka-healer", cluster: ClusterName("main"))
                let fixture = HealerctlFixture(servers: servers, session: session, layout: layout)
                try await fixture.found(layout)
                try await body(fixture)
                await session.close()
            } catch {
                await session.close()
                throw error
            }
        }
    }

    /// The persistent nodes of a cluster, as the first healer makes them.
    func found(_ layout: Layout) async throws {
        for node in layout.foundation where try await self.session.exists(node.path) == nil {
            try await self.session.create(node.path, data: node.data)
        }
    }

    /// A healer in line.
    /// - Returns: what it would claim with.
    @discardableResult
    func join(_ name: String, address: String) async throws -> (
        holder: LeaderRecord.Holder, nonce: String, path: String
    ) {
        let nonce = "guid-of-\(name)"
        let incarnation = Incarnation("life-of-\(name)")
        let member = Member(
            id: HealerID(name), incarnation: incarnation, address: address, version: "0.1.0", configuration: "c0ffee")
        let path = try await self.session.create(
            self.layout.candidate("\(nonce)-n_"), data: Self.json(member), mode: .ephemeralSequential)
        return (LeaderRecord.Holder(member: member.id, incarnation: incarnation, address: address), nonce, path)
    }

    /// A committed claim of that healer.
    func lead(_ candidate: (holder: LeaderRecord.Holder, nonce: String, path: String), epoch: Int64) async throws {
        let record = LeaderRecord(epoch: Epoch(epoch), holder: candidate.holder, nonce: candidate.nonce)
        try await self.session.set(self.layout.leader, data: record.encoded)
        try await self.session.set(self.layout.beat, data: [])
    }

    /// Two nodes that are looked after.
    func know(_ names: String...) async throws {
        let nodes = names.enumerated().map { place, name in
            Node(
                name: NodeName(name), role: .broker(BrokerID(Int32(place + 1))),
                endpoint: Endpoint(host: "127.0.0.1", port: 9092))
        }
        try await self.session.set(self.layout.nodes, data: Self.json(NodesRecord(nodes: nodes)))
    }

    func see(_ healer: String, _ verdicts: [NodeName: Digest.Verdict]) async throws {
        let digest = Digest(healer: HealerID(healer), sequence: 1, at: .now, verdicts: verdicts)
        try await self.session.create(self.layout.observer(digest.healer), data: Self.json(digest))
    }

    /// An open intent.
    func intend(_ node: String, number: Int64, freshness: Duration) async throws {
        let intent = Intent(
            id: IntentID(epoch: Epoch(3), number: number), incident: IncidentID(epoch: Epoch(3), number: 1),
            node: NodeName(node), step: .start, attempt: 1, target: nil, freshness: freshness, limit: .seconds(60))
        try await self.session.create(
            self.layout.recovery(of: intent.node), data: Self.json(RecoveryRecord(intent: intent, putDownAt: .now)))
    }

    static func json(_ value: some Encodable) throws -> [UInt8] { [UInt8](try JSONEncoder().encode(value)) }

    func run(_ line: String) async -> Program.Outcome {
        await Program(environment: ["HEALER_ZOOKEEPER": self.servers, "USER": "ada"], colours: false)
            .run(line.split(separator: " ").map { String($0) } + ["--timeout", "30s"])
    }

    /// Returns when one has been asked for.
    func awaitResignation() async throws {
        let end = ContinuousClock.now + .seconds(60)
        while try await self.control().resign == nil {
            try #require(ContinuousClock.now < end, "nobody was asked to resign")
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    func control() async throws -> Control { try Control(json: try await self.session.get(self.layout.control).data) }
}
