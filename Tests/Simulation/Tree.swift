internal import Cluster

/// ZooKeeper's tree at one server: what a transaction does to it, and what it refuses.
struct Tree: Hashable {
    struct Node: Hashable {
        var data: [UInt8]
        var version: Int32 = 0
        let createdBy: Int64
        var modifiedBy: Int64
        /// 0 for a persistent node.
        var owner: Int64 = 0
        var children: Set<String> = []
        /// Never goes back, also when all children are gone.
        var nextSequence: Int = 0

        var stat: StoreStat {
            StoreStat(
                createdBy: self.createdBy, modifiedBy: self.modifiedBy, version: self.version,
                ephemeralOwner: self.owner, childrenCount: Int32(self.children.count))
        }
    }

    private(set) var nodes: [String: Node] = ["/": Node(data: [], createdBy: 0, modifiedBy: 0)]

    subscript(path: String) -> Node? { self.nodes[path] }

    /// All or nothing: after an error the tree is as it was.
    /// - Returns: the results, and which nodes were touched how, for the watches.
    mutating func execute(
        _ operations: [StoreOperation], session: Int64, zxid: Int64
    ) throws(StoreError) -> (results: [StoreResult], touched: [(path: String, event: WatchEvent)]) {
        // Most refused multis are refused by a check, before anything was changed.
        var tree: Tree? = nil
        var results: [StoreResult] = []
        var touched: [(path: String, event: WatchEvent)] = []
        for (place, operation) in operations.enumerated() {
            do throws(Refusal) {
                if case .check = operation {
                    results.append(try (tree ?? self).check(operation))
                    continue
                }
                if tree == nil { tree = self }
                results.append(try tree!.change(operation, session: session, zxid: zxid, &touched))
            } catch {
                throw StoreError(error.reason, path: operation.path, operation: place)
            }
        }
        if let tree { self = tree }
        return (results, touched)
    }

    private func check(_ operation: StoreOperation) throws(Refusal) -> StoreResult {
        guard case .check(let path, let version) = operation else { return .checked }
        guard let node = self.nodes[path] else { throw .init(reason: .noNode) }
        guard version == -1 || node.version == version else { throw .init(reason: .badVersion) }
        return .checked
    }

    private mutating func change(
        _ operation: StoreOperation, session: Int64, zxid: Int64, _ touched: inout [(path: String, event: WatchEvent)]
    ) throws(Refusal) -> StoreResult {
        switch operation {
        case .check:
            return .checked
        case .create(let given, let data, let kind):
            let parent = Self.parent(of: given)
            guard let above = self.nodes[parent] else { throw .init(reason: .noNode) }
            guard above.owner == 0 else { throw .init(reason: .noChildrenForEphemerals) }
            var path = given
            if kind == .ephemeralSequential {
                let digits = String(above.nextSequence)
                path += String(repeating: "0", count: max(0, 10 - digits.count)) + digits
                self.nodes[parent]!.nextSequence += 1
            }
            guard self.nodes[path] == nil else { throw .init(reason: .nodeExists) }
            let owner = kind == .persistent ? 0 : session
            self.nodes[path] = Node(data: data, createdBy: zxid, modifiedBy: zxid, owner: owner)
            self.nodes[parent]!.children.insert(Self.name(of: path))
            touched += [(path, .created), (parent, .childrenChanged)]
            return .created(path: path)
        case .set(let path, let data, let version):
            guard let node = self.nodes[path] else { throw .init(reason: .noNode) }
            guard version == nil || version == node.version else { throw .init(reason: .badVersion) }
            self.nodes[path]!.data = data
            self.nodes[path]!.version += 1
            self.nodes[path]!.modifiedBy = zxid
            touched.append((path, .dataChanged))
            return .set(self.nodes[path]!.stat)
        case .delete(let path, let version):
            guard let node = self.nodes[path] else { throw .init(reason: .noNode) }
            guard version == nil || version == node.version else { throw .init(reason: .badVersion) }
            guard node.children.isEmpty else { throw .init(reason: .notEmpty) }
            self.remove(path, &touched)
            return .deleted
        }
    }

    private mutating func remove(_ path: String, _ touched: inout [(path: String, event: WatchEvent)]) {
        self.nodes[path] = nil
        let parent = Self.parent(of: path)
        self.nodes[parent]?.children.remove(Self.name(of: path))
        touched += [(path, .deleted), (parent, .childrenChanged)]
    }

    /// The end of a session takes its ephemeral nodes away.
    mutating func endSession(_ session: Int64) -> [(path: String, event: WatchEvent)] {
        var touched: [(path: String, event: WatchEvent)] = []
        for path in self.nodes.filter({ $0.value.owner == session }).keys.sorted() { self.remove(path, &touched) }
        return touched
    }

    /// Takes away a node with everything below it, as a careless hand would.
    static func removal(of path: String, in tree: Tree) -> [StoreOperation] {
        guard let node = tree[path] else { return [] }
        return node.children.sorted().flatMap { Self.removal(of: "\(path)/\($0)", in: tree) }
            + [.delete(path, version: nil)]
    }

    static func parent(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
        return String(path[..<slash])
    }
    static func name(of path: String) -> String {
        String(path[path.index(after: path.lastIndex(of: "/")!)...])
    }
}

/// Why one operation was refused, before it is known which one it was.
private struct Refusal: Error { let reason: StoreError.Reason }
