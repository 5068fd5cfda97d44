public import Cluster

extension IncidentPage {
    /// What stands in `incidents/<id>`, or in a healer's own view of it, as a page for people.
    public init(_ record: IncidentRecord) {
        self.init(
            incident: IncidentEntry(record),
            timeline: record.timeline.map { item in
                TimelineEntry(
                    time: item.at, offsetMs: item.at.rawValue - record.since.rawValue, kind: item.what.kind,
                    text: item.what.sentence)
            })
    }
}

extension IncidentEntry {
    public init(_ record: IncidentRecord) {
        self.init(
            id: record.id?.description ?? "-", code: record.openedAs.rawValue, subject: record.subject.sentence,
            since: record.since, closedAt: record.closedAt, summary: record.summary,
            toldBy: record.id == nil ? .observer : .leader)
    }
}

extension Subject {
    /// `kafka-2`, or which partitions are meant.
    public var sentence: String {
        switch self {
        case .node(let name): name.rawValue
        case .partitions: "partitions"
        }
    }
}

extension IncidentRecord {
    /// What it was confirmed as at first: a dead broker that is starting again is still the story of a dead broker.
    fileprivate var openedAs: FindingCode {
        for item in self.timeline { if case .confirmed(let code, _) = item.what { return code } }
        return self.code
    }

    /// Why all is not well while this is open, in one sentence; `nil` if it is closed, or nobody has confirmed it.
    public var reason: String? {
        guard self.phase == .confirmed else { return nil }
        let of = self.subject.node.map { " of \($0)" } ?? ""
        return "\(self.openedAs.rawValue)\(of): \(self.summary)"
    }

    /// In one line: how it stands, and the last thing that happened.
    fileprivate var summary: String {
        var parts: [String] = []
        switch self.phase {
        case .suspected: parts.append("suspected")
        case .confirmed: parts.append("open")
        // Without an id this is a follower's own view: what the leader did about it is not in it.
        case .closed where self.id == nil && self.closing == .recoveredByItself: parts.append("well again")
        case .closed: parts.append(self.closing?.sentence ?? "closed")
        }
        if let count = self.partitionCount {
            let some = self.partitions.prefix(3).map(\.description).joined(separator: ", ")
            parts.append("\(count) partitions" + (some.isEmpty ? "" : " (\(some)\(count > 3 ? ", …" : ""))"))
        }
        if self.phase != .closed, let last = self.timeline.last(where: { $0.what.kind != .evidence }) {
            parts.append(last.what.sentence)
        }
        return parts.joined(separator: "; ")
    }
}

extension IncidentRecord.Closing {
    fileprivate var sentence: String {
        switch self {
        case .healed: "healed"
        case .recoveredByItself: "recovered by itself"
        case .unconfirmed: "never confirmed"
        case .subjectGone: "no longer looked after"
        }
    }
}

extension TimelineItem.What {
    public var kind: TimelineEntry.Kind {
        switch self {
        case .suspected: .suspected
        case .confirmed, .became: .detected
        case .evidence: .evidence
        case .permitted: .permitted
        case .refused, .withheld: .refused
        case .intent, .adopted, .takenOver: .intent
        case .begun: .started
        case .ended, .paged: .outcome
        case .verifying: .verified
        case .closed: .closed
        case .foreignHand, .leftOut: .seen
        }
    }

    public var sentence: String {
        switch self {
        case .suspected(let code): "\(code.sentence): one source says so"
        case .confirmed(let code, let methods):
            "\(code.sentence): \(methods.map(\.rawValue).joined(separator: " and ")) say so"
        case .became(let code): "now \(code.sentence)"
        case .foreignHand(let hand): "somebody else is at it: \(hand)"
        case .adopted(let epoch): "taken over by the leader of epoch \(epoch)"
        case .evidence(let evidence): evidence.sentence
        case .permitted(let step): "every guard says yes to \(step.rawValue)"
        case .refused(let step, let refusal): "no \(step.rawValue) now: \(refusal.sentence)"
        case .intent(let intent):
            "intent \(intent.id): \(intent.step.rawValue) \(intent.node)"
                + (intent.attempt > 1 ? ", attempt \(intent.attempt)" : "")
                + (intent.target.map { ", of \($0)" } ?? "")
        case .begun(let id, let step): "\(step.rawValue) begins, by intent \(id)"
        case .withheld(let id, let why): "intent \(id) permits nothing: \(why.sentence)"
        case .ended(let id, let step, let result): "\(step.rawValue) (\(id)) \(result.sentence)"
        case .takenOver(let intent): "looking after intent \(intent.id) of an earlier leader: \(intent.step.rawValue)"
        case .verifying: "serves again; watching whether it holds"
        case .paged(let reason): "a person is needed: \(reason.sentence)"
        case .closed(let closing): closing.sentence
        case .leftOut(let count): "\(count) entries left out"
        }
    }
}

extension FindingCode {
    /// What a person would say.
    fileprivate var sentence: String {
        switch self {
        case .brokerDead: "broker dead"
        case .brokerHung: "broker hung"
        case .brokerStarting: "broker starting"
        case .brokerStopped: "broker stopped on request"
        case .brokerUnregistered: "broker runs but is not registered"
        case .zooKeeperDead: "ZooKeeper server dead"
        case .zooKeeperHung: "ZooKeeper server hung"
        case .zooKeeperNotServing: "ZooKeeper server runs but does not serve"
        case .zooKeeperStarting: "ZooKeeper server starting"
        case .zooKeeperStopped: "ZooKeeper server stopped on request"
        case .partitionOffline: "partitions without a leader"
        case .underReplicated: "partitions under-replicated"
        case .underMinISR: "partitions under min.insync.replicas"
        case .isrShrink: "in-sync replicas keep shrinking"
        }
    }
}

extension Evidence {
    fileprivate var sentence: String {
        var parts: [String] = []
        if let exit = self.exit { parts.append("ended with \(exit)") }
        for part in self.parts {
            let last = part.text.split(separator: "\n").last.map { ": \($0.prefix(160))" } ?? ""
            parts.append("\(part.name), \(part.text.split(separator: "\n").count) lines\(last)")
        }
        if self.isPartial { parts.append("the rest did not come in time") }
        return parts.isEmpty ? "none to be had" : parts.joined(separator: "; ")
    }
}

extension StepResult {
    fileprivate var sentence: String {
        let how =
            switch self.outcome {
            case .succeeded: "succeeded"
            case .failed: "failed"
            case .notPermitted: "is not permitted"
            case .yielded: "yields"
            case .timedOut: "was ended at its time limit"
            case .interrupted: "was ended, since the leadership that had permitted it was over"
            case .notStarted: "was not started"
            case .unknown: "ended nobody knows how"
            }
        let exit = self.exit.map { $0 == .code(0) ? "" : ", \($0)" } ?? ""
        let said =
            self.outcome == .succeeded
            ? "" : self.output.split(separator: "\n").last.map { ": \($0.prefix(200))" } ?? ""
        return "\(how)\(exit) after \(self.tookMilliseconds) ms\(said)"
    }
}

extension Withheld {
    fileprivate var sentence: String {
        switch self {
        case .late: "the reply came too late"
        case .unknown: "the reply was lost"
        case .controlMoved: "an operator changed control meanwhile"
        case .deposed: "another healer leads"
        case .notLeading: "the leadership is in doubt"
        case .refused: "the record had changed"
        case .notAuthorized: "ZooKeeper's access lists do not let it be written"
        case .notAudited: "the audit trail cannot be written"
        }
    }
}

extension PageReason {
    /// What a page says, for people.
    public var sentence: String {
        switch self {
        case .attemptsUsedUp(let count): "\(count) attempts did not help"
        case .flapping(let count): "healed \(count) times and failed again"
        case .stepNotPermitted(let step, let why): "\(step.rawValue) is not permitted to the healer: \(why)"
        case .lasts: "it lasts"
        case .unconfirmed: "only one source says so, and it lasts"
        case .notOurs: "the mode leaves it to people"
        }
    }
}

extension Refusal {
    /// Why a guard said no, for people.
    public var sentence: String {
        switch self {
        case .suspended: "the leadership is in doubt"
        case .takingOver: "what the leader before left is being read"
        case .controlUnknown: "control is being read"
        case .observing: "mode is observe"
        case .observedOnly: "a KRaft cluster is only observed"
        case .paused(let by, let why, _): "paused by \(by)\(why.isEmpty ? "" : ": \(why)")"
        case .maintenance(let by, let why, _): "in maintenance by \(by)\(why.isEmpty ? "" : ": \(why)")"
        case .auditUnwritable(let reason): "the audit trail cannot be written: \(reason)"
        case .intentUnwritable(let reason): "the intent cannot be written: \(reason)"
        case .unreadableRecord: "its record in ZooKeeper cannot be read"
        case .unconfirmed: "only one source says so"
        case .grace(let milliseconds): "grace of \(milliseconds) ms is not over"
        case .staleFacts(let methods): "asking \(methods.map(\.rawValue).joined(separator: ", ")) again"
        case .stalePartitions: "reading the partition states again"
        case .evidencePending: "evidence is being collected"
        case .agreement(let seen, let needed): "\(seen) healers of \(needed) needed see it"
        case .coolingDown: "waiting between attempts"
        case .attemptsUsedUp(let count): "\(count) attempts are used up"
        case .flapping(let count): "healed \(count) times already"
        case .busy(let node): "one at a time: \(node) first"
        case .registered: "its old registration is still there"
        case .supervisorFirst: "its supervisor is about to start it"
        case .foreignHand(let hand): "somebody else is at it: \(hand)"
        case .notProvenBySupervisor: "its supervisor does not say that it is dead"
        case .minISR(let partition): "\(partition) would fall under min.insync.replicas"
        case .minISRUnknown: "min.insync.replicas is not known"
        case .uncleanElection(let partition): "\(partition) could elect an unclean leader"
        case .quorum(let serving, let needed): "\(serving) ZooKeeper servers serve, \(needed) are needed"
        case .blastRadius(let failing, let limit): "\(failing) brokers fail, more than \(limit)"
        case .byPolicy: "the policy does not allow it"
        }
    }
}
