import Cluster
import Curl
import Foundation
import Testing

@testable import ChaosTool

@Suite("What a healer does when it cannot start as it should", .serialized)
struct StartTests {
    private static let patience = Duration.seconds(60)

    @Test("Without ZooKeeper it waits, says so, is not ready, and leads once there is one")
    func withoutZooKeeper() async throws {
        try await self.withServer { sandbox in
            try await sandbox.stop("zookeeper-1")
            let port = try freePort()
            let healer = try self.healer("early", sandbox, ["HEALER_PORT": "\(port)"])
            try await Self.asked(healer) { client in
                try await self.until("not ready") { await Self.status("readyz", port, client) == 503 }
                #expect(await Self.status("livez", port, client) == 200)
                try await self.until("says that it waits") {
                    healer.tail(1000).contains("waiting for the coordination ensemble")
                }
                #expect(await Self.status("readyz", port, client) == 503)
                #expect(healer.exitStatus == nil)
                try await sandbox.start("zookeeper-1")
                let tree = try await CoordinationTree(zookeeper: sandbox.description.zookeeper)
                do {
                    try await self.until("it leads") { try await tree.leader()?.holder?.member == healer.id }
                    await tree.close()
                } catch {
                    await tree.close()
                    throw error
                }
                try await self.until("ready") { await Self.status("readyz", port, client) == 200 }
            }
            #expect(try sandbox.requests().allSatisfy { $0.epoch == nil })
        }
    }

    @Test("A taken port ends it with 1, and the port's name")
    func takenPort() async throws {
        try await self.withServer { sandbox in
            let port = sandbox.description.zookeepers[0].port
            let healer = try self.healer("unlucky", sandbox, ["HEALER_PORT": "\(port)"])
            #expect(await healer.ended(within: Self.patience) == .code(1))
            #expect(healer.tail().contains("port \(port) on 127.0.0.1 is taken"))
        }
    }

    @Test("So does a taken port for the metrics alone")
    func takenMetricsPort() async throws {
        try await self.withServer { sandbox in
            let port = sandbox.description.zookeepers[0].port
            let healer = try self.healer("unlucky", sandbox, ["METRICS_PORT": "\(port)"])
            #expect(await healer.ended(within: Self.patience) == .code(1))
            #expect(healer.tail().contains("port \(port) on 127.0.0.1 is taken"))
        }
    }

    @Test("Without Kafka it leads, and calls nothing healthy: it says whom it asked for brokers, and why it knows none")
    func withoutKafka() async throws {
        try await self.withServer { sandbox in
            let port = try freePort()
            let healer = try self.healer("alone", sandbox, ["HEALER_PORT": "\(port)"])
            try await Self.asked(healer) { client in
                let silence = "no broker is known: the bootstrap servers 127.0.0.1:9 do not answer ("
                let unregistered = "and none is registered in ZooKeeper at \(sandbox.description.zookeeper)"
                try await self.until("unhealthy, with the addresses") {
                    let text = await Self.text("api/v1/status", port, client)
                    return text.contains(#""healthy":false"#) && text.contains(silence) && text.contains(unregistered)
                }
                for path in ["api/v1/nodes", "api/v1/check?node=kafka-1", "api/v1/check"] {
                    #expect(await Self.text(path, port, client).contains(silence), "\(path)")
                }
                try await self.until("an error in the log") {
                    healer.tail(1000).split(separator: "\n").contains {
                        $0.contains("ERROR no broker is known") && $0.contains("servers 127.0.0.1:9 do not answer")
                    }
                }
            }
        }
    }

    @Test("With Kafka down, brokers that the file names are found dead at once, each with an incident")
    func kafkaDown() async throws {
        try await self.withServer(brokers: 1) { sandbox in
            try await sandbox.kill("kafka-1")
            let broker = try #require(sandbox.description.nodes.first { $0.name == "kafka-1" })
            let example = try String(contentsOfFile: OwnProgram.example("config_development.yaml"), encoding: .utf8)
            let named = "nodes: [{node_id: kafka-1, node_type: kafka, host: 127.0.0.1, port: \(broker.port)}]"
            let file = "\(sandbox.directory)/named.yaml"
            try Data(example.replacing("nodes: []", with: named).utf8).write(to: URL(fileURLWithPath: file))
            let port = try freePort()
            let settings = ["HEALER_PORT": "\(port)", "HEALER_MODE": "observe"]
            let healer = try self.healer("named", sandbox, settings, configuration: file)
            try await Self.asked(healer) { client in
                try await self.until("an incident with an id") {
                    let text = await Self.text("api/v1/incidents", port, client)
                    return text.contains(#""code":"brokerDead""#) && text.contains(/"id":"\d+-\d+"/)
                }
                let status = await Self.text("api/v1/status", port, client)
                #expect(status.contains("kafka-1 is UNHEALTHY"))
            }
        }
    }

    @Test("A broker that was down when healers first looked, and that the file does not name, is said to be unknown")
    func stranger() async throws {
        try await self.withServer(brokers: 2, topics: [SandboxTopic(name: "messages", partitions: 4)]) { sandbox in
            try await sandbox.kill("kafka-2")
            let tree = try await CoordinationTree(zookeeper: sandbox.description.zookeeper)
            do {
                try await self.until("its registration ends") {
                    try await tree.session.exists("/brokers/ids/2") == nil
                }
                await tree.close()
            } catch {
                await tree.close()
                throw error
            }
            let settings = ["SANDBOX_BOOTSTRAP": sandbox.description.bootstrap, "HEALER_MODE": "observe"]
            let unknown = "broker 2 holds replicas, but no healer has ever seen it register"
            let test = try self.healer("looks", sandbox, settings, command: "test")
            #expect(await test.ended(within: Self.patience) == .code(10))
            #expect(test.tail().contains(unknown), "\(test.tail())")
            let healer = try self.healer("says", sandbox, settings)
            try await self.until("how many it knows, and which it does not") {
                let lines = healer.tail(1000).split(separator: "\n")
                return lines.contains { $0.contains("brokers are looked after") && $0.contains("brokers.known=1") }
                    && lines.contains { $0.contains("WARNING not every broker is known") && $0.contains(unknown) }
            }
            healer.send(SIGTERM)
            #expect(await healer.ended(within: Self.patience) == .code(0))
        }
    }

    @Test("`healer test` looks at the nodes that are remembered in ZooKeeper, and writes nothing there")
    func testRemembers() async throws {
        try await self.withServer { sandbox in
            let tree = try await CoordinationTree(zookeeper: sandbox.description.zookeeper)
            do {
                for node in tree.layout.foundation { try await tree.session.create(node.path, data: node.data) }
                let broker = Node(
                    name: NodeName("kafka-7"), role: .broker(BrokerID(7)),
                    endpoint: Endpoint(host: "127.0.0.1", port: 9))
                let record = try JSONEncoder().encode(NodesRecord(nodes: [broker]))
                try await tree.session.set(tree.layout.nodes, data: Array(record))
                let test = try self.healer("looks", sandbox, [:], command: "test")
                #expect(await test.ended(within: Self.patience) == .code(10))
                let said = test.tail()
                #expect(said.contains(/kafka-7 +broker +UN/), "\(said)")
                #expect(!said.contains("no broker is known"), "\(said)")
                #expect(try await tree.digests().isEmpty)
                #expect(try await tree.members().isEmpty)
                #expect(try await tree.leader()?.epoch == Epoch.none)
                await tree.close()
            } catch {
                await tree.close()
                throw error
            }
            try await sandbox.stop("zookeeper-1")
            let test = try self.healer("looks-alone", sandbox, [:], command: "test")
            #expect(await test.ended(within: Self.patience) == .code(10))
            #expect(test.tail().contains("does not answer, so nodes that were discovered before are not known"))
        }
    }

    @Test("A wrong configuration ends it with 2, and all that is wrong")
    func wrongConfiguration() async throws {
        try await self.withServer { sandbox in
            let example = try String(contentsOfFile: OwnProgram.example("config_development.yaml"), encoding: .utf8)
            let wrong =
                example
                .replacing("max_attempts: 3", with: "max_atempts: 3")
                .replacing("max_size_mb: 10", with: "max_size_mb: lots")
            let file = "\(sandbox.directory)/wrong.yaml"
            try Data(wrong.utf8).write(to: URL(fileURLWithPath: file))
            let healer = try self.healer("wrong", sandbox, ["HEALER_MODE": "suggest"], configuration: file)
            #expect(await healer.ended(within: Self.patience) == .code(2))
            let said = healer.tail()
            for word in ["max_atempts", "max_attempts", "max_size_mb", "lots", "suggest", "3 errors"] {
                #expect(said.contains(word), "\(word) is not in:\n\(said)")
            }
        }
    }

    private func withServer(
        brokers: Int = 0, topics: [SandboxTopic] = [], _ body: (Sandbox) async throws -> Void
    ) async throws {
        let directory = "\(NSTemporaryDirectory())started-\(UUID().uuidString.prefix(8))"
        try await Sandbox.during(SandboxOptions(zookeepers: 1, brokers: brokers, topics: topics), in: directory) {
            try await body($0)
        }
    }

    private func healer(
        _ name: String, _ sandbox: Sandbox, _ settings: [String: String], configuration: String? = nil,
        command: String = "run"
    ) throws -> HealerProcess {
        // Most sandboxes here have no brokers, but the file wants to name some.
        let settings = settings.merging(["HEALER_COUNT": "1", "SANDBOX_BOOTSTRAP": "127.0.0.1:9"]) { own, _ in own }
        return try HealerProcess(
            HealerID(name), sandbox: sandbox, program: OwnProgram.beside("healer"), command: command,
            configuration: configuration ?? OwnProgram.example("config_development.yaml"), settings: settings)
    }

    private func until(_ what: String, _ holds: () async throws -> Bool) async throws {
        let end = HostClock.now + Self.patience
        while try await !holds() {
            guard HostClock.now < end else { throw SandboxError("never came: \(what)") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Asks a healer, then stops it.
    private static func asked(_ healer: HealerProcess, _ questions: (HTTPClient) async throws -> Void) async throws {
        try await HTTPClient.during(questions)
        healer.send(SIGTERM)
        #expect(await healer.ended(within: Self.patience) == .code(0))
    }

    /// `nil` while nobody answers.
    private static func status(_ path: String, _ port: UInt16, _ client: HTTPClient) async -> Int? {
        try? await client.get("http://127.0.0.1:\(port)/\(path)", timeout: .seconds(20)).status
    }

    /// Whatever the status; empty while nobody answers.
    private static func text(_ path: String, _ port: UInt16, _ client: HTTPClient) async -> String {
        let answer = try? await client.get("http://127.0.0.1:\(port)/\(path)", timeout: .seconds(20))
        return answer.map { String(decoding: $0.body, as: UTF8.self) } ?? ""
    }
}
