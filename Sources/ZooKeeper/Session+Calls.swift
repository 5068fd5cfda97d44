internal import CZooKeeper

extension Session {
    /// The most bytes that a node may hold: a server's default `jute.maxbuffer` less room for the rest of the request. A
    /// server drops the connection of whoever sends more.
    public static let dataLimit = 1_040_000

    /// Creates a node.
    ///
    /// - Parameter acl: `nil` for ``defaultACL``.
    /// - Returns: The path as created, which has a number of ten digits at its end for sequential nodes.
    @discardableResult
    public func create(
        _ path: String, data: [UInt8] = [], mode: CreateMode = .persistent, acl: [AccessRule]? = nil,
        within limit: Duration? = nil
    ) async throws(ZooKeeperError) -> String {
        let acl = acl ?? self.defaultACL
        return try await self.connection.call(
            "create", path, sequential: mode.isSequential, bytes: data.count, within: limit
        ) { handle, context in
            acl.withVector { vector in
                data.withCharacters { bytes, count in
                    zoo_acreate(handle, path, bytes, count, vector, mode.flags, pathCompletion, context)
                }
            }
        }
    }

    /// Everything for ourselves when the session has credentials, everything for everybody otherwise. A certificate alone
    /// is none: those who share nodes have one each.
    public var defaultACL: [AccessRule] { self.connection.configuration.isAuthenticated ? .creatorAll : .open }

    /// Reads a node.
    ///
    /// - Parameter watch: Called exactly once, on a thread of the library or of whoever closes the session, when the data
    ///   changes, the node is deleted, or the session is disturbed; never if this call throws. It must be short.
    public func get(
        _ path: String, within limit: Duration? = nil, watch: Watch? = nil
    ) async throws(ZooKeeperError) -> NodeContent {
        let wanted: Int32 = watch == nil ? 0 : 1
        return try await self.connection.call(
            "get", path, within: limit, watch: watch.map { ($0, .data) }
        ) { handle, context in
            zoo_aget(handle, path, wanted, dataCompletion, context)
        }
    }

    /// - Parameter version: `nil` for any.
    @discardableResult
    public func set(
        _ path: String, data: [UInt8], version: Int32? = nil, within limit: Duration? = nil
    ) async throws(ZooKeeperError) -> NodeStat {
        try await self.connection.call("set", path, bytes: data.count, within: limit) { handle, context in
            data.withCharacters { bytes, count in
                zoo_aset(handle, path, bytes, count, version ?? -1, statCompletion, context)
            }
        }
    }

    /// - Parameter version: `nil` for any.
    public func delete(
        _ path: String, version: Int32? = nil, within limit: Duration? = nil
    ) async throws(ZooKeeperError) {
        let _: Done = try await self.connection.call("delete", path, within: limit) { handle, context in
            zoo_adelete(handle, path, version ?? -1, voidCompletion, context)
        }
    }

    /// `nil` if there is no such node. The watch also fires on its creation; see ``get(_:within:watch:)``.
    public func exists(
        _ path: String, within limit: Duration? = nil, watch: Watch? = nil
    ) async throws(ZooKeeperError) -> NodeStat? {
        let wanted: Int32 = watch == nil ? 0 : 1
        return try await self.connection.call(
            "exists", path, within: limit, watch: watch.map { ($0, .data) }
        ) { handle, context in
            zoo_aexists(handle, path, wanted, existsCompletion, context)
        }
    }

    /// Names without the path, in no order. The watch fires when a child is created or deleted, or the node itself is
    /// deleted; see ``get(_:within:watch:)``.
    public func children(
        _ path: String, within limit: Duration? = nil, watch: Watch? = nil
    ) async throws(ZooKeeperError) -> [String] {
        let wanted: Int32 = watch == nil ? 0 : 1
        return try await self.connection.call(
            "children", path, within: limit, watch: watch.map { ($0, .children) }
        ) { handle, context in
            zoo_aget_children(handle, path, wanted, namesCompletion, context)
        }
    }

    /// Brings the server of this session up to all that was committed before the call.
    public func sync(_ path: String, within limit: Duration? = nil) async throws(ZooKeeperError) {
        let _: String = try await self.connection.call("sync", path, within: limit) { handle, context in
            zoo_async(handle, path, pathCompletion, context)
        }
    }

    public func getACL(_ path: String, within limit: Duration? = nil) async throws(ZooKeeperError) -> [AccessRule] {
        try await self.connection.call("getACL", path, within: limit) { handle, context in
            zoo_aget_acl(handle, path, aclCompletion, context)
        }
    }

    /// - Parameter version: The node's ``NodeStat/aclVersion``; `nil` for any.
    public func setACL(
        _ path: String, _ acl: [AccessRule], version: Int32? = nil, within limit: Duration? = nil
    ) async throws(ZooKeeperError) {
        let _: Done = try await self.connection.call("setACL", path, within: limit) { handle, context in
            acl.withVector { vector in
                zoo_aset_acl(handle, path, version ?? -1, vector, voidCompletion, context)
            }
        }
    }
}

/// Called once; see ``Session/get(_:within:watch:)``.
public typealias Watch = @Sendable (WatchEvent) -> Void

/// The value of a call that returns nothing: `Void` conforms to nothing.
struct Done: Sendable {}

extension [UInt8] {
    /// Calls `body` with the bytes as C's characters and their number. Never without an address: for the library that
    /// would be no data instead of empty data.
    func withCharacters<Result>(_ body: (UnsafePointer<CChar>, Int32) -> Result) -> Result {
        self.withUnsafeBytes { bytes in
            guard let start = bytes.bindMemory(to: CChar.self).baseAddress else {
                var zero: CChar = 0
                return body(&zero, 0)
            }
            return body(start, Int32(bytes.count))
        }
    }
}
