internal import Cluster

/// Which rung comes next: by what is seen now, not by what was done before. A step whose purpose is served does not apply
/// any more, and is passed over.
enum Ladder {
    /// After so many removals that did not work, the registration's end is waited for.
    static let removalAttempts = 2
    /// How much longer than its own bound evidence is waited for.
    static let evidenceMargin = Duration.seconds(1)

    /// - Parameters:
    ///   - registered: `nil` when not known.
    ///   - leftBehind: whether the registration is known to be of a life that has ended.
    static func applies(
        _ step: Step, to node: Node, _ condition: Condition, registered: Bool?, leftBehind: Bool
    ) -> Bool {
        switch step {
        case .deregister:
            switch condition.kind {
            case .dead, .restarting: node.brokerID != nil && registered != false
            // Its supervisor starts it by itself; on what an earlier life left it would die.
            case .starting: leftBehind
            default: false
            }
        case .kill: condition.kind == .hung
        case .start: [.dead, .restarting, .stopped].contains(condition.kind)
        }
    }
}
