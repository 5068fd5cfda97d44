public import Cluster

/// Names one call, so that an answer finds its question, and a late one finds none.
public struct Ticket: Hashable, Sendable {
    /// Which of our sessions, counted from 1.
    public let session: Int
    public let number: Int
    public init(session: Int, number: Int) {
        self.session = session
        self.number = number
    }
}

/// A call that the machine asks its shell to make.
public enum StoreCall: Hashable, Sendable {
    case get(_ path: String, watch: Bool)
    case exists(_ path: String, watch: Bool)
    case children(_ path: String)
    case create(_ path: String, data: [UInt8], kind: NodeKind)
    case multi([StoreOperation])
    case sync(_ path: String)
}

public enum StoreAnswer: Hashable, Sendable {
    case node(StoreNode)
    case stat(StoreStat?)
    case children([String])
    case created(path: String)
    case results([StoreResult])
    case synced
}

/// What happened, as it enters the ``ElectionMachine``.
public enum ElectionEvent: Hashable, Sendable {
    case started
    /// News of the session with this number.
    case session(Int, SessionState)
    /// - Parameter sentAt: taken before the call was sent.
    case answered(Ticket, sentAt: Moment, Result<StoreAnswer, StoreError>)
    /// The watch that was set by this call fired, or was lost.
    case watchFired(Ticket)
    /// A guarded write under this claim was told that the leadership has gone.
    case deposed(HeldClaim)
    /// A hint that this incarnation, which leads, is gone. Speed only: if it is false, the epoch makes it a harmless
    /// handover.
    case leaderPresumedGone(Incarnation)
    case resignAsked(Successor)
    /// Some time has passed. Comes several times per beat.
    case ticked
}

/// Whom a leader that resigns hands over to.
public enum Successor: Hashable, Sendable {
    case firstInLine
    /// The candidate of this name; the first in line if it does not claim.
    case candidate(String)
}

/// What the ``ElectionMachine`` asks its shell to do.
public enum ElectionEffect: Hashable, Sendable {
    /// Open a session and report its states under this number.
    case open(session: Int)
    case close(session: Int)
    case call(Ticket, StoreCall)
    case announce(Announcement)
    case alert(ElectionAlert)
    /// Nothing more will come.
    case stop
}

/// A ``LeadershipUpdate`` without the session itself, which a machine does not hold.
public enum Announcement: Hashable, Sendable {
    case following(leader: LeaderRecord?)
    case leading(Epoch)
    case suspended(Epoch)
    case resumed(Epoch)
    case lost(Epoch, LossReason)
    case sessionUsable
    case disconnected
}

/// What a person should look at.
public enum ElectionAlert: Hashable, Sendable {
    /// The tree vanished or was created anew under a leader.
    case treeGone(Epoch)
    /// The record holds a lower epoch than one seen before: the ensemble was rebuilt, or somebody wrote it.
    case epochWentBack(from: Epoch, to: Epoch)
    case recordRefused(LeaderRecord.Problem)
    case notAuthorized(path: String)
    case authenticationFailed
    /// Not connected for so long that a new session is tried: an ensemble that was rebuilt refuses the old one for ever.
    case sessionGivenUp
}
