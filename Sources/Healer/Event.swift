public import Cluster

/// What enters the machine.
public enum Event: Hashable, Sendable {
    /// Time passes: several times a second. Brings the wall-clock time, which only dates records and ends pauses.
    case ticked(WallTime)
    case observed(Observation)
    /// From the elector, in order. The machine starts with ``Leadership/following``.
    case leadership(Leadership)
    /// Both control nodes, at the start and whenever one changed.
    case controlRead(ControlView)
    /// Another healer's digest was read; `nil` when its node is gone.
    case digestRead(HealerID, Digest?)
    /// What stands in ZooKeeper, in answer to ``Effect/readLedger``.
    case ledgerRead(LedgerContents)
    /// It could not be read; it is asked for again.
    case ledgerUnreadable(reason: String)
    /// The answer to ``Effect/write(_:)``: exactly one for each.
    case written(WriteID, GuardedResult)
    /// Also an answer to it: the intent could not be put into the audit trail, so it was not sent.
    case notAudited(WriteID)
    /// From the runner, in answer to ``Effect/run(_:)``. May also come for a step of an earlier leadership of ours.
    case stepEnded(IntentID, StepResult)
    /// In answer to ``Effect/probe(_:)``.
    case probed(IntentID, ProbeResult)
    /// In answer to ``Effect/collectEvidence(_:)``.
    case evidence(EvidenceRequest, Evidence)
    /// Whether the audit trail can be written; `nil` when it can (again). While it cannot, no step is taken.
    case auditUnwritable(reason: String?)
    /// ZooKeeper does not let us write an intent, which only people can change: by whom it was told, at which path and by
    /// which access list. Comes before the answer to the write. For a while no other is sent.
    case intentUnwritable(reason: String)
}

/// Where this healer stands, in the elector's words.
public enum Leadership: Hashable, Sendable {
    case following
    case leading(Epoch)
    /// We may lead no more, without knowing. `leading` with the same epoch ends it.
    case suspended(Epoch)

    /// Also while suspended.
    public var epoch: Epoch? {
        switch self {
        case .following: nil
        case .leading(let epoch), .suspended(let epoch): epoch
        }
    }
    public var isLeading: Bool { if case .leading = self { true } else { false } }
}

/// Which write an answer belongs to; grows for as long as the machine lives.
public struct WriteID: RawRepresentable, Hashable, Sendable {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
}
