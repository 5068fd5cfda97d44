import Cluster
import struct Synchronization.Mutex

/// A session on the real ensemble whose first create comes to grief.
final class SpoiledSession: StoreSession {
    enum Fault: Sendable {
        /// It is committed, and the answer is lost.
        case replyLost
        /// It never reaches a server.
        case neverSent
    }

    private let inner: any StoreSession
    private let fault: Fault
    private let isSpoiled = Mutex(false)

    init(_ inner: any StoreSession, _ fault: Fault) {
        self.inner = inner
        self.fault = fault
    }

    /// Of a candidate: the foundation is laid as ever.
    func create(_ path: String, data: [UInt8], kind: NodeKind) async throws(StoreError) -> String {
        let isFirst = self.isSpoiled.withLock { spoiled in
            defer { spoiled = spoiled || kind == .ephemeralSequential }
            return !spoiled && kind == .ephemeralSequential
        }
        guard isFirst else { return try await self.inner.create(path, data: data, kind: kind) }
        if self.fault == .replyLost { _ = try await self.inner.create(path, data: data, kind: kind) }
        throw StoreError(.connectionLost, path: path)
    }

    func states() -> AsyncStream<SessionState> { self.inner.states() }
    func get(_ path: String, watch: (@Sendable (WatchEvent) -> Void)?) async throws(StoreError) -> StoreNode {
        try await self.inner.get(path, watch: watch)
    }
    func exists(_ path: String, watch: (@Sendable (WatchEvent) -> Void)?) async throws(StoreError) -> StoreStat? {
        try await self.inner.exists(path, watch: watch)
    }
    func children(_ path: String, watch: (@Sendable (WatchEvent) -> Void)?) async throws(StoreError) -> [String] {
        try await self.inner.children(path, watch: watch)
    }
    func multi(_ operations: [StoreOperation]) async throws(StoreError) -> [StoreResult] {
        try await self.inner.multi(operations)
    }
    func sync(_ path: String) async throws(StoreError) { try await self.inner.sync(path) }
    func close() async { await self.inner.close() }
}
