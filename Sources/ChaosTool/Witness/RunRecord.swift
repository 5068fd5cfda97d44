import Cluster
import Foundation

/// Everything that was seen of one run: what judging and reporting are made from, by witnesses that are no healer.
struct RunRecord: Sendable {
    let scenario: Scenario
    let seed: UInt64
    let cast: [CastMember]
    /// When the first step began, and when the last one ended.
    var began: WallTime
    var stepsEnded: WallTime
    /// When all was well, or nobody waited for it any longer.
    var settled: WallTime
    var ended: WallTime
    /// What is older is none of this run's: a cluster that was there before has a past.
    var since = WallTime(0)
    /// In order of their beginning.
    var faults: [FaultRecord] = []
    var history: TreeHistory
    var requests: [NodeRequest] = []
    /// What supervisors have carried out, in order of its end.
    var ends: [NodeEnd] = []
    /// In order.
    var looks: [ClusterLook] = []
    /// What whoever led told a dashboard, in order.
    var metrics: [MetricsSample] = []
    /// `nil` for a scenario without load.
    var load: LoadOutcome?
    var end = EndState()
    /// By healer.
    var auditTrails: [String: String] = [:]
    /// Where the secret was found.
    var leaks: [String] = []
    /// What people were told, by every healer.
    var pages: [HeardPage] = []
    /// What was seen to be wrong while it went on.
    var sightings: [LiveJudge.Sighting] = []
    /// What a step waited for in vain, and what could not be done.
    var problems: [String] = []
}

/// One thing that chaos's hand did.
struct FaultRecord: Hashable, Sendable, Codable {
    /// The word of the scenario file.
    let word: String
    /// As a report says it.
    let text: String
    let members: [String]
    let from: WallTime
    /// When it was undone; `nil`: never.
    var until: WallTime?
    /// When a kill had surely been one: whoever was killed was gone.
    var done: WallTime?
}

/// What the brokers said at one moment.
struct ClusterLook: Hashable, Sendable, Codable {
    let at: WallTime
    let brokers: [Int32]
    let controller: Int32?
    let offline: Int
    let underReplicated: Int
}

/// What became of the messages.
struct LoadOutcome: Hashable, Sendable, Codable {
    var rate = 0
    var acked = 0
    /// From the first step to the end.
    var ackedMeanwhile = 0
    var failed = 0
    var firstFailure: String?
    var check: LoadCheck?
    var before: LoadLatency?
    var during: LoadLatency?
    var after: LoadLatency?
    /// Acknowledged in each second since the load began; and when that was.
    var perSecond: [Int] = []
    var began = WallTime(0)
}

/// How it stood at the end, after everything was mended.
struct EndState: Hashable, Sendable {
    /// `nil` if it could not be read.
    var leader: LeaderRecord?
    var living: [String] = []
    /// In line for the leadership.
    var members: [String] = []
    var openRecoveries: [IntentID] = []
    /// Not closed; partitions' own ones included.
    var openIncidents: [IncidentRecord] = []
    /// By healer.
    var verdicts: [String: [String]] = [:]
    /// Nodes that do not serve, or are not registered.
    var away: [String] = []
    var isInSync = false

    var isWell: Bool {
        self.away.isEmpty && self.isInSync && self.openRecoveries.isEmpty && self.openIncidents.isEmpty
            && self.leadership == nil
    }

    /// What is wrong with the leadership; `nil`: nothing.
    var leadership: String? {
        guard let holder = self.leader?.holder else { return "nobody leads" }
        guard self.living.contains(holder.member.rawValue) else {
            return "the record names \(holder.member), which is dead"
        }
        guard self.members.sorted() == self.living.sorted() else {
            return "in line: \(self.members.sorted().joined(separator: ", ")); alive: "
                + self.living.sorted().joined(separator: ", ")
        }
        return nil
    }
}

extension NodeRequest {
    /// By the wall clock of the host it was decided on.
    var at: WallTime { WallTime(iso8601: self.time) ?? WallTime(0) }
    /// A healer's, for a step.
    var isStep: Bool { self.epoch != nil && self.verb.isFenced }
    /// Something was done.
    var isDone: Bool { self.isCarriedOut || self.result == .launchFailed }
    /// Something was done, and not in vain.
    var isCarriedOut: Bool { [.started, .stopped, .killed, .restarted].contains(self.result) }
}

extension NodeEnd {
    /// As ``NodeRequest/at``.
    var at: WallTime { WallTime(iso8601: self.time) ?? WallTime(0) }
}

extension WallTime {
    /// `2026-11-21T15:04:05.678Z`, as ``HostClock/iso8601`` writes it.
    init?(iso8601 text: String) {
        let numbers = text.split { !$0.isNumber }.compactMap { Int($0) }
        guard numbers.count == 7 else { return nil }
        var parts = tm()
        parts.tm_year = Int32(numbers[0] - 1900)
        parts.tm_mon = Int32(numbers[1] - 1)
        parts.tm_mday = Int32(numbers[2])
        parts.tm_hour = Int32(numbers[3])
        parts.tm_min = Int32(numbers[4])
        parts.tm_sec = Int32(numbers[5])
        self.init(Int64(timegm(&parts)) * 1000 + Int64(numbers[6]))
    }

    func seconds(since other: WallTime) -> Double { Double(self.rawValue - other.rawValue) / 1000 }
}
