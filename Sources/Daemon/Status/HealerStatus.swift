import Admin
import Cluster
import Healer
import Synchronization

/// What the HTTP pages of a running healer show: taken from the loops' own values, so that no page makes Kafka or
/// ZooKeeper work, but a check.
final class HealerStatus: StatusSource {
    private let parts: HealerParts
    private let healings: [ClusterHealing]
    /// When each loop last came round, as far as the heartbeat has heard.
    private let beats: Mutex<[ClusterName: Moment]>

    /// A loop that has not come round for so long hangs: it ticks four times a second or more.
    static let loopLimit = Duration.seconds(10)
    private static let beat = Duration.milliseconds(500)

    init(_ healings: [ClusterHealing], _ parts: HealerParts) {
        self.parts = parts
        self.healings = healings
        let now = parts.time.now()
        self.beats = Mutex(Dictionary(uniqueKeysWithValues: healings.map { ($0.name, now) }))
    }

    var clusters: [ClusterName] { self.healings.map(\.name) }

    /// Asks the loops for a sign of life, until cancelled; ``liveness()`` only looks at what came.
    func keepBeat() async {
        await withTaskGroup(of: Void.self) { group in
            for healing in self.healings {
                group.addTask {
                    while !Task.isCancelled {
                        if let silence = await healing.loop.silence(), silence < Self.loopLimit {
                            let now = self.parts.time.now()
                            self.beats.withLock { $0[healing.name] = now - silence }
                        }
                        try? await self.parts.time.sleep(for: Self.beat)
                    }
                }
            }
        }
    }

    func liveness() -> Liveness {
        let now = self.parts.time.now()
        let age = self.beats.withLock { $0.values.map { now - $0 }.max() } ?? .zero
        return Liveness(alive: age < Self.loopLimit, loopAgeMs: age.wholeMilliseconds)
    }

    /// In one line, for `systemctl status`: `main: leads, epoch 7; test: follows`.
    var line: String {
        self.clusters.map { cluster in
            let page = self.leadership(of: cluster)
            return "\(cluster): \(page.leads ? "leads, epoch \(page.epoch)" : "follows")"
        }.joined(separator: "; ")
    }

    func readiness() async -> Readiness {
        var reasons: [String] = []
        for healing in self.healings {
            guard let status = healing.candidacy.status, status.connected, status.role != .joining else {
                reasons.append("\(healing.name): the coordination ensemble does not answer yet")
                continue
            }
            let view = await healing.loop.view()
            if view.nodes.contains(where: { $0.lastCheck == nil }) {
                reasons.append("\(healing.name): not every node has been looked at yet")
            }
        }
        return Readiness(reasons: reasons)
    }

    func leadership(of cluster: ClusterName) -> LeadershipPage {
        let candidacy = self.healing(cluster).candidacy
        let (member, status) = (candidacy.member, candidacy.status)
        return LeadershipPage(
            cluster: cluster, member: member.id, incarnation: member.incarnation, epoch: status?.epoch ?? .none,
            leads: status?.role == .leading)
    }

    func metrics() async -> HealerMetrics {
        var clusters: [ClusterMetrics] = []
        var intent = 0
        for healing in self.healings {
            let pages = await self.pages(healing)
            intent += pages.view.counters.withheld[.notAuthorized] ?? 0
            clusters.append(
                pages.metrics(
                    secondsWithoutLeader: healing.candidacy.secondsWithoutLeader,
                    twoLeadersSeen: healing.candidacy.twoLeadersSeen, timing: healing.candidacy.timing))
        }
        return HealerMetrics(
            member: self.parts.configuration.healerID, version: HealerVersion.current, clusters: clusters,
            errors: [
                "audit": Int(self.parts.logs.refusedAudits), "intent": intent,
                "log_lines_dropped": Int(self.parts.logs.dropped),
            ])
    }

    func status(of cluster: ClusterName) async -> StatusPage { await self.pages(self.healing(cluster)).status }

    func nodes(of cluster: ClusterName) async -> NodesPage {
        let pages = await self.pages(self.healing(cluster))
        return NodesPage(source: pages.source, verdict: pages.verdict, nodes: pages.nodes)
    }

    func partitions(of cluster: ClusterName) async -> PartitionsPage {
        let pages = await self.pages(self.healing(cluster))
        return PartitionsPage(
            source: pages.source, verdict: pages.verdict, states: pages.view.partitions.states)
    }

    func incidents(of cluster: ClusterName) async -> IncidentsPage {
        let pages = await self.pages(self.healing(cluster))
        return IncidentsPage(source: pages.source, incidents: pages.incidents)
    }

    func incident(_ id: String, of cluster: ClusterName) async -> IncidentPage? {
        await self.pages(self.healing(cluster)).incidents.first { $0.incident.id == id }
    }

    func check(_ node: NodeName, of cluster: ClusterName) async -> CheckPage? {
        let healing = self.healing(cluster)
        guard let known = await self.pages(healing).nodes.first(where: { $0.node == node }) else { return nil }
        let results = await healing.check(node)
        let pages = await self.pages(healing)
        return CheckPage(
            source: pages.source, node: pages.nodes.first { $0.node == node } ?? known, results: results)
    }

    func missingBrokers(of cluster: ClusterName) async -> String? {
        let healing = self.healing(cluster)
        return healing.sources.problem(await healing.loop.view())
    }

    private func healing(_ cluster: ClusterName) -> ClusterHealing {
        self.healings.first { $0.name == cluster } ?? self.healings[0]
    }

    private func pages(_ healing: ClusterHealing) async -> ClusterPages {
        ClusterPages(
            view: await healing.loop.view(), election: healing.candidacy.status, member: healing.candidacy.member,
            records: await healing.records, sources: healing.sources, now: self.parts.time.now())
    }
}
