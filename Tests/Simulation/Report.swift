public import Cluster

/// A promise that was broken, by its name in chaos/INVARIANTS.md.
public struct Violation: Hashable, Sendable, CustomStringConvertible {
    public let invariant: String
    public let what: String
    public let at: Moment
    public var description: String { "\(self.invariant) at \(self.at): \(self.what)" }
}

/// Where in a step its healer dies.
public enum StepPoint: String, Hashable, Sendable, CaseIterable {
    case afterIntent = "after-intent"
    case midStep = "mid-step"
    case beforeOutcome = "before-outcome"
}

/// What one run saw. A run in which nothing of a kind happened proves nothing about it.
public struct Tally: Hashable, Sendable {
    /// Claims that were committed.
    public var claims = 0
    /// Those that took over from somebody who had not resigned.
    public var takeovers = 0
    /// Claims on a hint that a leader is gone; all of them are false alarms here.
    public var hints = 0
    /// Claims over a silent leader.
    public var silences = 0
    /// Brokers brought back by a step of a healer.
    public var heals = 0
    /// Writes and steps that were not let through: deposed, control moved, permit too old.
    public var refusals = 0
    /// Steps that began.
    public var starts = 0

    /// Healers that were killed at a point of a step of their own.
    public var deaths: [StepPoint: Int] = [:]

    public init() {}

    public static func + (a: Self, b: Self) -> Self {
        var sum = a
        sum.claims += b.claims
        sum.takeovers += b.takeovers
        sum.hints += b.hints
        sum.silences += b.silences
        sum.heals += b.heals
        sum.refusals += b.refusals
        sum.starts += b.starts
        sum.deaths.merge(b.deaths, uniquingKeysWith: +)
        return sum
    }

    /// The kinds that did not happen.
    public var missing: [String] {
        [
            ("claims", self.claims), ("takeovers", self.takeovers), ("hints", self.hints), ("silences", self.silences),
            ("heals", self.heals),
            ("refusals", self.refusals), ("starts", self.starts),
        ].filter { $0.1 == 0 }.map(\.0) + StepPoint.allCases.filter { self.deaths[$0] == nil }.map(\.rawValue)
    }
}

extension Tally: CustomStringConvertible {
    public var description: String {
        "claims=\(self.claims) takeovers=\(self.takeovers) hints=\(self.hints) silences=\(self.silences) heals=\(self.heals) refusals=\(self.refusals) "
            + "starts=\(self.starts) killed: "
            + StepPoint.allCases.map { "\($0.rawValue)=\(self.deaths[$0] ?? 0)" }.joined(separator: " ")
    }
}

/// The outcome of one seed.
public struct RunReport: Sendable {
    public let seed: UInt64
    /// The first is the cause; the rest may follow from it.
    public let violations: [Violation]
    public let tally: Tally
    public let simulated: Duration
}
