import Admin
import Cluster

/// A healer that answers with the same few values every time.
struct SampleSource: StatusSource {
    var clusters = [ClusterName("main"), ClusterName("other")]
    var alive = true
    var reasons: [String] = []
    /// `nil` while brokers are known.
    var brokersProblem: String?

    func liveness() -> Liveness { Liveness(alive: self.alive, loopAgeMs: 12) }
    func readiness() async -> Readiness { Readiness(reasons: self.reasons) }

    func leadership(of cluster: ClusterName) -> LeadershipPage {
        LeadershipPage(
            cluster: cluster, member: HealerID("healer-1"), incarnation: Incarnation("life-1"), epoch: Epoch(4),
            leads: true)
    }

    func metrics() async -> HealerMetrics {
        var main = ClusterMetrics(cluster: ClusterName("main"))
        main.brokers = [
            ClusterMetrics.Broker(id: BrokerID(1), endpoint: Endpoint(host: "h1", port: 9092), isOnline: true),
            ClusterMetrics.Broker(id: BrokerID(2), endpoint: Endpoint(host: "h\"2\\\n", port: 9093), isOnline: false),
        ]
        main.topics = [
            ClusterMetrics.Topic(topic: "orders", underReplicated: 2, offline: 0),
            ClusterMetrics.Topic(topic: "quiet", underReplicated: 0, offline: 1),
        ]
        main.isrShrinks = [TopicPartition("orders", 0): 3, TopicPartition("orders", 1): 0]
        main.monitoringSeconds = 0.25
        main.role = .leader
        main.epoch = Epoch(4)
        main.refused = ["paused": 2, "a_new_reason": 1]
        main.openIncidents = ["brokerDead": 1]
        main.timeToHeal = DurationSummary(count: 2, sum: .seconds(7), last: [.seconds(3), .seconds(4)])
        return HealerMetrics(
            member: HealerID("healer-1"), version: "0.1.0",
            clusters: [main, ClusterMetrics(cluster: ClusterName("other"))], errors: ["audit": 0, "intent": 1])
    }

    private func source(_ cluster: ClusterName) -> Source {
        Source(
            cluster: cluster, answeredBy: "healer-1", readAt: WallTime(1_700_000_000_000), dataAgeMs: 40,
            quorum: .established)
    }
    func status(of cluster: ClusterName) async -> StatusPage {
        StatusPage(source: self.source(cluster), verdict: Verdict(reasons: []), mode: "heal")
    }
    func nodes(of cluster: ClusterName) async -> NodesPage {
        NodesPage(source: self.source(cluster), verdict: Verdict(reasons: []), nodes: [self.node])
    }
    func partitions(of cluster: ClusterName) async -> PartitionsPage {
        PartitionsPage(source: self.source(cluster), verdict: Verdict(reasons: []), states: [])
    }
    func incidents(of cluster: ClusterName) async -> IncidentsPage {
        IncidentsPage(source: self.source(cluster), incidents: [self.explained])
    }
    func incident(_ id: String, of cluster: ClusterName) async -> IncidentPage? {
        id == self.explained.incident.id ? self.explained : nil
    }
    func missingBrokers(of cluster: ClusterName) async -> String? { self.brokersProblem }
    func check(_ node: NodeName, of cluster: ClusterName) async -> CheckPage? {
        node != self.node.node
            ? nil
            : CheckPage(
                source: self.source(cluster), node: self.node,
                results: [CheckResult(method: .socket, timeMs: 0.4, seen: "connected")])
    }

    private var node: NodeEntry { NodeEntry(node: NodeName("kafka-1"), type: .broker, status: .healthy) }
    private var explained: IncidentPage {
        IncidentPage(
            incident: IncidentEntry(
                id: "4-1", code: "brokerDead", subject: "kafka-1", since: WallTime(0), summary: "healed"),
            timeline: [])
    }
}
