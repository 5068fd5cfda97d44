internal import Cluster

/// Which rung comes next: by what is seen now, not by what was done before. A step whose purpose is served does not apply
/// any more, and is passed over.
enum Ladder {
    /// After so many removals that did not work, the registration's end is waited for.
    static let removalAttempts = 2
    /// How much longer than its own bound evidence is waited for.
    static let evidenceMargin = Duration.seconds(1)

    /// - Parameter registered: `nil` when not known.
    static func applies(_ step: Step, to node: Node, _ condition: Condition, registered: Bool?) -> Bool {
        switch step {
        case .deregister:
            node.brokerID != nil && registered != false && (condition.kind == .dead || condition.kind == .restarting)
        case .kill: condition.kind == .hung
        case .start: [.dead, .restarting, .stopped].contains(condition.kind)
        }
    }
}
