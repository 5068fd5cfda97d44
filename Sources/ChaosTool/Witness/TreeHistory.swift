import Cluster
import Foundation

/// What the committed transactions of an ensemble mean for healers and brokers, in their order.
struct TreeHistory: Sendable {
    struct Claim: Hashable, Sendable {
        let zxid: Int64
        let at: WallTime
        let record: LeaderRecord
        /// The session that wrote it.
        let session: Int64
    }

    /// An intent as it was put down, with what the tree said then.
    struct Permission: Hashable, Sendable {
        let zxid: Int64
        let at: WallTime
        let session: Int64
        let intent: Intent
        /// In the same transaction: the leader's record, `control` and the global `control` were as they stood.
        let isGuarded: Bool
        /// Of the record at that moment.
        let epoch: Epoch
        /// A pause, or the maintenance of its node, that stood in `control` then; `nil`: none.
        let heldBack: String?
        /// Of all recoveries open at that moment, this one left out.
        let othersOpen: [IntentID]
        /// For a broker: its registration stood then, and was not removed in the same transaction.
        let wasRegistered: Bool
        /// Partitions that stopping the broker would have taken under their minimum, as they stood.
        let endangered: [TopicPartition]
        /// When an outcome was written; `nil`: never.
        var closed: WallTime?
        var result: StepResult?
    }

    struct Removal: Hashable, Sendable {
        let at: WallTime
        let broker: BrokerID
        /// By whoever owned it: the broker's own session.
        let isByOwner: Bool
    }

    private(set) var claims: [Claim] = []
    private(set) var permissions: [Permission] = []
    private(set) var removals: [Removal] = []
    /// Every record of an incident in turn, with when it was written.
    private(set) var incidents: [(at: WallTime, record: IncidentRecord)] = []
    /// When sessions ended that had stood in line for the leadership, with the candidate's GUID.
    private(set) var candidatesLost: [(at: WallTime, candidate: String)] = []
    /// When the first transaction of a later epoch of the ensemble was: another server led it, or the same one anew.
    private(set) var elections: [WallTime] = []
    /// What broke a rule of the tree itself.
    private(set) var faults: [String] = []

    private let layout: Layout
    private let minInSyncReplicas: Int
    private var versions: [String: Int32] = [:]
    private var owners: [String: Int64] = [:]
    private var recoveries: [String: RecoveryRecord] = [:]
    /// By path: of the cluster, and of all clusters.
    private var controls: [String: Control] = [:]
    private var partitions: [TopicPartition: (leader: Int32, inSync: [Int32])] = [:]

    init(_ transactions: [Transaction], layout: Layout, minInSyncReplicas: Int) {
        self.layout = layout
        self.minInSyncReplicas = minInSyncReplicas
        for transaction in transactions { self.take(transaction) }
        // The upper half of a zxid is the ensemble's epoch.
        self.elections = zip(transactions.dropFirst(), transactions)
            .filter { $0.zxid >> 32 > $1.zxid >> 32 }.map(\.0.time)
    }

    /// The last claim at a time, by the ensemble's clock.
    func claim(at time: WallTime) -> Claim? { self.claims.last { $0.at <= time } }
    func claim(of epoch: Epoch) -> Claim? { self.claims.first { $0.record.epoch == epoch && $0.record.holder != nil } }

    private mutating func take(_ transaction: Transaction) {
        // What was checked held before anything of the transaction was done.
        let checks = transaction.changes.reduce(into: [String: Int32]()) {
            if case .checked(let path, let version) = $1 { $0[path] = version }
        }
        let isGuarded = [self.layout.leader, self.layout.control, self.layout.globalControl].allSatisfy {
            checks[$0] == self.versions[$0, default: 0]
        }
        let deleted = Set(
            transaction.changes.compactMap { change -> String? in
                if case .deleted(let path) = change { path } else { nil }
            })
        for change in transaction.changes {
            switch change {
            case .created(let path, let data, let isEphemeral):
                self.versions[path] = 0
                if isEphemeral { self.owners[path] = transaction.session }
                self.wrote(path, data, transaction, isGuarded, deleted)
            case .set(let path, let data, let version):
                self.versions[path] = version
                self.wrote(path, data, transaction, isGuarded, deleted)
            case .deleted(let path): self.removed(path, transaction, by: transaction.session)
            case .sessionEnded:
                for (path, owner) in self.owners where owner == transaction.session {
                    self.removed(path, transaction, by: transaction.session)
                }
            case .checked: break
            }
        }
    }

    private mutating func removed(_ path: String, _ transaction: Transaction, by session: Int64) {
        let owner = self.owners.removeValue(forKey: path)
        self.versions[path] = nil
        if path.hasPrefix("/brokers/ids/"), let id = Int32(path.dropFirst("/brokers/ids/".count)) {
            self.removals.append(
                Removal(at: transaction.time, broker: BrokerID(id), isByOwner: owner == transaction.session))
        } else if path.hasPrefix("\(self.layout.candidates)/") {
            self.candidatesLost.append((transaction.time, String(path.dropFirst(self.layout.candidates.count + 1))))
        } else if path == self.layout.leader {
            self.faults.append("the leader's record was deleted")
        }
    }

    private mutating func wrote(
        _ path: String, _ data: [UInt8], _ transaction: Transaction, _ isGuarded: Bool, _ deleted: Set<String>
    ) {
        if path == self.layout.leader {
            self.wroteLeader(data, transaction)
        } else if path == self.layout.control || path == self.layout.globalControl {
            self.controls[path] = try? Control(json: data)
        } else if path.hasPrefix("\(self.layout.recoveries)/") {
            self.wroteRecovery(path, data, transaction, isGuarded, deleted)
        } else if path.hasPrefix("\(self.layout.incidents)/") {
            if let record = try? JSONDecoder().decode(IncidentRecord.self, from: Data(data)) {
                self.incidents.append((transaction.time, record))
            }
        } else if path.hasPrefix("/brokers/topics/"), path.hasSuffix("/state") {
            let parts = path.split(separator: "/")
            guard parts.count == 6, let number = Int32(parts[4]),
                let state = try? JSONDecoder().decode(PartitionStateNode.self, from: Data(data))
            else { return }
            self.partitions[TopicPartition(String(parts[2]), number)] = (state.leader, state.isr)
        }
    }

    /// `/brokers/topics/T/partitions/P/state`
    private struct PartitionStateNode: Decodable {
        let leader: Int32
        let isr: [Int32]
    }

    private mutating func wroteLeader(_ data: [UInt8], _ transaction: Transaction) {
        guard let record = try? LeaderRecord(decoding: data) else {
            self.faults.append("the leader's record cannot be read")
            return
        }
        if let last = self.claims.last?.record {
            let grows = record.holder == nil ? record.epoch >= last.epoch : record.epoch > last.epoch
            if !grows { self.faults.append("epoch \(record.epoch) was claimed after epoch \(last.epoch)") }
        }
        self.claims.append(
            Claim(zxid: transaction.zxid, at: transaction.time, record: record, session: transaction.session))
    }

    private mutating func wroteRecovery(
        _ path: String, _ data: [UInt8], _ transaction: Transaction, _ isGuarded: Bool, _ deleted: Set<String>
    ) {
        guard let record = try? JSONDecoder().decode(RecoveryRecord.self, from: Data(data)) else { return }
        let last = self.recoveries[path]
        self.recoveries[path] = record
        let id = record.intent.id
        guard last?.intent.id != id else {
            if let index = self.permissions.lastIndex(where: { $0.intent.id == id }), record.result != nil {
                self.permissions[index].closed = self.permissions[index].closed ?? transaction.time
                self.permissions[index].result = record.result
            }
            return
        }
        if let last, last.isOpen {
            self.faults.append("intent \(id) took the place of \(last.intent.id), which was still open")
        }
        if self.permissions.contains(where: { $0.intent.id == id }) {
            self.faults.append("intent \(id) was put down twice")
        }
        let broker = Int32(record.intent.node.rawValue.split(separator: "-").last ?? "")
        let registration = "/brokers/ids/\(broker ?? -1)"
        let isBroker = record.intent.node.rawValue.hasPrefix("kafka-")
        self.permissions.append(
            Permission(
                zxid: transaction.zxid, at: transaction.time, session: transaction.session, intent: record.intent,
                isGuarded: isGuarded, epoch: self.claims.last?.record.epoch ?? .none,
                heldBack: self.heldBack(record.intent.node, at: transaction.time),
                othersOpen: self.recoveries.filter { $0.key != path && $0.value.isOpen }.values.map(\.intent.id),
                wasRegistered: isBroker && self.owners[registration] != nil && !deleted.contains(registration),
                endangered: isBroker ? self.endangered(byStopping: broker ?? -1) : [],
                closed: record.isOpen ? nil : transaction.time, result: record.result))
    }

    private func heldBack(_ node: NodeName, at time: WallTime) -> String? {
        for (path, control) in self.controls {
            if control.pause(at: time) != nil { return "a pause" }
            if path == self.layout.control, control.maintenance(of: node, at: time) != nil {
                return "the maintenance of \(node)"
            }
        }
        return nil
    }

    /// Partitions that somebody else leads, in sync well enough, and would not be any more.
    private func endangered(byStopping broker: Int32) -> [TopicPartition] {
        self.partitions.filter { _, state in
            state.leader >= 0 && state.leader != broker && state.inSync.contains(broker)
                && state.inSync.count >= self.minInSyncReplicas && state.inSync.count - 1 < self.minInSyncReplicas
        }.map(\.key)
    }
}
