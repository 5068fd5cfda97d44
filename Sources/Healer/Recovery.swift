internal import Cluster

/// The one open step of a node, from the question for permission until its effect is seen. While there is one, the node
/// belongs to it.
struct Recovery: Hashable, Sendable {
    enum Stage: Hashable, Sendable {
        /// The intent is on its way to ZooKeeper.
        case asking(WriteID)
        /// The reply was lost: what stands in ZooKeeper must be read. Whatever it says, the step does not begin.
        case doubtful
        /// It began.
        case running(startBy: Moment)
        /// Left behind by an earlier leadership, which may begin it until then; `askedAt` is `nil` once it was answered.
        case probing(mayBeginUntil: Moment, askedAt: Moment?)
        /// It has ended so; that is on its way to ZooKeeper, or must be sent (again).
        case recording(StepResult, WriteID?)
        /// Put down. Its effect is looked for.
        case settling(StepResult)
    }
    var intent: Intent
    var stage: Stage
    /// When this stage began.
    var since: Moment
}
