import Cluster
import Healer

/// The records as ZooKeeper would keep them, conditional writes included.
struct MemoryLedger {
    private(set) var entries: [LedgerKey: LedgerContents.Entry] = [:]

    var contents: LedgerContents { LedgerContents(entries: self.entries.keys.sorted().map { self.entries[$0]! }) }

    mutating func apply(_ write: LedgerWrite, sentAt: Moment) -> GuardedResult {
        var next = self.entries
        var results: [StoreResult] = []
        for (place, change) in write.changes.enumerated() {
            switch change {
            case .put(let record, let version):
                guard next[record.key]?.version == version else {
                    return .refused(operation: place, StoreError(.badVersion, path: "\(record.key)"))
                }
                let after = version.map { $0 + 1 } ?? 0
                next[record.key] = .init(record, version: after)
                results.append(
                    version == nil
                        ? .created(path: "\(record.key)")
                        : .set(
                            StoreStat(createdBy: 1, modifiedBy: 2, version: after, ephemeralOwner: 0, childrenCount: 0)
                        ))
            case .remove(let key, let version):
                guard next[key]?.version == version else {
                    return .refused(operation: place, StoreError(.badVersion, path: "\(key)"))
                }
                next[key] = nil
                results.append(.deleted)
            }
        }
        self.entries = next
        return .committed(sentAt: sentAt, results)
    }

    func recovery(_ node: NodeName) -> RecoveryRecord? {
        if case .recovery(let record) = self.entries[.recovery(node)]?.record { record } else { nil }
    }
    func history(_ node: NodeName) -> HistoryRecord? {
        if case .history(let record) = self.entries[.history(node)]?.record { record } else { nil }
    }
    var incidents: [IncidentRecord] {
        self.entries.values.compactMap { if case .incident(let record) = $0.record { record } else { nil } }
    }
}
