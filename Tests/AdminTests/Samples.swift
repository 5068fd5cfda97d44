import Admin
import Cluster

/// Pages with every field set, for tests.
enum Samples {
    static let source = Source(
        cluster: ClusterName("main"), answeredBy: "healer-1", readAt: WallTime(1_700_000_000_000), dataAgeMs: 420,
        quorum: .established)

    static let broker = NodeEntry(
        Node(
            name: NodeName("kafka-2"), role: .broker(BrokerID(2)), endpoint: Endpoint(host: "127.0.0.1", port: 9092)),
        status: .unhealthy, lastCheck: WallTime(1_699_999_999_500), responseTimeMs: 1.25, method: .protocol,
        error: "connection refused")

    static let server = NodeEntry(
        Node(name: NodeName("zk-1"), role: .zooKeeper, endpoint: Endpoint(host: "127.0.0.1", port: 2181)),
        status: .healthy, lastCheck: WallTime(1_700_000_000_000), responseTimeMs: 0.5, method: .fourLetter)

    static let nodes = NodesPage(
        source: source, verdict: Verdict(reasons: ["kafka-2 is UNHEALTHY"]), nodes: [broker, server])

    static let incident = IncidentEntry(
        id: "brokerDead-kafka-2-1", code: "brokerDead", subject: "kafka-2", since: WallTime(1_699_999_999_000),
        summary: "dead; start is under way")

    static let explained = IncidentPage(
        incident: incident,
        timeline: [
            TimelineEntry(
                time: WallTime(1_699_999_999_000), offsetMs: 0, kind: .detected, text: "connection reset, exited"),
            TimelineEntry(time: WallTime(1_699_999_999_310), offsetMs: 310, kind: .intent, text: "start, epoch 3"),
        ])

    static let leader = LeaderEntry(
        member: HealerID("healer-1"), incarnation: Incarnation("0a0b"), epoch: Epoch(3), address: "127.0.0.1:8080",
        since: WallTime(1_699_999_900_000), beatAgeMs: 210, state: .leading)

    static let members = [
        MemberEntry(
            member: HealerID("healer-1"), incarnation: Incarnation("0a0b"), role: .leader, address: "127.0.0.1:8080",
            version: "0.1.0", configuration: "c0ffee", observedAgeMs: 100),
        MemberEntry(
            member: HealerID("healer-2"), incarnation: Incarnation("0c0d"), role: .follower, address: "127.0.0.1:8081",
            version: "0.1.0", configuration: "c0ffee"),
    ]

    static let recovery = RecoveryEntry(
        node: NodeName("kafka-2"), incident: "brokerDead-kafka-2-1", step: "start", attempt: 1, epoch: Epoch(3),
        state: "started")

    static let status = StatusPage(
        source: source, verdict: Verdict(reasons: ["kafka-2 is UNHEALTHY"]), mode: "heal", leader: leader,
        members: members, nodes: [broker, server], partitions: PartitionCounts(partitions),
        paused: HoldEntry(
            Control.Hold(
                by: "ada@desk", why: "upgrade", since: WallTime(1_699_999_990_000), until: WallTime(1_700_000_600_000))),
        maintenance: [HoldEntry(node: NodeName("kafka-3"), Control.Hold(by: "ada@desk", why: "disk"))],
        incidents: [incident], recoveries: [recovery])

    static let partitions = [
        PartitionState(
            TopicPartition("orders", 0), leader: BrokerID(1), replicas: [BrokerID(1), BrokerID(2), BrokerID(3)],
            inSyncReplicas: [BrokerID(1), BrokerID(3)], minInSyncReplicas: 2, uncleanElection: false),
        PartitionState(
            TopicPartition("orders", 1), leader: nil, replicas: [BrokerID(2)], inSyncReplicas: [],
            minInSyncReplicas: 1),
        PartitionState(
            TopicPartition("orders", 2), leader: BrokerID(3), replicas: [BrokerID(3), BrokerID(1), BrokerID(2)],
            inSyncReplicas: [BrokerID(3), BrokerID(1), BrokerID(2)], minInSyncReplicas: 2),
    ]

    static let partitionsPage = PartitionsPage(
        source: source, verdict: Verdict(reasons: ["1 partition is offline"]), states: partitions)

    static let check = CheckPage(
        source: source, node: broker,
        results: [
            CheckResult(method: .socket, timeMs: 0.31, seen: "refused", error: "connection refused"),
            CheckResult(method: .supervisor, timeMs: 12, seen: "exited, signal 9"),
        ])
}
