internal import Cluster

/// What is known of the records in ZooKeeper: their versions, which of ours are newer, and the one write under way.
struct LedgerBook: Hashable, Sendable {
    struct Pending: Hashable, Sendable {
        var write: LedgerWrite
        var since: Moment
    }

    /// The leadership under which everything was read; `nil` until then.
    private(set) var readUnder: Epoch?
    private(set) var versions: [LedgerKey: Int32] = [:]
    private(set) var unreadable: Set<LedgerKey> = []
    private(set) var pending: Pending?
    /// When the records were asked for, while that is not answered.
    private(set) var askedAt: Moment?
    /// Something was written of which it is not known what became, or is not what we thought: nothing is written until
    /// it was read again.
    private(set) var isDoubtful = false
    private var lastWrite: Int64 = 0

    /// Histories that changed since they were written.
    var histories: Set<NodeName> = []
    /// Incidents that changed since they were written.
    var incidents: Set<IncidentID> = []
    var removals: Set<IncidentID> = []
    var nodes = false

    func isRead(under epoch: Epoch?) -> Bool { epoch != nil && self.readUnder == epoch && !self.isDoubtful }

    /// Everything was read, and nothing is left to write.
    var isSettled: Bool {
        self.readUnder != nil && !self.isDoubtful && self.pending == nil && self.askedAt == nil
            && self.histories.isEmpty && self.incidents.isEmpty && self.removals.isEmpty && !self.nodes
    }

    /// Forgets what another leadership knew. Write numbers go on, so that late answers are told apart.
    mutating func reset() {
        let lastWrite = self.lastWrite
        self = LedgerBook()
        self.lastWrite = lastWrite
    }
    mutating func ask(at now: Moment) { self.askedAt = now }
    mutating func askFailed() { self.askedAt = nil }
    mutating func doubt() {
        self.isDoubtful = true
        self.askedAt = nil
    }

    mutating func read(_ contents: LedgerContents, under epoch: Epoch) {
        self.versions = contents.unreadable
        for entry in contents.entries { self.versions[entry.record.key] = entry.version }
        self.unreadable = Set(contents.unreadable.keys)
        self.readUnder = epoch
        self.askedAt = nil
        self.isDoubtful = false
    }

    func put(_ record: LedgerRecord) -> LedgerChange { .put(record, version: self.versions[record.key]) }

    mutating func begin(
        _ purpose: LedgerWrite.Purpose, _ changes: [LedgerChange], removing: DeadRegistration? = nil, at now: Moment
    ) -> LedgerWrite {
        self.lastWrite += 1
        let write = LedgerWrite(
            id: WriteID(rawValue: self.lastWrite), purpose: purpose, changes: changes, removing: removing)
        self.pending = Pending(write: write, since: now)
        return write
    }

    /// Takes the answer to the write under way; `nil` if it is the answer to another.
    mutating func end(_ id: WriteID, _ answer: GuardedResult) -> LedgerWrite? {
        guard let write = self.pending?.write, write.id == id else { return nil }
        self.pending = nil
        switch answer {
        case .committed(_, let results): self.committed(write, results)
        case .controlMoved, .deposed, .notLeading: break
        case .refused(let operation, _): if operation < write.changes.count { self.doubt() }
        case .unknown: self.doubt()
        }
        return write
    }

    private mutating func committed(_ write: LedgerWrite, _ results: [StoreResult]) {
        guard results.count >= write.changes.count else { return self.doubt() }
        for (change, result) in zip(write.changes, results) {
            switch (change, result) {
            case (.put(let record, _), .set(let stat)): self.versions[record.key] = stat.version
            case (.put(let record, _), .created): self.versions[record.key] = 0
            case (.remove(let key, _), .deleted): self.versions[key] = nil
            default: self.doubt()
            }
        }
    }
}
