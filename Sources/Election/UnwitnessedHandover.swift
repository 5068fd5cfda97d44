public import Cluster

/// When a leader that cannot write its audit trail, and so takes no step, lets another healer lead.
///
/// Whether that one can write is not known before it leads, so each healer hands over once in a while only: where nobody
/// can, leadership must not go round and round.
public struct UnwitnessedHandover: Hashable, Sendable {
    /// A disk that is full for a moment moves nothing.
    public static let wait = Duration.seconds(3)
    /// Between two of one healer.
    public static let pause = Duration.seconds(600)

    private var unwitnessedSince: Moment?
    private var handedOverAt: Moment?

    public init() {}

    /// Whether to hand over now.
    /// - Parameters:
    ///   - isUnwitnessed: we lead, somebody else stands in line, and our audit trail cannot be written.
    public mutating func isDue(_ isUnwitnessed: Bool, at now: Moment) -> Bool {
        guard isUnwitnessed else {
            self.unwitnessedSince = nil
            return false
        }
        let since = self.unwitnessedSince ?? now
        self.unwitnessedSince = since
        guard now - since >= Self.wait, self.handedOverAt.map({ now - $0 >= Self.pause }) ?? true else { return false }
        self.unwitnessedSince = nil
        self.handedOverAt = now
        return true
    }
}
