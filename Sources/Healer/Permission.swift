internal import Cluster

/// The one place that lets a step begin.
///
/// A step begins only after its intent is known to be committed, only while we lead under the very epoch that the intent
/// carries, and only until `startBy`, which is counted from when the intent was *sent*: whoever takes over waits for just
/// that long. Every other answer means: never.
enum Permission: Hashable, Sendable {
    case begin(Order)
    case withhold(Withheld)

    static func of(
        _ intent: Intent, answer: GuardedResult, leadership: Leadership, at now: Moment
    ) -> Permission {
        switch answer {
        case .committed(let sentAt, _):
            guard leadership == .leading(intent.id.epoch) else { return .withhold(.notLeading) }
            let startBy = sentAt + intent.freshness
            guard now <= startBy else { return .withhold(.late) }
            return .begin(Order(intent: intent, startBy: startBy))
        case .controlMoved: return .withhold(.controlMoved)
        case .deposed: return .withhold(.deposed)
        case .notLeading: return .withhold(.notLeading)
        case .refused(_, let error): return .withhold(error.isAboutAccess ? .notAuthorized : .refused)
        case .unknown: return .withhold(.unknown)
        }
    }
}
