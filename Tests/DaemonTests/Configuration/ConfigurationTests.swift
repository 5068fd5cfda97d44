import Cluster
import Election
import Healer
import Testing

@testable import Daemon

@Suite("A configuration that is right")
struct ConfigurationTests {
    @Test("The fewest keys leave every other at its default, and nothing is healed")
    func minimal() throws {
        let configuration = try Sample.read(Sample.minimal())
        #expect(configuration.healerID == HealerID("host-1"))
        #expect(configuration.healers == 1)
        #expect(configuration.coordination.root == "/kafka-healer")
        #expect(configuration.coordination.timing == .steady)
        #expect(configuration.coordination.access.digest == nil)
        #expect(configuration.recovery == .standard)
        #expect(configuration.monitoring.interval == .seconds(5))
        #expect(configuration.monitoring.timeout == .seconds(3))
        #expect(configuration.monitoring.livenessInterval == .seconds(1))
        #expect(configuration.monitoring.concurrentChecks)
        #expect(
            configuration.api
                == APIConfiguration(host: "0.0.0.0", port: 8080, metricsPort: nil, advertisedHost: "host-1"))
        #expect(configuration.logging.maxSize == 100_000_000)
        #expect(configuration.logging.directory == nil)
        let cluster = try #require(configuration.clusters.first)
        #expect(cluster.mode == .observe)
        #expect(cluster.zooKeeper == ConnectString(servers: [Endpoint(host: "zk-1", port: 2181)], chroot: "/kafka"))
        #expect(cluster.supervisor == nil)
        #expect(cluster.policy(for: .brokerStopped).grace == .seconds(300))
        #expect(cluster.policy(for: .brokerDead).deregister)
        #expect(FindingCode.allCases.allSatisfy { cluster.mode(for: $0) == .observe })
    }

    @Test("Every key can be set, and JSON says the same as YAML")
    func everything() throws {
        let json = """
            {"healer_id": "h2", "healers": 3,
             "coordination": {"zookeeper": "z:1", "root": "/r/s", "profile": "fast", "timing": {"session_seconds": 4.5},
                              "digest": {"username": "u", "password": "${PW}"}},
             "clusters": [{"name": "c", "kafka": {"bootstrap.servers": "b:1", "sasl.password": "${PW}", "retries": 5},
               "zookeeper": "z:1,[::1]:2/k", "zookeeper_digest": {"username": "v", "password": "${PW}"}, "mode": "heal",
               "broker_session_seconds": 6, "blast_radius": 2,
               "supervisor": {"type": "command", "status": ["/s"], "start": ["/s", "${host}:${broker_id}"],
                              "limits": {"start_seconds": 7}, "environment": {"A": "on", "TOKEN": "${PW}"}},
               "nodes": [{"node_id": "n-1", "node_type": "kafka", "broker_id": 7, "host": "h", "port": 9,
                          "monitoring_methods": ["socket", "supervisor"], "recovery_actions": ["start"],
                          "retry_policy": {"max_attempts": 9}}],
               "policies": {"brokerHung": {"grace_seconds": 9, "confirm_seconds": 2, "mode": "observe"},
                            "brokerDead": {"deregister": false, "cooldown_seconds": 60},
                            "brokerStopped": {"start_stopped": true, "grace_seconds": 1}}}],
             "monitoring": {"interval_seconds": 2, "timeout_seconds": 1, "concurrent_checks": false},
             "recovery": {"max_attempts": 2, "initial_delay_seconds": 0.5, "backoff_multiplier": 2,
                          "max_delay_seconds": 5, "window_seconds": 60},
             "api": {"host": "10.0.0.1", "port": "${PORT}", "metrics_port": 9100},
             "logging": {"level": "DEBUG", "directory": "/l", "max_size_mb": 0.5, "backup_count": 0, "format": "json"}}
            """
        let loaded = try Sample.load(json, ["PW": "hush", "PORT": "81"])
        let configuration = loaded.configuration
        #expect(configuration.healerID == HealerID("h2"))
        #expect(configuration.coordination.timing.session == .milliseconds(4500))
        #expect(configuration.coordination.timing.beat == .milliseconds(200))
        #expect(configuration.coordination.access.digest?.password.revealed == "hush")
        #expect(
            configuration.api
                == APIConfiguration(host: "10.0.0.1", port: 81, metricsPort: 9100, advertisedHost: "10.0.0.1"))
        #expect(
            configuration.logging
                == LoggingConfiguration(level: .debug, directory: "/l", maxSize: 500_000, backupCount: 0, format: .json)
        )
        let cluster = configuration.clusters[0]
        #expect(cluster.kafka["sasl.password"] == .secret(Secret("hush")))
        #expect(cluster.kafka["retries"] == .plain("5"))
        #expect(cluster.zooKeeper?.servers.last == Endpoint(host: "::1", port: 2))
        #expect(cluster.supervisor?.command?.environment["A"] == .plain("on"))
        #expect(cluster.supervisor?.limit(for: .start) == .seconds(7))
        #expect(cluster.supervisor?.limit(for: .logs) == .seconds(5))
        let node = try #require(cluster.nodes.first)
        #expect(
            node.node == Node(name: NodeName("n-1"), role: .broker(BrokerID(7)), endpoint: Endpoint(host: "h", port: 9))
        )
        #expect(node.retryPolicy?.maxAttempts == 9)
        #expect(node.retryPolicy?.initialDelay == .milliseconds(500))
        #expect(configuration.settings(for: node.node, in: cluster).methods == [.socket, .supervisor])
        #expect(
            try cluster.supervisor?.command?.commands[.start]?
                .filled(with: cluster.placeholders(for: node.node, identity: nil)) == ["/s", "h:7"])
        #expect(cluster.mode(for: .brokerHung) == .observe)
        #expect(cluster.mode(for: .brokerDead) == .heal)
        #expect(!cluster.discovery.brokers)
        #expect(cluster.discovery.zooKeeperServers)
        // Brokers are told by the file alone now, servers still by the connect string.
        #expect(cluster.node(for: BrokerID(8), at: node.node.endpoint) == nil)
        #expect(cluster.zooKeeperNodes.map(\.name.rawValue) == ["zookeeper-1", "zookeeper-2"])
        #expect(!loaded.entries.contains { $0.description.contains("hush") })
    }

    @Test("A key with nothing after it, and an empty variable, are as good as no key")
    func nothing() throws {
        let text = Sample.minimal("healers:\napi: ~\nlogging: {directory: \"${LOGS:-}\", level: null}\n")
        let configuration = try Sample.read(text)
        #expect(configuration.healers == 1)
        #expect(configuration.api.port == 8080)
        #expect(configuration.logging.directory == nil)
        #expect(configuration.logging.level == .info)
    }

    @Test("Discovered nodes are named by the rule, and the file's nodes keep their names")
    func names() throws {
        let cluster = try Sample.read(
            Sample.cluster(
                """
                zookeeper: "z-a:1,z-b:1"
                discovery: {broker_name: "b${broker_id}.eu", zookeeper_name: "z${number}", zookeeper: yes, brokers: on}
                nodes:
                  - {node_id: other, node_type: zookeeper, host: z-b, port: 1}
                  - {node_id: b3.eu, node_type: kafka, host: h}
                """)
        ).clusters[0]
        #expect(cluster.zooKeeperNodes.map(\.name.rawValue) == ["other", "z1"])
        #expect(cluster.nodes[1].node.brokerID == BrokerID(3))
        #expect(cluster.nodes[1].node.endpoint.port == 9092)
        let endpoint = Endpoint(host: "x", port: 1)
        #expect(cluster.node(for: BrokerID(3), at: endpoint)?.endpoint.host == "h")
        #expect(cluster.node(for: BrokerID(4), at: endpoint)?.name.rawValue == "b4.eu")
    }

    @Test("A KRaft cluster is observed whatever its mode says, and that is said")
    func kraft() throws {
        let loaded = try Sample.load(Sample.cluster("mode: heal\n" + Sample.supervisor))
        #expect(loaded.configuration.clusters[0].effectiveMode == .observe)
        #expect(loaded.warnings.map(\.description).contains { $0.hasPrefix("c.yaml:5:11: ") && $0.contains("KRaft") })
    }

    @Test("METRICS_PORT adds the listener for metrics when the file does not")
    func metricsPort() throws {
        #expect(try Sample.read(Sample.minimal(), ["METRICS_PORT": "9100"]).api.metricsPort == 9100)
        #expect(
            try Sample.read(Sample.minimal("api: {metrics_port: 1}"), ["METRICS_PORT": "9100"]).api.metricsPort == 1)
        #expect(
            Sample.problems(Sample.minimal(), ["METRICS_PORT": "x"]).first?
                .contains("METRICS_PORT is `x`; write a port") == true)
    }

    @Test("The digest is the same among healers that differ in what is their own only, and differs otherwise")
    func digest() throws {
        func digest(_ text: String, _ environment: [String: String] = [:]) throws -> String {
            try Sample.read(text, environment).digest
        }
        let base = try digest(Sample.minimal())
        #expect(
            try digest(Sample.minimal("healer_id: x\napi: {port: 1}\nlogging: {level: DEBUG}\n"))
                == base)
        #expect(try digest("# moved\n\n" + Sample.minimal("healers: 1\n")) == base)
        #expect(try digest(Sample.minimal("healers: ${N}\n"), ["N": "1"]) == base)
        #expect(try digest(Sample.minimal("healers: 3\n")) != base)
        #expect(try digest(Sample.minimal("recovery: {max_attempts: 4}\n")) != base)
        #expect(base.count == 16)
    }

    @Test("The core is told what the file says")
    func policy() throws {
        let configuration = try Sample.read(
            "healers: 3\nmonitoring: {interval_seconds: 4}\n"
                + Sample.cluster(
                    """
                    zookeeper: zk-1:2181/kafka
                    mode: heal
                    broker_session_seconds: 6
                    policies: {brokerDead: {deregister: false}, brokerHung: {confirm_seconds: 7}, brokerStopped: {start_stopped: true}}
                    nodes: [{node_id: zk, node_type: zookeeper, host: zk-1, recovery_actions: [dump]}]

                    """ + Sample.supervisor))
        let policy = Policy(configuration.clusters[0], of: configuration)
        #expect(policy.mode == .heal)
        #expect(policy.healers == 3)
        #expect(policy.sharesEnsemble)
        #expect(policy.kafkaRoot == "/kafka")
        #expect(policy.nodes.map(\.name.rawValue) == ["zk"])
        #expect(policy.discovery == Discovery(prefix: "kafka-", suffix: ""))
        #expect(policy.code(.brokerDead).ladder == [.step(.start), .page])
        #expect(policy.code(.brokerStopped).ladder == [.step(.start), .page])
        #expect(policy.code(.zooKeeperDead).ladder == [.step(.start), .page])
        #expect(policy.code(.zooKeeperDead, for: NodeName("zk")).ladder == [.page])
        #expect(policy.timing.hungConfirm == .seconds(7))
        #expect(policy.timing.brokerSession == .seconds(6))
        #expect(policy.timing.validity == .seconds(12))
    }
}
