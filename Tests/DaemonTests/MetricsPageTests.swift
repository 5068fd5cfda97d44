import Admin
import Cluster
import Testing

@testable import Daemon

@Suite("The metrics")
struct MetricsPageTests {
    private let usage = ProcessUsage(cpuSeconds: 1.5, residentBytes: 4096, openFiles: 7)

    private func page() async throws -> ParsedMetrics {
        try ParsedMetrics(MetricsPage.text(await SampleSource().metrics(), usage: self.usage))
    }

    @Test("Users' names are there with their labels, and a broker that is offline stays as 0")
    func usersNames() async throws {
        let page = try await self.page()
        #expect(page["kafka_cluster_brokers", ["cluster": "main"]] == 1)
        #expect(page["kafka_cluster_topics", ["cluster": "main"]] == 2)
        #expect(
            page["kafka_broker_online", ["cluster": "main", "broker_id": "1", "host": "h1", "port": "9092"]] == 1)
        #expect(
            page["kafka_broker_online", ["cluster": "main", "broker_id": "2", "host": "h\"2\\\n", "port": "9093"]] == 0)
        let under = "kafka_under_replicated_partitions"
        #expect(page[under, ["cluster": "main", "topic": "__total__"]] == 2)
        #expect(page[under, ["cluster": "main", "topic": "orders"]] == 2)
        #expect(page[under, ["cluster": "main", "topic": "quiet"]] == 0)
        #expect(page["kafka_offline_partitions", ["cluster": "main", "topic": "__total__"]] == 1)
        #expect(page["kafka_isr_shrink_events", ["cluster": "main", "topic": "orders", "partition": "0"]] == 3)
        #expect(page["kafka_isr_shrink_events", ["cluster": "main", "topic": "orders", "partition": "1"]] == 0)
        #expect(page["kafka_self_healing_monitoring_latency_seconds", ["cluster": "main"]] == 0.25)
    }

    @Test("A cluster of which nothing is known yet has its counters, totals and reasons all the same")
    func firstScrape() async throws {
        let page = try await self.page()
        let other = ["cluster": "other"]
        for name in [
            "kafka_cluster_brokers", "kafka_cluster_topics", "kafka_self_healing_recovery_attempts_total",
            "kafka_self_healing_recovery_success_total", "kafka_self_healing_without_leader_seconds_total",
            "kafka_self_healing_epoch", "kafka_self_healing_divergence", "kafka_self_healing_paused",
            "kafka_self_healing_time_to_detect_seconds_count", "kafka_self_healing_time_to_heal_seconds_sum",
        ] {
            #expect(page[name, other] == 0, "\(name)")
        }
        // What is not known yet has its series all the same.
        #expect(page["kafka_self_healing_monitoring_latency_seconds", other]?.isNaN == true)
        for name in ["kafka_under_replicated_partitions", "kafka_offline_partitions"] {
            #expect(page[name, ["cluster": "other", "topic": "__total__"]] == 0, "\(name)")
        }
        for reason in Refusal.names {
            #expect(
                page["kafka_self_healing_refused_decisions_total", ["cluster": "other", "reason": reason]] == 0,
                "\(reason)")
        }
        for code in FindingCode.allCases {
            #expect(
                page["kafka_self_healing_open_incidents", ["cluster": "other", "code": code.rawValue]] == 0, "\(code)")
        }
    }

    @Test("What the healer counts is shown")
    func healing() async throws {
        let page = try await self.page()
        let refused = "kafka_self_healing_refused_decisions_total"
        #expect(page[refused, ["cluster": "main", "reason": "paused"]] == 2)
        // A reason that this page does not know is shown all the same.
        #expect(page[refused, ["cluster": "main", "reason": "a_new_reason"]] == 1)
        #expect(page["kafka_self_healing_open_incidents", ["cluster": "main", "code": "brokerDead"]] == 1)
        #expect(page["kafka_self_healing_role", ["cluster": "main", "role": "leader"]] == 1)
        #expect(page["kafka_self_healing_role", ["cluster": "main", "role": "follower"]] == 0)
        #expect(page["kafka_self_healing_epoch", ["cluster": "main"]] == 4)
        #expect(page["kafka_self_healing_time_to_heal_seconds", ["cluster": "main", "quantile": "0.99"]] == 4)
        #expect(page["kafka_self_healing_time_to_heal_seconds_sum", ["cluster": "main"]] == 7)
        #expect(page["kafka_self_healing_errors_total", ["kind": "intent"]] == 1)
        #expect(page["process_cpu_seconds_total", [:]] == 1.5)
        #expect(page["process_resident_memory_bytes", [:]] == 4096)
    }

    @Test("A large cluster does not make a large page: the worst stay, the rest is counted")
    func bounded() async throws {
        var cluster = ClusterMetrics(cluster: ClusterName("main"))
        cluster.topics = (0..<1500).map {
            ClusterMetrics.Topic(topic: "t\($0)", underReplicated: $0 == 1499 ? 1 : 0, offline: 0)
        }
        let metrics = HealerMetrics(member: HealerID("h"), version: "0", clusters: [cluster], errors: [:])
        let page = try ParsedMetrics(MetricsPage.text(metrics, usage: self.usage))
        let name = "kafka_under_replicated_partitions"
        #expect(page.samples.filter { $0.name == name }.count == MetricsPage.limit + 1)
        #expect(page[name, ["cluster": "main", "topic": "t1499"]] == 1)
        #expect(page[name, ["cluster": "main", "topic": "__total__"]] == 1)
        #expect(page["kafka_self_healing_series_left_out", ["cluster": "main", "family": name]] == 500)
    }

    @Test(
        "Numbers are written as Prometheus reads them",
        arguments: [
            (0, "0"), (1.5, "1.5"), (-3, "-3"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
            (1e300, "1e+300"),
        ])
    func numbers(value: Double, text: String) {
        #expect(PrometheusText.number(value) == text)
    }

    @Test("The kernel tells what this process uses")
    func usageNow() throws {
        let usage = ProcessUsage.now()
        #expect(usage.cpuSeconds > 0)
        #expect(try #require(usage.residentBytes) > 1 << 20)
        #expect(try #require(usage.openFiles) >= 1)
    }
}
