import Cluster
import ZooKeeper

/// A session with a real ensemble, as the deciding modules know one.
final class ZooKeeperStore: StoreSession {
    private let session: Session

    init(_ session: Session) { self.session = session }

    func states() -> AsyncStream<Cluster.SessionState> {
        self.session.states { Cluster.SessionState($0) }
    }

    func get(
        _ path: String, watch: (@Sendable (Cluster.WatchEvent) -> Void)?
    ) async throws(StoreError) -> StoreNode {
        try await self.call { () async throws(ZooKeeperError) in
            StoreNode(try await self.session.get(path, watch: watch.map(converted)))
        }
    }

    func exists(
        _ path: String, watch: (@Sendable (Cluster.WatchEvent) -> Void)?
    ) async throws(StoreError) -> StoreStat? {
        try await self.call { () async throws(ZooKeeperError) in
            try await self.session.exists(path, watch: watch.map(converted)).map { StoreStat($0) }
        }
    }

    func children(
        _ path: String, watch: (@Sendable (Cluster.WatchEvent) -> Void)?
    ) async throws(StoreError) -> [String] {
        try await self.call { () async throws(ZooKeeperError) in
            try await self.session.children(path, watch: watch.map(converted))
        }
    }

    func create(_ path: String, data: [UInt8], kind: NodeKind) async throws(StoreError) -> String {
        try await self.call { () async throws(ZooKeeperError) in
            try await self.session.create(path, data: data, mode: CreateMode(kind))
        }
    }

    func multi(_ operations: [StoreOperation]) async throws(StoreError) -> [StoreResult] {
        try await self.call { () async throws(ZooKeeperError) in
            try await self.session.multi(operations.map { ZooKeeper.Operation($0) }).map { StoreResult($0) }
        }
    }

    func sync(_ path: String) async throws(StoreError) {
        try await self.call { () async throws(ZooKeeperError) in try await self.session.sync(path) }
    }

    /// Who may do what with a node, for people; hashes of passwords are left out.
    func access(to path: String) async -> String {
        do throws(ZooKeeperError) {
            return try await self.session.getACL(path).map(\.text).joined(separator: ", ")
        } catch {
            return "not to be read by us (\(error.code))"
        }
    }

    /// What the ensemble has granted; `nil` before the first connection.
    var negotiatedTimeout: Duration? { self.session.negotiatedTimeout }

    /// `nil` where the access list cannot be read.
    func rules(of path: String) async -> [AccessRule]? { try? await self.session.getACL(path) }

    func close() async { await self.session.close() }

    /// The error in the words of the deciding modules.
    private func call<Value>(_ body: () async throws(ZooKeeperError) -> Value) async throws(StoreError) -> Value {
        do throws(ZooKeeperError) { return try await body() } catch { throw StoreError(error) }
    }
}

extension AccessRule {
    /// Such as `world:anyone:r`, in ZooKeeper's own letters; without the hash of a password.
    var text: String {
        let letters: [(Permissions, String)] = [
            (.create, "c"), (.delete, "d"), (.read, "r"), (.write, "w"), (.admin, "a"),
        ]
        let may = letters.filter { self.permissions.contains($0.0) }.map(\.1).joined()
        return "\(self.scheme):\(self.id.prefix { $0 != ":" }):\(may)"
    }
}

private func converted(_ watch: @escaping @Sendable (Cluster.WatchEvent) -> Void) -> Watch {
    { event in
        switch event {
        case .created: watch(.created)
        case .deleted: watch(.deleted)
        case .dataChanged: watch(.dataChanged)
        case .childrenChanged: watch(.childrenChanged)
        case .disturbed: watch(.disturbed)
        }
    }
}
