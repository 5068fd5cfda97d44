import Admin
import Cluster

/// Everything that `/metrics` shows, under the names and labels that users' dashboards have (DESIGN section 9). All
/// series are there from the first scrape. `cluster` is an additional label throughout.
struct MetricsPage {
    /// Series per family that grow with the cluster; what is left out is counted. Those that are not well come first.
    static let limit = 1000

    private let metrics: HealerMetrics
    private let usage: ProcessUsage
    private var page = PrometheusText()
    private var leftOut: [(family: String, cluster: ClusterName, count: Int)] = []

    static func text(_ metrics: HealerMetrics, usage: ProcessUsage) -> String {
        var page = MetricsPage(metrics: metrics, usage: usage)
        page.brokers()
        page.partitions()
        page.healing()
        page.leadership()
        page.process()
        return page.page.text
    }

    private init(metrics: HealerMetrics, usage: ProcessUsage) {
        self.metrics = metrics
        self.usage = usage
    }

    /// One family with one value per cluster: NaN where it is not known yet, so that the series is there.
    private mutating func family(
        _ name: String, _ kind: PrometheusText.Kind, _ help: String, _ value: (ClusterMetrics) -> Double?
    ) {
        self.page.family(name, kind, help)
        for cluster in self.metrics.clusters {
            self.page.sample([("cluster", cluster.cluster.rawValue)], value(cluster) ?? .nan)
        }
    }

    /// One family with several values per cluster, told apart by one label.
    private mutating func family(
        _ name: String, _ kind: PrometheusText.Kind, _ help: String, by label: String,
        _ values: (ClusterMetrics) -> [(String, Int)]
    ) {
        self.page.family(name, kind, help)
        for cluster in self.metrics.clusters {
            for (key, value) in values(cluster) {
                self.page.sample([("cluster", cluster.cluster.rawValue), (label, key)], value)
            }
        }
    }

    private mutating func brokers() {
        self.family("kafka_cluster_brokers", .gauge, "Brokers that are online.") {
            Double($0.brokers.count { $0.isOnline })
        }
        self.family("kafka_cluster_topics", .gauge, "Topics.") { Double($0.topics.count) }
        self.page.family("kafka_broker_online", .gauge, "Whether a broker is online: 1 or 0.")
        for cluster in self.metrics.clusters {
            for broker in cluster.brokers {
                self.page.sample(
                    [
                        ("cluster", cluster.cluster.rawValue), ("broker_id", broker.id.description),
                        ("host", broker.endpoint.host), ("port", String(broker.endpoint.port)),
                    ], broker.isOnline ? 1 : 0)
            }
        }
    }

    private mutating func partitions() {
        self.topics(
            "kafka_under_replicated_partitions", "Partitions with fewer in-sync replicas than replicas.",
            \.underReplicated)
        self.topics("kafka_offline_partitions", "Partitions without a leader.", \.offline)
        self.page.family(
            "kafka_isr_shrink_events", .untyped, "How often the in-sync replicas of a partition became fewer.")
        for cluster in self.metrics.clusters {
            let shrinks = cluster.isrShrinks.sorted { (-$0.value, $0.key) < (-$1.value, $1.key) }
            for (id, count) in shrinks.prefix(Self.limit) {
                self.page.sample(
                    [
                        ("cluster", cluster.cluster.rawValue), ("topic", id.topic),
                        ("partition", String(id.partition)),
                    ], count)
            }
            self.leftOut.append(("kafka_isr_shrink_events", cluster.cluster, max(0, shrinks.count - Self.limit)))
        }
    }

    private mutating func topics(_ name: String, _ help: String, _ count: KeyPath<ClusterMetrics.Topic, Int>) {
        self.page.family(name, .gauge, "\(help) All topics together as __total__.")
        for cluster in self.metrics.clusters {
            let topics = cluster.topics.sorted { (-$0[keyPath: count], $0.topic) < (-$1[keyPath: count], $1.topic) }
            let total = topics.reduce(0) { $0 + $1[keyPath: count] }
            self.page.sample([("cluster", cluster.cluster.rawValue), ("topic", "__total__")], total)
            for topic in topics.prefix(Self.limit) {
                self.page.sample(
                    [("cluster", cluster.cluster.rawValue), ("topic", topic.topic)], topic[keyPath: count])
            }
            self.leftOut.append((name, cluster.cluster, max(0, topics.count - Self.limit)))
        }
    }

    private mutating func healing() {
        self.family(
            "kafka_self_healing_monitoring_latency_seconds", .gauge, "How long the last round of monitoring took."
        ) { $0.monitoringSeconds }
        self.family("kafka_self_healing_recovery_attempts_total", .counter, "Recovery steps that were started.") {
            Double($0.recoveryAttempts)
        }
        self.family("kafka_self_healing_recovery_success_total", .counter, "Recoveries that were verified.") {
            Double($0.recoverySuccesses)
        }
        self.family(
            "kafka_self_healing_refused_decisions_total", .counter, "Steps that a guard said no to.", by: "reason"
        ) { cluster in
            let names = Set(Refusal.names).union(cluster.refused.keys).sorted()
            return names.map { ($0, cluster.refused[$0] ?? 0) }
        }
        self.family("kafka_self_healing_open_incidents", .gauge, "Incidents that are open.", by: "code") { cluster in
            FindingCode.allCases.map { ($0.rawValue, cluster.openIncidents[$0.rawValue] ?? 0) }
        }
        self.summary(
            "kafka_self_healing_time_to_detect_seconds", "From the first sign of a failure to its confirmation.",
            \.timeToDetect)
        self.summary(
            "kafka_self_healing_time_to_heal_seconds", "From the first sign of a failure to its verified end.",
            \.timeToHeal)
        self.family("kafka_self_healing_paused", .gauge, "Whether healing is paused: 1 or 0.") { $0.isPaused ? 1 : 0 }
        self.family("kafka_self_healing_nodes_in_maintenance", .gauge, "Nodes in maintenance.") {
            Double($0.nodesInMaintenance)
        }
        self.family("kafka_self_healing_data_age_seconds", .gauge, "Age of the oldest fact in use.") { $0.dataAge }
        self.page.family(
            "kafka_self_healing_series_left_out", .gauge, "Series that a family of this page has no room for.")
        for entry in self.leftOut {
            self.page.sample([("cluster", entry.cluster.rawValue), ("family", entry.family)], entry.count)
        }
    }

    private mutating func summary(_ name: String, _ help: String, _ value: KeyPath<ClusterMetrics, DurationSummary>) {
        self.page.family(name, .summary, help)
        for cluster in self.metrics.clusters {
            let summary = cluster[keyPath: value]
            let label = ("cluster", cluster.cluster.rawValue)
            for part in [0.5, 0.99] {
                self.page.sample(
                    [label, ("quantile", String(part))], summary.quantile(part).map { $0.inSeconds } ?? .nan)
            }
            self.page.sample([label], summary.sum.inSeconds, suffix: "_sum")
            self.page.sample([label], summary.count, suffix: "_count")
        }
    }

    private mutating func leadership() {
        self.family(
            "kafka_self_healing_role", .gauge, "1 for the role that this healer has, 0 for the others.", by: "role"
        ) { cluster in
            MemberEntry.Role.allCases.map { ($0.rawValue, cluster.role == $0 ? 1 : 0) }
        }
        self.family("kafka_self_healing_epoch", .gauge, "The newest epoch of a leadership that was seen.") {
            Double($0.epoch.rawValue)
        }
        self.family(
            "kafka_self_healing_role_since_timestamp_seconds", .gauge, "Since when this healer has its role."
        ) { $0.roleSince.map { Double($0.rawValue) / 1000 } }
        self.family(
            "kafka_self_healing_without_leader_seconds_total", .counter, "Time in which this healer saw nobody lead."
        ) { $0.secondsWithoutLeader }
        self.family(
            "kafka_self_healing_two_leaders_seen_total", .counter,
            "How often a former leader was seen that went on believing it leads."
        ) { Double($0.twoLeadersSeen) }
        self.family(
            "kafka_self_healing_quorum", .gauge, "Whether the coordination ensemble accepts writes: 1 or 0."
        ) { $0.quorum == .unknown ? nil : $0.quorum == .established ? 1 : 0 }
        self.family("kafka_self_healing_claims_total", .counter, "Leaderships that this healer claimed.") {
            Double($0.election.claims)
        }
        self.family(
            "kafka_self_healing_takeovers_total", .counter, "Of the claims, by what each was possible.", by: "by"
        ) { $0.election.takeovers.sorted { $0.key < $1.key } }
        self.family(
            "kafka_self_healing_leaderships_ended_total", .counter, "Leaderships of this healer that ended.",
            by: "reason"
        ) { $0.election.ended.sorted { $0.key < $1.key } }
        self.family(
            "kafka_self_healing_late_renewals_total", .counter,
            "How often the limit passed without an answered renewal."
        ) { Double($0.election.lateRenewals) }
        self.family(
            "kafka_self_healing_needless_handovers_total", .counter,
            "How often another healer claimed while this one led in good order."
        ) { Double($0.election.needlessHandovers) }
        self.page.family(
            "kafka_self_healing_guard_seconds", .gauge,
            "How long a write under the guard takes, of the last minutes, to be held against limit.")
        for cluster in self.metrics.clusters {
            let label = ("cluster", cluster.cluster.rawValue)
            for (part, value) in [("0.5", cluster.election.guardP50), ("0.99", cluster.election.guardP99)] {
                self.page.sample([label, ("quantile", part)], value.map { $0.inSeconds } ?? .nan)
            }
        }
        self.family(
            "kafka_self_healing_guard_limit_seconds", .gauge, "How long a leader goes on without an answered renewal."
        ) { $0.election.limit?.inSeconds }
        self.family("kafka_self_healing_divergence", .gauge, "Nodes about which healers differ.") {
            Double($0.divergence)
        }
    }

    private mutating func process() {
        self.page.family("kafka_self_healing_info", .gauge, "1; who this healer is.")
        self.page.sample([("member", self.metrics.member.rawValue), ("version", self.metrics.version)], 1)
        self.page.family("kafka_self_healing_errors_total", .counter, "What went wrong in the healer itself.")
        for (kind, count) in self.metrics.errors.sorted(by: { $0.key < $1.key }) {
            self.page.sample([("kind", kind)], count)
        }
        self.page.family("process_cpu_seconds_total", .counter, "User and system CPU time used.")
        self.page.sample([], self.usage.cpuSeconds)
        if let bytes = self.usage.residentBytes {
            self.page.family("process_resident_memory_bytes", .gauge, "Resident memory.")
            self.page.sample([], bytes)
        }
        if let files = self.usage.openFiles {
            self.page.family("process_open_fds", .gauge, "Open file descriptors.")
            self.page.sample([], files)
        }
    }
}
