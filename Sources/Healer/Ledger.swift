public import Cluster
internal import FoundationEssentials

/// What is kept in ZooKeeper, and how: records as JSON at the paths of ``Layout``, and which
/// operations a write becomes. The daemon's shell and the simulation share it.
public struct Ledger: Hashable, Sendable {
    public let layout: Layout
    /// ``Policy/kafkaRoot``.
    public let kafkaRoot: String

    public init(_ layout: Layout, kafkaRoot: String = "") {
        self.layout = layout
        self.kafkaRoot = kafkaRoot
    }

    public func path(of key: LedgerKey) -> String {
        switch key {
        case .recovery(let node): self.layout.recovery(of: node)
        case .history(let node): self.layout.history(of: node)
        case .incident(let id): self.layout.incident(id.description)
        case .nodes: self.layout.nodes
        }
    }
    /// `nil` for a path that keeps no record.
    public func key(of path: String) -> LedgerKey? {
        if path == self.path(of: .nodes) { return .nodes }
        guard let slash = path.lastIndex(of: "/") else { return nil }
        let name = String(path[path.index(after: slash)...])
        guard !name.isEmpty else { return nil }
        switch String(path[..<slash]) {
        case self.layout.recoveries: return .recovery(NodeName(name))
        case self.layout.history: return .history(NodeName(name))
        case self.layout.incidents: return IncidentID(name).map { .incident($0) }
        default: return nil
        }
    }

    /// What stands under the guard, in this order: the changes, then what is removed from the cluster.
    public func operations(for write: LedgerWrite) -> [StoreOperation] {
        write.changes.map { change in
            switch change {
            case .put(let record, .some(let version)):
                .set(self.path(of: record.key), data: Self.encode(record), version: version)
            case .put(let record, nil):
                .create(self.path(of: record.key), data: Self.encode(record))
            case .remove(let key, let version):
                .delete(self.path(of: key), version: version)
            }
        } + (write.removing.map(self.removal) ?? [])
    }

    /// Takes a dead broker's registration away, on whichever ensemble the cluster uses, and `/controller` with it where
    /// the same session owns it: left alone it would keep leaders from moving until the session ends.
    public func removal(of registration: DeadRegistration) -> [StoreOperation] {
        let own: StoreOperation = .delete(
            "\(self.kafkaRoot)/brokers/ids/\(registration.broker)", version: registration.version)
        guard let epoch = registration.controllerEpochVersion else { return [own] }
        return [
            .check("\(self.kafkaRoot)/controller_epoch", version: epoch),
            .delete("\(self.kafkaRoot)/controller", version: nil), own,
        ]
    }

    public static func encode(_ record: LedgerRecord) -> [UInt8] {
        switch record {
        case .recovery(let record): self.json(record)
        case .history(let record): self.json(record)
        case .incident(let record): self.json(record)
        case .nodes(let record): self.json(record)
        }
    }

    /// `nil` when it cannot be understood. An empty node keeps no record, see ``entry(of:data:version:)``.
    public static func decode(_ bytes: [UInt8], of key: LedgerKey) -> LedgerRecord? {
        switch key {
        case .recovery(let node):
            Self.value(RecoveryRecord.self, bytes).flatMap { $0.intent.node == node ? .recovery($0) : nil }
        case .history(let node):
            Self.value(HistoryRecord.self, bytes).flatMap { $0.node == node ? .history($0) : nil }
        case .incident(let id):
            Self.value(IncidentRecord.self, bytes).flatMap { $0.id == id ? .incident($0) : nil }
        case .nodes:
            bytes.isEmpty ? .nodes(NodesRecord(nodes: [])) : Self.value(NodesRecord.self, bytes).map { .nodes($0) }
        }
    }

    public static func digest(_ bytes: [UInt8]) -> Digest? { self.value(Digest.self, bytes) }
    public static func encode(_ digest: Digest) -> [UInt8] { self.json(digest) }

    private static func json(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings, whole numbers, booleans, arrays and objects: nothing that JSON cannot say.
        return Array(try! encoder.encode(value))
    }
    private static func value<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) -> Value? {
        try? JSONDecoder().decode(type, from: Data(bytes))
    }
}

extension LedgerContents {
    /// Adds one node as it was read.
    public mutating func add(_ key: LedgerKey, data: [UInt8], version: Int32) {
        if let record = Ledger.decode(data, of: key) {
            self.entries.append(Entry(record, version: version))
        } else {
            self.unreadable[key] = version
        }
    }
}
