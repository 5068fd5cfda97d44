public import Cluster

/// A question to the store that is asked, asked again when that makes sense, and answered once.
public struct Asking<Question: Hashable & Sendable>: Hashable, Sendable {
    public var question: Question
    /// `nil` while it waits to be asked, for a connection or for `notBefore`.
    public var ticket: Ticket?
    public var notBefore: Moment
}

public enum JoinQuestion: Hashable, Sendable {
    /// Does this node of the foundation stand? By its place.
    case stands(Int)
    case lay(Int)
    /// Give up the place in line of a leadership that is over.
    case leave(path: String)
    case create(guid: String)
    // The reply to a create was lost. A server that lags may not show the candidate yet, hence the sync.
    case sync(guid: String)
    case find(guid: String)
    /// Whose session made it? The rest are its namesakes still to be asked about.
    case owner(guid: String, name: String)
}

public enum LookQuestion: Hashable, Sendable {
    case line
    case record
    /// What does the record say now, after it has changed? Asked before the line: it may name us, and then no line counts.
    case news
    /// It does not, so the line counts, as it stands after that.
    case lineAfterNews
    /// Does this candidate live, and tell us when it goes.
    case ahead(path: String)
}

public enum ClaimQuestion: Hashable, Sendable {
    case claim
    /// The reply was lost: is our nonce in the record?
    case whoseRecord
    /// It is; does the claim still hold?
    case stillHeld(HeldClaim)
}

public enum ResignQuestion: Hashable, Sendable {
    /// Is the record left to nobody? It may name who is to claim next.
    case handOver(isNamed: Bool)
    /// Has somebody claimed since?
    case succession
}

/// A record as it was read.
public struct SeenRecord: Hashable, Sendable {
    public let record: LeaderRecord
    public let version: Int32
}

/// Where a follower stands in line, and what it has seen from there.
public struct Place: Hashable, Sendable {
    /// Names, first in line first.
    public var line: [String]
    /// `nil` while it was not read, or if it cannot be understood.
    public var seen: SeenRecord?
    /// `nil` once everything is known and watched.
    public var asking: Asking<LookQuestion>?
    /// Watches are not lost; should one be, this is when we notice.
    public var lookAgainAt: Moment
    /// First in line, and the last leader has named another: until when that one goes first, for which version of `leader`.
    public var standingBack: StandingBack? = nil
    /// When we claim because the leader is presumed gone, if nobody ahead in line has done so.
    public var hintDue: Moment? = nil
    /// Nobody leads, and others stand ahead of us: when we claim if none of them has, since they may be dead or frozen.
    public var vacancyDue: Moment? = nil
    public var vigil = Vigil()
}

public struct StandingBack: Hashable, Sendable {
    public let version: Int32
    public let until: Moment
}

/// A follower's account of the leader's pulse.
///
/// It counts only between committed writes of our own: reads alone succeed from a server that is cut off from its peers,
/// and would show a pulse that stands still. Whatever breaks the chain of writes starts the count again.
public struct Vigil: Hashable, Sendable {
    public enum Question: Hashable, Sendable {
        /// Does the ensemble accept a write of ours?
        case write
        /// It does; a read that follows on the same session is no older than that.
        case pulse
    }
    public var question = Question.write
    public var ticket: Ticket?
    public var nextAt = Moment.zero
    /// The pulse as last read, by its version; `nil` before the first read.
    public var beat: Int32?
    /// When that version was read first.
    public var since = Moment.zero
    /// When it was read last.
    public var seenAt = Moment.zero
}

/// By what a leadership moved.
public enum Takeover: String, Hashable, Sendable, CaseIterable {
    /// Nobody held the record: the last leader resigned, or there was none.
    case vacancy
    /// The leader's connection broke, and its address refused, or another incarnation answered there.
    case crash
    /// Its pulse stood still.
    case silence
    /// Its candidate vanished, with its session or by somebody's hand.
    case expiry
}

public struct Claim: Hashable, Sendable {
    public let epoch: Epoch
    /// The data version of `leader` that it replaces.
    public let replacing: Int32
    /// The candidate of the leader presumed gone; it leaves the line together with the claim.
    public var corpse: String?
    /// The pulse that must not have moved.
    public let beat: Int32?
    /// `nil` for a claim of an unknown answer that was found in the record later.
    public let takeover: Takeover?
}

/// The leader's renewals.
public struct Pulse: Hashable, Sendable {
    /// When the last renewal that was answered had been *sent*.
    public var lastGood: Moment
    public var nextBeat: Moment
    public var beat: Ticket?
    /// A look at the record that is under way.
    public var reading: Ticket?
}

public enum ElectionPhase: Hashable, Sendable {
    case idle
    /// No session. `nil` once one was asked for.
    case opening(at: Moment?)
    case joining(Asking<JoinQuestion>)
    case following(Candidate, Place)
    /// First in line, which is only a belief; the claim is on its way to the ensemble.
    case claiming(Candidate, Claim, Asking<ClaimQuestion>)
    /// The claim is committed. Every act is checked against it.
    case leading(HeldClaim, Pulse)
    /// Leads as far as it knows; not connected, or without an answer for longer than the limit.
    case suspended(HeldClaim, Pulse)
    /// Leads no more; the record is being handed over.
    case resigning(ResignQuestion, Ticket, until: Moment)
    case stopped
}
