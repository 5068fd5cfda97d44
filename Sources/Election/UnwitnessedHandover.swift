public import Cluster

/// When a leader that cannot write its audit trail, and so takes no step, lets another healer lead.
///
/// Whether that one can write is not known before it leads, so each healer hands over once in a while only: where nobody
/// can, leadership must not go round and round.
public struct UnwitnessedHandover: Hashable, Sendable {
    /// From the first failure to the last: a disk that is full for a moment moves nothing.
    public static let span = Duration.seconds(3)
    /// After the last failure. On a disk that is almost full short entries are taken and long ones are not, so an entry that
    /// was taken says little.
    public static let memory = Duration.seconds(5)
    /// Between two handovers of one healer.
    public static let pause = Duration.seconds(600)

    private var firstFailure: Moment?
    private var handedOverAt: Moment?

    public init() {}

    /// Whether to hand over now.
    /// - Parameters:
    ///   - failedAt: when an entry was refused last, if we lead and somebody else stands in line.
    public mutating func isDue(_ failedAt: Moment?, at now: Moment) -> Bool {
        guard let failedAt, now - failedAt < Self.memory else {
            self.firstFailure = nil
            return false
        }
        let first = self.firstFailure ?? failedAt
        self.firstFailure = first
        guard failedAt - first >= Self.span, self.handedOverAt.map({ now - $0 >= Self.pause }) ?? true else {
            return false
        }
        self.firstFailure = nil
        self.handedOverAt = now
        return true
    }
}
