import Cluster

/// How far a start had come, by ZooKeeper's transaction logs and the supervisor's, when the healer that had it done was
/// killed.
enum KillMoment: String, Hashable, Sendable, Codable, CaseIterable {
    /// Its intent stood in ZooKeeper, and nobody had been asked for it.
    case afterIntent = "after-intent"
    /// The supervisor had been asked, and had not done it yet.
    case midStep = "mid-step"
    /// The supervisor had done it, and no outcome stood in ZooKeeper.
    case beforeOutcome = "before-outcome"

    /// Of the last leader that was killed. A kill takes a moment, and it counts only if the start stood still meanwhile.
    /// - Returns: `nil` and why, where no such moment was hit.
    static func hit(in record: RunRecord) -> (moment: KillMoment?, why: String) {
        let kills = record.faults.filter { $0.word == "kill" }
        guard
            let (kill, epoch) = kills.lazy.reversed().compactMap({ fault in
                self.leader(fault, record).map { (fault, $0) }
            })
            .first
        else { return (nil, "no leader was killed") }
        let done = kill.done ?? kill.from
        let permission = record.history.permissions.last {
            $0.intent.step == .start && $0.intent.id.epoch == epoch && $0.at <= kill.from
        }
        guard let permission else { return (nil, "no intent of its own to start anything stood in ZooKeeper") }
        let id = permission.intent.id.description
        if let closed = permission.closed, closed <= done { return (nil, "the outcome of intent \(id) was recorded") }
        guard let asked = record.requests.first(where: { $0.intent == id && $0.isDone })?.at, asked <= done else {
            return (.afterIntent, "intent \(id) had not been begun")
        }
        guard asked <= kill.from else { return (nil, "intent \(id) was begun in that moment") }
        guard let ended = record.ends.first(where: { $0.intent == id })?.at, ended <= done else {
            return (.midStep, "the start of intent \(id) was under way")
        }
        guard ended <= kill.from else { return (nil, "intent \(id) was carried out in that moment") }
        return (.beforeOutcome, "intent \(id) had been carried out")
    }

    /// The epoch that whoever was killed led under then.
    private static func leader(_ fault: FaultRecord, _ record: RunRecord) -> Epoch? {
        guard let claim = record.history.claim(at: fault.from), let holder = claim.record.holder,
            fault.members.contains(holder.member.rawValue)
        else { return nil }
        return claim.record.epoch
    }
}
