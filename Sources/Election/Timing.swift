/// How fast leadership moves. Wrong timing costs a needless handover, never safety: the epoch carries safety.
public struct Timing: Hashable, Sendable {
    /// Between two renewals of the leader.
    public var beat: Duration
    /// How long after *sending* the last good renewal a leader may still start something.
    public var limit: Duration
    /// How long the pulse may stand still before others presume the leader gone.
    public var silence: Duration
    /// The ZooKeeper session that is asked for.
    public var session: Duration
    /// How long after *sending* the write that permits a step the step may start: its `startBy`.
    public var freshness: Duration

    public init(beat: Duration, limit: Duration, silence: Duration, session: Duration, freshness: Duration) {
        self.beat = beat
        self.limit = limit
        self.silence = silence
        self.session = session
        self.freshness = freshness
    }

    public static let steady = Timing(
        beat: .milliseconds(500), limit: .seconds(2), silence: .seconds(3), session: .seconds(12),
        freshness: .seconds(1))
    /// For ensembles whose writes are quick.
    public static let fast = Timing(
        beat: .milliseconds(200), limit: .milliseconds(600), silence: .seconds(1), session: .seconds(6),
        freshness: .milliseconds(200))

    /// A rule that a timing must keep.
    public enum Rule: String, Error, Hashable, Sendable, CaseIterable, CustomStringConvertible {
        case beatIsPositive = "beat is at least 10 ms"
        /// One lost renewal must not stop the leader.
        case limitAllowsALostBeat = "limit is at least 2 × beat"
        /// The two are measured on two hosts, whose clocks may differ in rate, not more than this in all.
        case silenceExceedsLimit = "silence is at least 1.2 × limit"
        /// Expiry only sweeps up what silence has found.
        case sessionExceedsSilence = "session is at least 2 × silence"
        case freshnessIsPositive = "freshness is at least 10 ms"
        case freshnessWithinLimit = "freshness is at most limit"
        public var description: String { self.rawValue }
    }

    /// The rules that this timing breaks; empty if it may be used.
    public var brokenRules: [Rule] {
        Rule.allCases.filter { rule in
            switch rule {
            case .beatIsPositive: self.beat < .milliseconds(10)
            case .limitAllowsALostBeat: self.limit < self.beat * 2
            case .silenceExceedsLimit: self.silence * 5 < self.limit * 6
            case .sessionExceedsSilence: self.session < self.silence * 2
            case .freshnessIsPositive: self.freshness < .milliseconds(10)
            case .freshnessWithinLimit: self.freshness > self.limit
            }
        }
    }
}
