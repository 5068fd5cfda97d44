public import Cluster

/// Which healer should lead which of several clusters, so that one healer does not do all the work while others wait.
///
/// Rendezvous hashing with bounded loads: each cluster ranks the healers in an order of its own, and takes the first that
/// does not have its share yet. So every healer comes to the same answer from the same names, whatever their order; none
/// has more than `clusters / healers`, rounded up; and few clusters move when a healer comes or goes.
public enum LeadershipSpread {
    /// - Parameter clusters: all that these healers look after.
    public static func preferences(
        of clusters: some Sequence<ClusterName>, among healers: some Sequence<HealerID>
    ) -> [ClusterName: HealerID] {
        let clusters = Set(clusters).sorted { $0.rawValue < $1.rawValue }
        let healers = Set(healers)
        guard !healers.isEmpty else { return [:] }
        let share = (clusters.count + healers.count - 1) / healers.count
        var loads: [HealerID: Int] = [:]
        var preferences: [ClusterName: HealerID] = [:]
        for cluster in clusters {
            let first = healers.filter { loads[$0, default: 0] < share }
                .max { (Self.weight(cluster, $0), $0.rawValue) < (Self.weight(cluster, $1), $1.rawValue) }
            guard let first else { continue }
            loads[first, default: 0] += 1
            preferences[cluster] = first
        }
        return preferences
    }

    /// Who in line should lead this cluster instead of us; `nil` if nobody should.
    /// - Parameters:
    ///   - line: first in line first. A healer that stands there twice has died and come back: its later place counts. One
    ///     that could not write its audit trail is passed over.
    ///   - configuration: our own; only healers with the same come to the same answer.
    public static func heir(
        of cluster: ClusterName, among clusters: [ClusterName], line: [(candidate: String, member: Member)],
        own: HealerID, configuration: String
    ) -> (candidate: String, member: Member)? {
        let able = line.filter { $0.member.configuration == configuration && $0.member.isUnwitnessed != true }
        let healers = able.map(\.member.id)
        guard healers.contains(own), let first = self.preferences(of: clusters, among: healers)[cluster], first != own
        else { return nil }
        return able.last { $0.member.id == first }
    }

    /// FNV-1a over both names, with a byte between them that no name has, and mixed at the end so that names which differ
    /// in their last letter alone lie far apart.
    private static func weight(_ cluster: ClusterName, _ healer: HealerID) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in Array(cluster.rawValue.utf8) + [0] + Array(healer.rawValue.utf8) {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        hash = (hash ^ (hash >> 33)) &* 0xff51_afd7_ed55_8ccd
        return hash ^ (hash >> 33)
    }
}

/// When a leader hands its cluster to the healer that should lead it: after that one has stood in line, and nothing has
/// been wrong, for a while without a break.
public struct LeadershipReturn: Hashable, Sendable {
    private let wait: Duration
    private var waiting: Waiting?

    private struct Waiting: Hashable {
        let heir: Incarnation
        let since: Moment
    }

    public init(after wait: Duration) { self.wait = wait }

    /// Whether to hand over now; true once.
    /// - Parameters:
    ///   - preferred: the life of who should lead; `nil` if nobody else should.
    ///   - isQuiet: no incident is open, and no step in flight.
    public mutating func isDue(_ preferred: Incarnation?, isQuiet: Bool, at now: Moment) -> Bool {
        guard let preferred, isQuiet else {
            self.waiting = nil
            return false
        }
        guard let waiting = self.waiting, waiting.heir == preferred else {
            self.waiting = Waiting(heir: preferred, since: now)
            return false
        }
        guard now - waiting.since >= self.wait else { return false }
        self.waiting = nil
        return true
    }
}
