public import Cluster

/// What the elector tells everybody else, in the order in which it happened.
public enum LeadershipUpdate: Sendable {
    /// Somebody else leads, or nobody does (`nil`).
    case following(leader: LeaderRecord?)
    /// Our claim is committed: read the open intents, then act.
    case leading(Epoch)
    /// We may lead no more, without knowing: start nothing new. What runs may run on.
    case suspended(Epoch)
    /// We still lead: a renewal was answered again.
    case resumed(Epoch)
    /// We lead no more. What runs is the next leader's to adopt.
    case lost(Epoch, LossReason)
    /// This session is connected and the tree stands. Comes again after each reconnection: read everything again.
    case session(any StoreSession)
    /// No connection: nothing is known, no call will be answered.
    case disconnected
}

public enum LossReason: Hashable, Sendable, CaseIterable, CustomStringConvertible {
    /// Another claim is in the record.
    case deposed
    /// Somebody removed our candidate.
    case candidateGone
    case sessionExpired
    /// Not connected for so long that we gave the session up ourselves.
    case sessionGivenUp
    /// The record vanished, or was created anew: the ensemble was rebuilt, or somebody deleted the tree.
    case treeGone
    case authenticationFailed
    case resigned

    public var description: String {
        switch self {
        case .deposed: "deposed"
        case .candidateGone: "candidate gone"
        case .sessionExpired: "session expired"
        case .sessionGivenUp: "session given up"
        case .treeGone: "tree gone"
        case .authenticationFailed: "authentication failed"
        case .resigned: "resigned"
        }
    }
}

/// Where a healer stands, for status pages and metrics.
public struct LeadershipStatus: Hashable, Sendable {
    public enum Role: String, Hashable, Sendable, Codable {
        /// No session, or not in line yet.
        case joining
        case following
        /// First in line; its claim is not confirmed.
        case claiming
        case leading
        /// Leads as far as it knows, and starts nothing new.
        case suspended
        case stopped
    }
    public var role: Role
    /// Since when it has this role.
    public var since: Moment
    /// The highest epoch seen.
    public var epoch: Epoch
    /// The record as last read; `nil` if it was not read or cannot be understood.
    public var leader: LeaderRecord?
    public var connected: Bool
    /// Claims that were committed.
    public var claims: Int
    /// How often the limit passed without an answered renewal.
    public var lateRenewals: Int
    /// Of the claims, by what each was possible.
    public var takeovers: [Takeover: Int]
    /// Leaderships that ended, by the reason.
    public var losses: [LossReason: Int]
    /// How often somebody claimed over our head while we led in good order.
    public var needlessHandovers: Int
    /// From sending a guarded write, a renewal or a write of the vigil to its answer, or to when none was waited for any
    /// more; of the last five to ten minutes.
    public var guardLatency: LatencyHistogram

    /// Adds what an earlier candidacy of the same healer has counted.
    public mutating func add(countsOf earlier: Self) {
        self.claims += earlier.claims
        self.lateRenewals += earlier.lateRenewals
        self.takeovers.merge(earlier.takeovers, uniquingKeysWith: +)
        self.losses.merge(earlier.losses, uniquingKeysWith: +)
        self.needlessHandovers += earlier.needlessHandovers
    }
}
