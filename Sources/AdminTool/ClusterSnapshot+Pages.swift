import Admin
import Cluster

extension ClusterSnapshot {
    /// A beat or a digest older than this is no sign of life. Far above any profile's, and above small differences of
    /// clocks between this host and the ensemble's.
    static let stale: Int64 = 15_000

    private func age(_ time: WallTime) -> Int64 { max(0, self.readAt.rawValue - time.rawValue) }

    /// - Parameter dataAge: 0 for what was just read.
    func source(dataAge: Int64?) -> Source {
        Source(
            cluster: self.cluster, answeredBy: "zookeeper", readAt: self.readAt, dataAgeMs: dataAge,
            quorum: self.quorum)
    }

    private var digestAge: Int64? { self.digest.map { self.age($0.at) } }

    var leaderEntry: LeaderEntry? {
        guard let leader = self.leader, let holder = leader.holder else { return nil }
        return LeaderEntry(
            member: holder.member, incarnation: holder.incarnation, epoch: leader.epoch, address: holder.address,
            since: self.leaderSince, beatAgeMs: self.beatAt.map { self.age($0) },
            state: self.leaderIsThere ? .leading : .gone)
    }

    private var leaderReasons: [String] {
        if self.quorum == .lost {
            return ["the coordination ensemble has no quorum: nobody may act, and this may be stale"]
        }
        if let problem = self.leaderProblem { return ["\(problem): no healer will lead until it is removed"] }
        guard let leader = self.leader, leader.epoch > .none else { return ["no healer has led yet"] }
        guard let holder = leader.holder else { return ["nobody leads since epoch \(leader.epoch) was resigned"] }
        guard self.leaderIsThere else { return ["nobody leads: \(holder.member) of epoch \(leader.epoch) is gone"] }
        guard let beat = self.beatAt, self.age(beat) > Self.stale else { return [] }
        return ["the leader \(holder.member) gave its last beat \(TimeText.span(self.age(beat))) ago"]
    }

    var leaderPage: LeaderPage {
        LeaderPage(
            source: self.source(dataAge: 0), leader: self.leaderEntry, verdict: Verdict(reasons: self.leaderReasons))
    }

    var members: [MemberEntry] {
        self.candidates.map { name, member in
            let leads = self.leader?.holder?.incarnation == member.incarnation
            return MemberEntry(
                member, role: leads ? .leader : .follower,
                observedAgeMs: self.digests.first { $0.healer == member.id }.map { self.age($0.at) })
        }
    }

    var membersPage: MembersPage { MembersPage(source: self.source(dataAge: 0), members: self.members) }

    /// By what healers have last published: a node of which none says anything is fine as far as they know.
    var nodeEntries: [NodeEntry] {
        self.nodes.map { node in
            guard let digest = self.digest, self.age(digest.at) <= Self.stale else {
                return NodeEntry(node, status: .unknown, lastCheck: self.digest?.at, error: "no healer says")
            }
            let verdict = digest.verdicts[node.name]
            let held = self.control?.maintenance(of: node.name, at: self.readAt)
            return NodeEntry(
                node, status: held == nil ? NodeStatus(verdict?.code) : .maintenance, lastCheck: digest.at,
                error: verdict.map { $0.code.rawValue })
        }
    }

    private var nodeReasons: [String] {
        self.nodeEntries.filter { $0.status != .healthy && $0.status != .maintenance }
            .map { "\($0.node) is \($0.status.rawValue)" + ($0.error.map { ": \($0)" } ?? "") }
    }

    var nodesPage: NodesPage {
        NodesPage(
            source: self.source(dataAge: self.digestAge), verdict: Verdict(reasons: self.nodeReasons),
            nodes: self.nodeEntries)
    }

    /// The open ones, newest first: only a healer remembers those that are closed.
    var incidentsPage: IncidentsPage {
        IncidentsPage(source: self.source(dataAge: 0), incidents: self.incidents.reversed().map { IncidentPage($0) })
    }

    var recoveryEntries: [RecoveryEntry] { self.recoveries.map { RecoveryEntry($0) } }

    /// The pause in force; the global one wins.
    var pause: (hold: HoldEntry, everywhere: Bool)? {
        if let hold = self.globalControl?.pause(at: self.readAt) { return (HoldEntry(hold), true) }
        return self.control?.pause(at: self.readAt).map { (HoldEntry($0), false) }
    }

    var maintenance: [HoldEntry] {
        (self.control?.maintenance ?? [:]).filter { $0.value.holds(at: self.readAt) }.sorted { $0.key < $1.key }
            .map { HoldEntry(node: $0.key, $0.value) }
    }

    /// Of what the nodes themselves do not show: partitions, and nodes that are well again and still watched.
    private var incidentReasons: [String] {
        let nodes = self.nodeEntries
        return self.incidents.filter { incident in
            guard let name = incident.subject.node else { return true }
            return nodes.contains { $0.node == name && $0.status == .healthy }
        }.compactMap(\.reason)
    }

    /// From ZooKeeper alone.
    var statusPage: StatusPage {
        let entries = self.incidents.map { IncidentEntry($0) }
        return StatusPage(
            source: self.source(dataAge: self.digestAge),
            verdict: Verdict(reasons: self.leaderReasons + self.nodeReasons + self.incidentReasons),
            leader: self.leaderEntry,
            members: self.members, nodes: self.nodeEntries, paused: self.pause?.hold,
            pausedEverywhere: self.pause?.everywhere ?? false, maintenance: self.maintenance, incidents: entries,
            recoveries: self.recoveryEntries)
    }
}

extension ClusterSnapshot {
    /// The status with what only a healer knows: mode, partitions, and its own look at the nodes.
    func statusPage(with healer: StatusPage) -> StatusPage {
        var page = self.statusPage
        page.source.answeredBy = "zookeeper and \(healer.source.answeredBy)"
        page.source.dataAgeMs = healer.source.dataAgeMs
        page.mode = healer.mode
        page.partitions = healer.partitions
        page.nodes = healer.nodes
        page.verdict = Verdict(reasons: self.leaderReasons + healer.verdict.reasons)
        return page
    }
}

extension NodeStatus {
    /// What people call a node's condition.
    init(_ code: FindingCode?) {
        self =
            switch code {
            case nil: .healthy
            case .brokerDead, .brokerHung, .brokerUnregistered, .zooKeeperDead, .zooKeeperHung, .zooKeeperNotServing:
                .unhealthy
            case .brokerStarting, .zooKeeperStarting: .starting
            case .brokerStopped, .zooKeeperStopped: .stopped
            // Codes of partitions say nothing of one node.
            case .partitionOffline, .underReplicated, .underMinISR, .isrShrink: .unknown
            }
    }
}
