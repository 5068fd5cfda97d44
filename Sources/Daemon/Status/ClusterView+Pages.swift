import Admin
import Cluster
import Election
import Healer

/// What one healer knows of one cluster at one moment, made into pages.
struct ClusterPages: Sendable {
    let view: ClusterView
    /// `nil` while it takes no part in an election.
    let election: LeadershipStatus?
    let member: Member
    let records: SharedRecords
    let sources: BrokerSources
    let now: Moment

    var source: Source {
        Source(
            cluster: self.view.cluster, answeredBy: self.member.id.rawValue, readAt: self.view.at,
            dataAgeMs: self.dataAge?.wholeMilliseconds, quorum: self.quorum)
    }

    var quorum: Source.Quorum { self.election.map { $0.connected ? .established : .lost } ?? .unknown }

    /// Of the oldest fact in use.
    var dataAge: Duration? { (self.view.nodes.map(\.age) + [self.view.partitions.age]).compactMap { $0 }.max() }

    /// Of what is seen now.
    var verdict: Verdict { Verdict(reasons: self.reasons) }

    private var reasons: [String] {
        var reasons: [String] = []
        if self.quorum == .lost { reasons.append("no connection to the coordination ensemble: nobody may act") }
        for row in self.view.nodes where ![.healthy, .maintenance].contains(row.status) {
            reasons.append("\(row.node.name) is \(row.status.rawValue)" + (row.error.map { ": \($0)" } ?? ""))
        }
        let partitions = self.view.partitions
        if !partitions.offline.isEmpty { reasons.append("\(partitions.offline.count) partitions have no leader") }
        if !partitions.underMinISR.isEmpty {
            reasons.append("\(partitions.underMinISR.count) partitions are under min.insync.replicas")
        }
        if !partitions.underReplicated.isEmpty {
            reasons.append("\(partitions.underReplicated.count) partitions are under-replicated")
        }
        if let problem = self.sources.problem(self.view) {
            reasons.append(problem)
        } else if partitions.age == nil {
            reasons.append("no broker has told its metadata yet")
        }
        return reasons
    }

    /// Of incidents that are open though nothing is to be seen of them now: whether it holds is still watched.
    private var incidentReasons: [String] {
        let partitions = self.view.partitions
        let areWell = partitions.offline.isEmpty && partitions.underMinISR.isEmpty && partitions.underReplicated.isEmpty
        return self.incidentRecords.filter { incident in
            guard let name = incident.subject.node else { return areWell }
            return self.view.nodes.contains { $0.node.name == name && $0.status == .healthy }
        }.compactMap(\.reason)
    }

    var nodes: [NodeEntry] {
        self.view.nodes.map { row in
            NodeEntry(
                row.node, status: row.status, lastCheck: row.lastCheck,
                responseTimeMs: row.response.map { $0.inSeconds * 1000 }, method: row.method, error: row.error)
        }
    }

    var counts: PartitionCounts? {
        self.view.partitions.age == nil ? nil : PartitionCounts(self.view.partitions.states)
    }

    /// Of the record as this healer last read it.
    var leader: LeaderEntry? {
        guard let record = self.election?.leader, let holder = record.holder else { return nil }
        let isOurs = holder.incarnation == self.member.incarnation
        return LeaderEntry(
            member: holder.member, incarnation: holder.incarnation, epoch: record.epoch, address: holder.address,
            since: isOurs ? self.election.map { self.wall($0.since) } : nil, state: .leading)
    }

    var status: StatusPage {
        StatusPage(
            source: self.source, verdict: Verdict(reasons: self.reasons + self.incidentReasons),
            mode: self.view.mode.rawValue, leader: self.leader,
            members: self.members, nodes: self.nodes, partitions: self.counts,
            paused: self.view.pause.map { HoldEntry($0) },
            maintenance: self.view.maintenance.sorted { $0.key < $1.key }.map { HoldEntry(node: $0.key, $0.value) },
            incidents: self.incidentRecords.filter { $0.phase != .closed }.map { IncidentEntry($0) },
            recoveries: self.recoveries)
    }

    /// The leader's, whoever tells.
    private var recoveries: [RecoveryEntry] {
        let own = self.view.recoveries.compactMap { row in
            row.intent.map { intent in
                RecoveryEntry(
                    node: row.node, incident: intent.incident.description, step: intent.step.rawValue,
                    attempt: intent.attempt, epoch: intent.id.epoch, state: row.stage.rawValue)
            }
        }
        let shared = self.records.recoveries.filter(\.isOpen).sorted { $0.intent.node < $1.intent.node }
        return own + shared.map { RecoveryEntry($0) }
    }

    /// The newest first.
    var incidents: [IncidentPage] { self.incidentRecords.reversed().map { IncidentPage($0) } }

    private var incidentRecords: [IncidentRecord] {
        self.records.incidents(beside: self.view.closedIncidents + self.view.openIncidents)
    }

    /// In the order of the election. Before the line was read, ourselves alone.
    private var members: [MemberEntry] {
        let holder = self.election?.leader?.holder?.incarnation
        var entries = self.records.members.map { member in
            member.incarnation == self.member.incarnation
                ? self.ourselves : MemberEntry(member, role: member.incarnation == holder ? .leader : .follower)
        }
        if !entries.contains(where: { $0.incarnation == self.member.incarnation }) { entries.append(self.ourselves) }
        for index in entries.indices {
            entries[index].observedAgeMs = self.records.observedAt[entries[index].member].map {
                max(0, self.view.at.rawValue - $0.rawValue)
            }
        }
        return entries
    }

    private var ourselves: MemberEntry {
        MemberEntry(
            self.member, role: [.leading, .suspended].contains(self.election?.role) ? .leader : .follower)
    }

    /// Our wall clock at a moment in the past, as near as it can be told.
    private func wall(_ moment: Moment) -> WallTime {
        WallTime(self.view.at.rawValue - (self.now - moment).wholeMilliseconds)
    }
}

extension ClusterPages {
    func metrics(secondsWithoutLeader: Double, twoLeadersSeen: Int, timing: Election.Timing) -> ClusterMetrics {
        var metrics = ClusterMetrics(cluster: self.view.cluster)
        metrics.brokers = self.view.nodes.compactMap { row in
            row.node.brokerID.map { id in
                .init(id: id, endpoint: row.node.endpoint, isOnline: [.healthy, .overloaded].contains(row.status))
            }
        }
        metrics.set(partitions: self.view.partitions.states, isrShrinks: self.view.counters.isrShrinks)
        metrics.monitoringSeconds = self.view.nodes.compactMap(\.response).max()?.inSeconds
        metrics.recoveryAttempts = self.view.counters.attempts.values.reduce(0, +)
        metrics.recoverySuccesses = self.view.counters.healed.values.reduce(0, +)
        metrics.role = self.ourselves.role
        metrics.epoch = self.election?.epoch ?? .none
        metrics.roleSince = self.election.map { self.wall($0.since) }
        metrics.quorum = self.quorum
        metrics.secondsWithoutLeader = secondsWithoutLeader
        metrics.twoLeadersSeen = twoLeadersSeen
        metrics.election = ElectionMetrics(self.election, timing)
        metrics.divergence = self.view.divergence.values.max() ?? 0
        for name in Refusal.names { metrics.refused[name] = 0 }
        for (name, count) in self.view.counters.refusals { metrics.refused[name] = count }
        for code in FindingCode.allCases { metrics.openIncidents[code.rawValue] = 0 }
        for incident in self.view.openIncidents { metrics.openIncidents[incident.code.rawValue, default: 0] += 1 }
        metrics.timeToDetect = self.view.counters.timeToDetect
        metrics.timeToHeal = self.view.counters.timeToHeal
        metrics.isPaused = self.view.pause != nil
        metrics.nodesInMaintenance = self.view.maintenance.count
        metrics.dataAge = self.dataAge?.inSeconds
        return metrics
    }
}

extension ElectionMetrics {
    fileprivate init(_ status: LeadershipStatus?, _ timing: Election.Timing) {
        self.init(limit: timing.limit)
        for takeover in Takeover.allCases { self.takeovers[takeover.rawValue] = status?.takeovers[takeover] ?? 0 }
        for reason in LossReason.allCases {
            let name = reason.description.replacing(" ", with: "_")
            self.ended[name] = status?.losses[reason] ?? 0
        }
        guard let status else { return }
        self.claims = status.claims
        self.lateRenewals = status.lateRenewals
        self.needlessHandovers = status.needlessHandovers
        self.guardP50 = status.guardLatency.p50
        self.guardP99 = status.guardLatency.p99
    }
}
