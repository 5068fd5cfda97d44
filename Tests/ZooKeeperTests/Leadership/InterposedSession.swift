import Cluster
import Election
import struct Synchronization.Mutex
import Testing

/// A session on the real ensemble with a test between it and its elector: the test may act before a call is sent or before
/// its answer is handed in, hold either back, or have the answer lost.
final class InterposedSession: StoreSession {
    /// What a call is for, as its elector means it.
    enum Purpose: Hashable, Sendable {
        case join(path: String, data: [UInt8])
        /// Does the one ahead live?
        case wait(path: String)
        case claim([StoreOperation])
        case readRecord
        case renew
        case handOver
        case other
    }
    typealias Answer = Result<StoreAnswer, StoreError>
    /// Carries the call out.
    typealias Send = @Sendable () async -> Answer
    typealias Between = @Sendable (Purpose, Send) async throws -> Answer

    private let inner: any StoreSession
    private let layout: Layout
    private let between: Between
    /// The paths of watches that have fired, each after its elector was told.
    private let fired: Heard<String>?

    init(_ inner: any StoreSession, _ layout: Layout, fired: Heard<String>? = nil, _ between: @escaping Between) {
        self.inner = inner
        self.layout = layout
        self.fired = fired
        self.between = between
    }

    private func pass(
        _ call: StoreCall, _ carryOut: @escaping @Sendable () async throws(StoreError) -> StoreAnswer
    ) async throws(StoreError) -> StoreAnswer {
        let send: Send = {
            do throws(StoreError) { return .success(try await carryOut()) } catch { return .failure(error) }
        }
        let answer: Answer
        do {
            answer = try await self.between(Purpose(call, in: self.layout), send)
        } catch {
            if !Task.isCancelled { Issue.record(error) }
            answer = .failure(StoreError(.connectionLost, path: self.layout.base))
        }
        return try answer.get()
    }

    private func told(
        _ path: String, _ watch: (@Sendable (WatchEvent) -> Void)?
    ) -> (@Sendable (WatchEvent) -> Void)? {
        guard let watch, let fired = self.fired else { return watch }
        return {
            watch($0)
            fired.add(path)
        }
    }

    func states() -> AsyncStream<SessionState> { self.inner.states() }

    func get(_ path: String, watch: (@Sendable (WatchEvent) -> Void)?) async throws(StoreError) -> StoreNode {
        let (inner, watch) = (self.inner, self.told(path, watch))
        let answer = try await self.pass(.get(path, watch: watch != nil)) { () async throws(StoreError) in
            .node(try await inner.get(path, watch: watch))
        }
        guard case .node(let node) = answer else { preconditionFailure("another call's answer") }
        return node
    }

    func exists(_ path: String, watch: (@Sendable (WatchEvent) -> Void)?) async throws(StoreError) -> StoreStat? {
        let (inner, watch) = (self.inner, self.told(path, watch))
        let answer = try await self.pass(.exists(path, watch: watch != nil)) { () async throws(StoreError) in
            .stat(try await inner.exists(path, watch: watch))
        }
        guard case .stat(let stat) = answer else { preconditionFailure("another call's answer") }
        return stat
    }

    func children(_ path: String, watch: (@Sendable (WatchEvent) -> Void)?) async throws(StoreError) -> [String] {
        try await self.inner.children(path, watch: watch)
    }

    func create(_ path: String, data: [UInt8], kind: NodeKind) async throws(StoreError) -> String {
        let inner = self.inner
        let answer = try await self.pass(.create(path, data: data, kind: kind)) { () async throws(StoreError) in
            .created(path: try await inner.create(path, data: data, kind: kind))
        }
        guard case .created(let created) = answer else { preconditionFailure("another call's answer") }
        return created
    }

    func multi(_ operations: [StoreOperation]) async throws(StoreError) -> [StoreResult] {
        let inner = self.inner
        let answer = try await self.pass(.multi(operations)) { () async throws(StoreError) in
            .results(try await inner.multi(operations))
        }
        guard case .results(let results) = answer else { preconditionFailure("another call's answer") }
        return results
    }

    func sync(_ path: String) async throws(StoreError) { try await self.inner.sync(path) }
    func close() async { await self.inner.close() }
}

extension InterposedSession.Purpose {
    fileprivate init(_ call: StoreCall, in layout: Layout) {
        self =
            switch call {
            case .create(let path, let data, .ephemeralSequential): .join(path: path, data: data)
            case .exists(let path, true): .wait(path: path)
            case .get(layout.leader, _): .readRecord
            case .multi(let operations):
                switch operations.last {
                case .set(layout.beat, _, _): .renew
                case .set(layout.leader, let data, _):
                    (try? LeaderRecord(decoding: data))?.holder == nil ? .handOver : .claim(operations)
                default: .other
                }
            default: .other
            }
    }

    var isJoin: Bool { if case .join = self { true } else { false } }
    var isWait: Bool { if case .wait = self { true } else { false } }
    var isClaim: Bool { if case .claim = self { true } else { false } }
}

extension InterposedSession.Answer {
    static let lost = Self.failure(StoreError(.connectionLost, path: "/"))
}

/// Shut until somebody opens it.
final class Gate: Sendable {
    private let state = Mutex(false)
    var isOpen: Bool { self.state.withLock { $0 } }

    /// Whether it was shut: true once.
    @discardableResult
    func open() -> Bool {
        self.state.withLock { isOpen in
            defer { isOpen = true }
            return !isOpen
        }
    }

    /// Ends with an error where nobody opens it, or where the one who waits is ended.
    func passed(_ what: String) async throws { try await until(what) { self.isOpen } }
}

extension Contest {
    /// As ``enter(_:timing:servers:inLine:wrap:)``, with a test between the elector and each of its sessions.
    func enter(
        _ name: String, timing: Election.Timing = .patient, inLine: Bool = true, fired: Heard<String>? = nil,
        between: @escaping InterposedSession.Between
    ) async throws -> Contender {
        let layout = self.layout
        return try await self.enter(name, timing: timing, inLine: inLine) {
            InterposedSession($0, layout, fired: fired, between)
        }
    }

    /// A claim of somebody who is not in line, over whoever leads.
    func rival(_ epoch: Epoch) -> LeaderRecord {
        LeaderRecord(
            epoch: epoch, holder: .init(member: HealerID("rival"), incarnation: Incarnation("r"), address: "r:1"),
            nonce: "rival")
    }
}
