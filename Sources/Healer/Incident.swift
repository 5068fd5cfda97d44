internal import Cluster

/// An open incident as the machine holds it: the record, and what is timed on this host.
struct Incident: Hashable, Sendable {
    /// As many items as a timeline keeps: the first, and the newest.
    static let keptAtStart = 20
    static let keptAtEnd = 60
    /// Characters of one text in a record.
    static let textLimit = 4000

    var record: IncidentRecord
    /// The first sign of trouble.
    var since: Moment
    /// Since when it is confirmed with the present code: grace is counted from here.
    var confirmedSince: Moment?
    /// Since when the node answers again.
    var answersSince: Moment?
    /// Since when everything is as it should be again.
    var wellSince: Moment?
    /// The end of the last step: facts that are asked for before it do not count any more.
    var lastStepEnd: Moment?
    /// Whether a step of ours ended well in it.
    var wasTreated = false
    /// What was refused last, by step.
    var refusals: [Step: Refused] = [:]
    var evidence: EvidenceStage = .none
    /// Who else was seen at the node, as it was told last.
    var hand: String?
    /// For whom a step was given up last.
    var yielding: Yielding?
    /// Removals of a registration that did not work, or are not permitted.
    var failedRemovals = 0

    struct Refused: Hashable, Sendable {
        var refusal: Refusal
        var since: Moment
        var isRecorded: Bool
    }
    struct Yielding: Hashable, Sendable {
        var to: String
        /// The first time of those that nothing else came between.
        var since: Moment
        var count: Int
        /// It is not tried again before.
        var until: Moment
    }
    enum EvidenceStage: Hashable, Sendable {
        case none
        case asked(EvidenceRequest, at: Moment)
        case there(ProcessIdentity?)
    }

    init(_ record: IncidentRecord, since: Moment) {
        self.record = record
        self.since = since
    }

    mutating func append(_ item: TimelineItem) {
        self.record.timeline.append(item.capped)
        guard self.record.timeline.count > Self.keptAtStart + Self.keptAtEnd else { return }
        let place = Self.keptAtStart
        // One place stands for all that was left out; it replaces its neighbour.
        let dropped = self.record.timeline.remove(at: place + 1)
        if case .leftOut(let before) = self.record.timeline[place].what {
            self.record.timeline[place].what = .leftOut(before + 1)
        } else {
            self.record.timeline[place] = TimelineItem(at: dropped.at, what: .leftOut(2))
        }
    }
}

extension TimelineItem {
    /// Texts from outside are kept to a bound, so that a record always fits into a znode.
    var capped: TimelineItem {
        var item = self
        switch self.what {
        case .ended(let id, let step, var result):
            result.output = result.output.headAndTail(Incident.textLimit)
            item.what = .ended(id, step, result)
        case .evidence(var evidence):
            evidence.parts = evidence.parts.prefix(8).map {
                .init(name: $0.name, text: $0.text.headAndTail(Incident.textLimit))
            }
            item.what = .evidence(evidence)
        default: break
        }
        return item
    }
}

extension String {
    /// The text itself, or its beginning and end when it is longer than so many characters.
    func headAndTail(_ limit: Int) -> String {
        guard self.utf8.count > limit, self.count > limit else { return self }
        return "\(self.prefix(limit / 2))\n…\n\(self.suffix(limit / 2))"
    }
}
