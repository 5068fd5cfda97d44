import Admin
import Cluster
import FoundationEssentials
import ZooKeeper

/// Everything about one cluster that stands in ZooKeeper, read at about one time.
struct ClusterSnapshot: Sendable {
    let cluster: ClusterName
    let readAt: WallTime
    let quorum: Source.Quorum
    /// `nil` before healers have made the node; see ``leaderProblem``.
    let leader: LeaderRecord?
    /// Why ``leader`` cannot be read.
    let leaderProblem: String?
    /// When the record was last written.
    let leaderSince: WallTime?
    let beatAt: WallTime?
    /// In the order of the election, with the name of the candidate's node.
    let candidates: [(name: String, member: Member)]
    let control: Control?
    let globalControl: Control?
    /// Open ones, oldest first.
    let incidents: [IncidentRecord]
    let recoveries: [RecoveryRecord]
    let digests: [Digest]
    let nodes: [Node]

    init(_ layout: Layout, in tree: CoordinationTree) async throws(ToolFailure) {
        self.cluster = layout.cluster
        // A server that lags is brought up to date; if that is not possible, what it has is shown, and said to be old.
        do throws(ZooKeeperError) {
            try await tree.session.sync(layout.base)
            self.quorum = .established
        } catch {
            guard error.isAmbiguous else { throw ToolFailure(error) }
            self.quorum = .lost
        }
        let record = try await tree.content(layout.leader)
        do throws(LeaderRecord.Problem) {
            self.leader = try record.map { (content) throws(LeaderRecord.Problem) in
                try LeaderRecord(decoding: content.data)
            }
            self.leaderProblem = nil
        } catch {
            self.leader = nil
            self.leaderProblem =
                switch error {
                case .unreadable: "the record of the leader cannot be read"
                case .unknownFormat(let format): "the record of the leader has the unknown format \(format)"
                }
        }
        self.leaderSince = record.map { WallTime($0.stat.mtime) }
        self.beatAt = try await tree.content(layout.beat).map { WallTime($0.stat.mtime) }
        self.candidates = try await tree.contents(below: layout.candidates)
            .compactMap { name, content in content.decoded(Member.self).map { (name, $0) } }
            .sorted { Self.place($0.0) < Self.place($1.0) }
        self.control = try await tree.content(layout.control).flatMap { try? Control(json: $0.data) }
        self.globalControl = try await tree.content(layout.globalControl).flatMap { try? Control(json: $0.data) }
        self.incidents = try await tree.contents(below: layout.incidents)
            .compactMap { $0.content.decoded(IncidentRecord.self) }
            .sorted { ($0.since, $0.id?.description ?? "") < ($1.since, $1.id?.description ?? "") }
        self.recoveries = try await tree.openRecoveries(layout)
        self.digests = try await tree.contents(below: layout.observers).compactMap { $0.content.decoded(Digest.self) }
        self.nodes = try await tree.content(layout.nodes)?.decoded(NodesRecord.self)?.all ?? []
        self.readAt = .now
    }

    /// The number that ZooKeeper put at the end of a candidate's name; names without one come last.
    private static func place(_ name: String) -> Int { Int(name.suffix(10)) ?? .max }

    /// Whether the holder of the record still has its place in line, which is what its claim stands on.
    var leaderIsThere: Bool {
        guard let leader = self.leader, leader.holder != nil else { return false }
        return self.candidates.contains { $0.name.hasPrefix("\(leader.nonce)-") }
    }

    /// What the leader sees, or else whoever has said something last.
    var digest: Digest? {
        self.digests.first { $0.healer == self.leader?.holder?.member } ?? self.digests.max { $0.at < $1.at }
    }

    /// Where healers can be asked, the leader first.
    var addresses: [String] {
        let leader = self.leader?.holder?.address
        let others = self.candidates.map { $0.member.address }
        return
            ((self.leaderIsThere ? [leader].compactMap { $0 } : [])
            + others.filter { $0 != leader || !self.leaderIsThere })
    }
}

extension WallTime {
    /// This host's clock.
    static var now: WallTime { WallTime(Int64((Date().timeIntervalSince1970 * 1000).rounded())) }
}
