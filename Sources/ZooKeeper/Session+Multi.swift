internal import CZooKeeper

/// One operation of a multi.
public enum Operation: Hashable, Sendable {
    /// Fails unless the node exists with this data version. Nothing else about a node can be checked.
    case check(_ path: String, version: Int32)
    /// `acl: nil` for ``Session/defaultACL``.
    case create(_ path: String, data: [UInt8] = [], mode: CreateMode = .persistent, acl: [AccessRule]? = nil)
    /// `version: nil` for any.
    case set(_ path: String, data: [UInt8], version: Int32?)
    /// `version: nil` for any.
    case delete(_ path: String, version: Int32?)

    public var path: String {
        switch self {
        case .check(let path, _), .create(let path, _, _, _), .set(let path, _, _), .delete(let path, _): path
        }
    }

    /// Whether the library can be given it. It would free what it never allocated for an operation that follows one it
    /// refuses, so it must not come to refuse one.
    var isSound: Bool {
        switch self {
        case .check(let path, _), .delete(let path, _):
            isPath(path)
        case .create(let path, let data, let mode, _):
            isPath(path, sequential: mode.isSequential) && data.count <= Session.dataLimit
        case .set(let path, let data, _):
            isPath(path) && data.count <= Session.dataLimit
        }
    }
}

public enum OperationResult: Hashable, Sendable {
    case checked
    case created(path: String)
    case set(NodeStat)
    case deleted
}

extension Session {
    /// Carries out all of the operations, or none. The results stand in their order.
    ///
    /// - Throws: The error of the first operation that failed, with its place in ``ZooKeeperError/failedOperation``; `nil`
    ///   there means that the call as a whole failed. `connectionLoss` while there is no connection: unlike single calls, a
    ///   multi does not wait for one.
    @discardableResult
    public func multi(
        _ operations: [Operation], within limit: Duration? = nil
    ) async throws(ZooKeeperError) -> [OperationResult] {
        guard let first = operations.first else { return [] }
        if let place = operations.firstIndex(where: { !$0.isSound }) {
            throw ZooKeeperError(
                .badArguments, operation: "multi", path: operations[place].path, failedOperation: place)
        }
        let memory = MultiMemory(operations)
        let acl = self.defaultACL
        return try await self.connection.call("multi", first.path, within: limit, memory: memory) { handle, context in
            memory.withOperations(defaultACL: acl) { list in
                MultiGate.whileConnected(handle) {
                    zoo_amulti(handle, Int32(operations.count), list, memory.results, multiCompletion, context)
                }
            }
        }
    }
}

/// Where the library puts the results of one multi.
///
/// `@unchecked Sendable`: only the library writes to it, until it calls the completion, which alone reads it; the list of
/// calls under way keeps it until then, or until the library has stopped.
final class MultiMemory: @unchecked Sendable {
    let operations: [Operation]
    let results: UnsafeMutablePointer<zoo_op_result_t>
    private let stats: UnsafeMutablePointer<Stat>
    /// The path of each created node, with room for ten digits, a sign and the zero at the end.
    private let paths: [UnsafeMutableBufferPointer<CChar>]

    init(_ operations: [Operation]) {
        self.operations = operations
        self.results = .allocate(capacity: operations.count)
        self.results.initialize(repeating: zoo_op_result_t(), count: operations.count)
        self.stats = .allocate(capacity: operations.count)
        self.stats.initialize(repeating: Stat(), count: operations.count)
        self.paths = operations.map { operation in
            guard case .create(let path, _, _, _) = operation else { return .init(start: nil, count: 0) }
            let buffer = UnsafeMutableBufferPointer<CChar>.allocate(capacity: path.utf8.count + 12)
            buffer.initialize(repeating: 0)
            return buffer
        }
    }

    deinit {
        self.results.deallocate()
        self.stats.deallocate()
        self.paths.forEach { $0.deallocate() }
    }

    /// Calls `body` with the operations as C knows them. The library serializes them within the call, so what they point
    /// to is freed afterwards.
    func withOperations(
        defaultACL: [AccessRule], _ body: (UnsafePointer<zoo_op_t>) -> Int32
    ) -> Int32 {
        var list: [zoo_op_t] = []
        func add(_ rest: ArraySlice<(Int, Operation)>) -> Int32 {
            guard let (place, operation) = rest.first else { return body(list) }
            var entry = zoo_op_t()
            let others = rest.dropFirst()
            return operation.path.withCString { path in
                switch operation {
                case .check(_, let version):
                    zoo_check_op_init(&entry, path, version)
                    list.append(entry)
                    return add(others)
                case .delete(_, let version):
                    zoo_delete_op_init(&entry, path, version ?? -1)
                    list.append(entry)
                    return add(others)
                case .set(_, let data, let version):
                    return data.withCharacters { bytes, count in
                        zoo_set_op_init(&entry, path, bytes, count, version ?? -1, self.stats + place)
                        list.append(entry)
                        return add(others)
                    }
                case .create(_, let data, let mode, let acl):
                    let buffer = self.paths[place]
                    return data.withCharacters { bytes, count in
                        (acl ?? defaultACL).withVector { vector in
                            zoo_create_op_init(
                                &entry, path, bytes, count, vector, mode.flags, buffer.baseAddress, Int32(buffer.count))
                            list.append(entry)
                            return add(others)
                        }
                    }
                }
            }
        }
        return add(ArraySlice(Array(self.operations.enumerated().map { ($0.offset, $0.element) })))
    }

    /// To be read once the library has called back with success.
    func values() -> [OperationResult] {
        self.operations.indices.map { place in
            switch self.operations[place] {
            case .check: .checked
            case .delete: .deleted
            case .set: .set(NodeStat(self.stats[place]))
            case .create: .created(path: String(cString: self.paths[place].baseAddress!))
            }
        }
    }

    /// The first operation that failed by itself: those before it have no error, those after it were not carried out.
    /// `nil` when the call failed as a whole, for then the library gives all of them the error of the call.
    func failedOperation(_ call: ZooKeeperError.Code) -> Int? {
        let codes = self.operations.indices.map { ZooKeeperError.Code(rawValue: self.results[$0].err) }
        guard let place = codes.firstIndex(where: { $0 != .ok && $0 != .runtimeInconsistency }),
            !ZooKeeperError(call, operation: "", path: "").isAmbiguous
        else { return nil }
        return place + 1 < codes.count && codes[place + 1] == codes[place] ? nil : place
    }
}
