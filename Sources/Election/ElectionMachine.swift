public import Cluster

/// Who leads, as one healer sees it: a pure machine (DESIGN section 5).
///
/// Being first in line is a belief, and so is every read. Leadership is a claim that was committed, and each act is a
/// write that the ensemble refuses once another claim is in the record.
public struct ElectionMachine: Hashable, Sendable {
    public let member: Member
    public let layout: Layout
    public let timing: Timing

    public internal(set) var phase: ElectionPhase = .idle
    /// The highest epoch seen. A claim goes above it even if the record has fallen back.
    public internal(set) var highestEpoch = Epoch.none
    /// The epoch that the record fell back to and that somebody was told of.
    var wentBackTo: Epoch?
    /// The record as last read; `nil` if it cannot be understood.
    public internal(set) var record: LeaderRecord?
    /// Claims that were committed.
    public internal(set) var claims = 0
    /// How often the limit passed without an answered renewal.
    public internal(set) var lateRenewals = 0

    /// Of these, by what each was possible.
    public internal(set) var takeovers: [Takeover: Int] = [:]
    /// The last of them.
    public internal(set) var lastTakeover: Takeover?
    /// Leaderships that ended, by the reason.
    public internal(set) var losses: [LossReason: Int] = [:]
    /// How often somebody claimed over our head while we led in good order.
    public internal(set) var needlessHandovers = 0
    /// When we last led by a hint. A claim that somebody else forestalled was over nobody's head, and costs nothing.
    var hintedAt: Moment?

    var session = Session()
    var tokens: TokenSource

    /// Our side of the present session.
    struct Session: Hashable, Sendable {
        var number = 0
        /// `nil` while not connected.
        var id: Int64?
        var disconnectedSince = Moment.zero
        /// The tree stands, so others may use the session.
        var isUsable = false
        var lastTicket = 0
        /// The watch on the record that has not fired yet.
        var recordWatch: Ticket?
        /// The watch on whoever we wait for.
        var aheadWatch: Armed?
        /// Watches that fired before the answer of their call was handed in; the latest few.
        private var early: [Ticket] = []

        init(number: Int = 0, disconnectedSince: Moment = .zero) {
            self.number = number
            self.disconnectedSince = disconnectedSince
        }

        struct Armed: Hashable, Sendable {
            let ticket: Ticket
            let path: String
        }

        /// Whether the watch that this call has set is still there.
        func mayRest(on ticket: Ticket) -> Bool { !self.early.contains(ticket) }

        /// Whether a watch fired that somebody relies on.
        mutating func fired(_ ticket: Ticket) -> Bool {
            switch ticket {
            case self.recordWatch: self.recordWatch = nil
            case self.aheadWatch?.ticket: self.aheadWatch = nil
            default:
                self.early = self.early.suffix(7) + [ticket]
                return false
            }
            return true
        }
    }

    /// Between a failed call and the next try.
    static let retryPause = Duration.milliseconds(250)
    /// Where only a person can help: a refused password, a missing right.
    static let refusedPause = Duration.seconds(5)
    /// How long a resignation may take before the session is closed without it.
    static let resignLimit = Duration.milliseconds(500)
    /// How long the first in line lets whoever the last leader has named go first.
    static let standBackLimit = Duration.seconds(1)
    /// Each place in line waits longer by this part of the silence limit, so that one claims at a time.
    static let percentPerPlace = 15
    /// The budget for false alarms: between a leadership of ours by a hint and the next claim on one; else silence decides.
    static let hintPause = Duration.seconds(30)
    /// After how many beats between two answers of the vigil its count starts again.
    static let vigilGap = 3
    /// After how many session timeouts without a connection a new session is tried.
    static let givingUpAfterSessions = 5

    /// - Parameter seed: from which its identifiers are made; must differ between any two lives of any healers.
    public init(member: Member, layout: Layout, timing: Timing, seed: (UInt64, UInt64)) {
        self.member = member
        self.layout = layout
        self.timing = timing
        self.tokens = TokenSource(seed: seed)
    }

    /// The claim under which a write of this kind may be sent now; `nil` if it may not.
    public func permits(_ kind: GuardedRequest.Kind, at now: Moment) -> HeldClaim? {
        switch (self.phase, kind) {
        case (.leading(let claim, let pulse), .step): now - pulse.lastGood < self.timing.limit ? claim : nil
        case (.leading(let claim, _), .record), (.suspended(let claim, _), .record): claim
        default: nil
        }
    }

    /// Whether a step that was permitted under this epoch may still begin.
    public func mayBegin(under epoch: Epoch, at now: Moment) -> Bool {
        self.permits(.step(control: 0, globalControl: 0), at: now)?.epoch == epoch
    }

    /// The epoch under which steps may begin, and until when, if no further renewal is answered.
    var permitted: (epoch: Epoch, until: Moment)? {
        guard case .leading(let claim, let pulse) = self.phase else { return nil }
        return (claim.epoch, pulse.lastGood + self.timing.limit)
    }

    public var role: LeadershipStatus.Role {
        switch self.phase {
        case .idle, .opening, .joining: .joining
        case .following: .following
        case .claiming: .claiming
        case .leading: .leading
        case .suspended: .suspended
        case .resigning, .stopped: .stopped
        }
    }

    /// The number of the present session, counted from 1.
    public var sessionNumber: Int { self.session.number }
    public var isConnected: Bool { self.session.id != nil }

    public mutating func handle(_ event: ElectionEvent, at now: Moment) -> [ElectionEffect] {
        switch event {
        case .started:
            guard case .idle = self.phase else { return [] }
            return self.openSession(at: now)
        case .session(let number, let state):
            return number == self.session.number ? self.sessionIs(state, at: now) : []
        case .answered(let ticket, let sentAt, let answer):
            return self.answered(ticket, sentAt: sentAt, answer, at: now)
        case .watchFired(let ticket):
            return self.watchFired(ticket, at: now)
        case .deposed(let claim):
            guard claim == self.heldClaim else { return [] }
            return self.lose(.deposed, at: now)
        case .leaderPresumedGone(let incarnation):
            return self.hinted(incarnation, at: now)
        case .resignAsked(let successor):
            return self.resign(to: successor, at: now)
        case .ticked:
            return self.ticked(at: now)
        }
    }

    private mutating func answered(
        _ ticket: Ticket, sentAt: Moment, _ answer: Result<StoreAnswer, StoreError>, at now: Moment
    ) -> [ElectionEffect] {
        switch self.phase {
        case .joining(let asking) where asking.ticket == ticket:
            self.joinAnswered(asking.question, answer, at: now)
        case .following(let candidate, let place) where place.asking?.ticket == ticket:
            self.lookAnswered(candidate, place, ticket, answer, at: now)
        case .following(let candidate, let place) where place.vigil.ticket == ticket:
            self.vigilAnswered(candidate, place, answer, at: now)
        case .claiming(let candidate, let claim, let asking) where asking.ticket == ticket:
            self.claimAnswered(candidate, claim, asking.question, ticket, sentAt: sentAt, answer, at: now)
        case .leading(let claim, let pulse), .suspended(let claim, let pulse):
            self.leaderAnswered(claim, pulse, ticket, sentAt: sentAt, answer, at: now)
        case .resigning(let question, ticket, let until):
            self.resignationAnswered(question, ticket, until: until, answer)
        case .idle, .opening, .joining, .following, .claiming, .resigning, .stopped:
            []  // A late answer to a question of another time.
        }
    }

    private mutating func watchFired(_ ticket: Ticket, at now: Moment) -> [ElectionEffect] {
        let isRecord = ticket == self.session.recordWatch
        guard ticket.session == self.session.number, self.session.fired(ticket) else { return [] }
        switch self.phase {
        case .following(let candidate, let place) where isRecord: return self.ask(.news, candidate, place, at: now)
        case .following(let candidate, _): return self.look(candidate, at: now)
        case .leading, .suspended: return self.readRecord()
        case .resigning(.succession, ticket, let until): return self.awaitSuccessor(until: until)
        case .idle, .opening, .joining, .claiming, .resigning, .stopped: return []  // Each reads for itself.
        }
    }

    private mutating func ticked(at now: Moment) -> [ElectionEffect] {
        if self.isTimeToGiveUp(at: now) { return self.giveUpSession(at: now) }
        switch self.phase {
        case .opening(.some(let due)) where now >= due:
            return self.openSession(at: now)
        case .resigning(_, _, let until) where now >= until:
            return self.finish()
        case .leading(let claim, let pulse), .suspended(let claim, let pulse):
            return self.leaderTicked(claim, pulse, at: now)
        case .following(let candidate, let place):
            return self.followerTicked(candidate, place, at: now)
        case .joining, .claiming:
            return self.askWhatWaits(at: now)
        case .idle, .opening, .resigning, .stopped:
            return []
        }
    }

    /// Asks the question of this phase that waits for its time or for a connection.
    mutating func askWhatWaits(at now: Moment) -> [ElectionEffect] {
        guard self.isConnected else { return [] }
        switch self.phase {
        case .joining(let asking) where asking.ticket == nil && now >= asking.notBefore:
            return self.ask(asking.question, at: now)
        case .following(let candidate, let place):
            guard let asking = place.asking, asking.ticket == nil, now >= asking.notBefore else { return [] }
            return self.ask(asking.question, candidate, place, at: now)
        case .claiming(let candidate, let claim, let asking) where asking.ticket == nil && now >= asking.notBefore:
            return self.ask(asking.question, candidate, claim, at: now)
        default:
            return []
        }
    }

    mutating func nextTicket() -> Ticket {
        self.session.lastTicket += 1
        return Ticket(session: self.session.number, number: self.session.lastTicket)
    }

    public var heldClaim: HeldClaim? {
        switch self.phase {
        case .leading(let claim, _), .suspended(let claim, _): claim
        default: nil
        }
    }
}
