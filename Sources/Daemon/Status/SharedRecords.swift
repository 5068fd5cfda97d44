import Cluster

/// What stands in ZooKeeper for every healer to tell: who stands in line, and what the leader has put down of its
/// incidents and steps.
struct SharedRecords: Hashable, Sendable {
    /// The first in line first.
    var members: [Member] = []
    /// When each last published what it sees, by its own clock.
    var observedAt: [HealerID: WallTime] = [:]
    /// The leader's, open and closed, in no order. Empty at the leader, whose own view has them.
    var incidents: [IncidentRecord] = []
    /// The last step for each node, in no order. Empty at the leader.
    var recoveries: [RecoveryRecord] = []
}

extension SharedRecords {
    /// What a follower tells of incidents: the leader's word where there is one, and its own view of what the leader has
    /// not put down.
    ///
    /// What is open by its own view is only left out for what is open by the leader's: two clocks differ, and a new
    /// failure must not hide behind the end of the last one.
    /// - Returns: those that are closed in order of their end, then the open ones in order of their beginning.
    func incidents(beside own: [IncidentRecord]) -> [IncidentRecord] {
        let rest = own.filter { mine in !self.incidents.contains { $0.tells(mine) } }
        let all = self.incidents + rest
        let closed = all.filter { $0.phase == .closed }.sorted { ($0.closedAt ?? $0.since) < ($1.closedAt ?? $1.since) }
        return closed + all.filter { $0.phase != .closed }.sorted { $0.since < $1.since }
    }
}

extension IncidentRecord {
    /// Whether this record of the leader is about what the other one is about.
    fileprivate func tells(_ own: IncidentRecord) -> Bool {
        if let id = own.id, id == self.id { return true }
        guard own.subject == self.subject else { return false }
        guard own.phase == .closed else { return self.phase != .closed }
        guard own.id == nil else { return false }
        let (end, ownEnd) = (self.closedAt ?? .distantFuture, own.closedAt ?? .distantFuture)
        return self.since <= ownEnd && own.since <= end
    }
}

extension WallTime {
    fileprivate static let distantFuture = WallTime(.max)
}
