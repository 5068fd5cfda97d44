public import Cluster

/// A write that is to be committed only while our leadership stands.
public struct GuardedRequest: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        /// Opens a step. The versions are those of `control` and of the global control that the decision was made with,
        /// so that no pause slips in between.
        case step(control: Int32, globalControl: Int32)
        /// Puts down what happened: needs the leadership only, and is allowed while it is suspended.
        case record
    }
    public let kind: Kind
    public let operations: [StoreOperation]
    public init(_ kind: Kind, _ operations: [StoreOperation]) {
        self.kind = kind
        self.operations = operations
    }
}

/// A claim that was committed: what every guard checks.
public struct HeldClaim: Hashable, Sendable {
    public let epoch: Epoch
    public let nonce: String
    /// The data version of `leader` since our claim.
    public let version: Int32
    /// The path of our own candidate.
    public let candidate: String
    public init(epoch: Epoch, nonce: String, version: Int32, candidate: String) {
        self.epoch = epoch
        self.nonce = nonce
        self.version = version
        self.candidate = candidate
    }
}

extension HeldClaim {
    /// What stands before the operations of every guarded write of this kind.
    ///
    /// `leader` is checked by its data version, which only claims and resignations raise. Not by an ephemeral node at a
    /// fixed path: created again it starts at version 0 once more, and a former leader's check would pass. So would the
    /// check of `leader` itself where somebody deleted the tree and it was made again: our candidate is gone with the tree.
    func checks(for kind: GuardedRequest.Kind, in layout: Layout) -> [StoreOperation] {
        let leads = StoreOperation.check(layout.leader, version: self.version)
        switch kind {
        case .record:
            return [leads, self.candidateLives]
        case .step(let control, let globalControl):
            return [
                leads, self.candidateLives, .check(layout.control, version: control),
                .check(layout.globalControl, version: globalControl),
            ]
        }
    }

    /// Nobody ever writes a candidate, so it stays at version 0.
    private var candidateLives: StoreOperation { .check(self.candidate, version: 0) }

    /// One multi: the guard, then what is guarded.
    public func operations(for request: GuardedRequest, in layout: Layout) -> [StoreOperation] {
        self.checks(for: request.kind, in: layout) + request.operations
    }

    /// One renewal.
    func beat(in layout: Layout) -> [StoreOperation] {
        [
            .check(layout.leader, version: self.version), self.candidateLives,
            .set(layout.beat, data: Array("\(self.epoch)".utf8), version: nil),
        ]
    }

    /// Leaves the record to nobody, keeps the epoch, and our place in line goes with it.
    func resignation(to successor: String?, in layout: Layout) -> [StoreOperation] {
        [
            .delete(self.candidate, version: nil),
            .set(layout.leader, data: LeaderRecord.vacant(self.epoch, for: successor).encoded, version: self.version),
        ]
    }

    /// What the answer to a guarded write means.
    /// - Parameter sentAt: taken before the multi was sent.
    public func result(
        of answer: Result<[StoreResult], StoreError>, to request: GuardedRequest, sentAt: Moment, in layout: Layout
    ) -> GuardedResult {
        let checks = self.checks(for: request.kind, in: layout)
        switch answer {
        case .success(let results):
            return .committed(sentAt: sentAt, Array(results.dropFirst(checks.count)))
        case .failure(let error):
            // Without a place it cannot be told what was refused, so it must not be built upon.
            guard !error.isAmbiguous, let place = error.operation else { return .unknown }
            guard place < checks.count else { return .refused(operation: place - checks.count, error) }
            switch error.reason {
            case .badVersion, .noNode:
                let path = checks[place].path
                return path == layout.control || path == layout.globalControl ? .controlMoved : .deposed
            default:
                return .unknown
            }
        }
    }
}
