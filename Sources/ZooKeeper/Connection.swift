internal import CZooKeeper
import Dispatch
import Synchronization

/// What stands behind a ``Session``, and what the library calls back.
///
/// The library keeps its address as context: it is retained when the handle is opened, and released once the library has
/// stopped. Everything that changes stands behind one lock. Calls of the library are made while holding it, which is what
/// keeps a handle from being closed under somebody's call: they only queue, and never call back from within.
final class Connection: Sendable {
    let configuration: Session.Configuration

    struct Shared {
        /// `nil` until opened, and from the moment of closing on.
        var handle: Handle?
        var closing = Closing.notYet
        var stream = StateStream()
        var identity: SessionIdentity?
        var negotiatedTimeout: Duration?
        /// The library has not taken the credentials yet; it will when connected. No call is sent without them.
        var owesCredentials: Bool
        var calls: [ObjectIdentifier: Call] = [:]
        /// Who waits for a connection, and until when.
        var waiters: [ObjectIdentifier: (Completion<SessionID>, until: BootTime)] = [:]
        var watches = Watches()
        /// When anything last came from a server: an answer, an event, a connection.
        var lastHeard: BootTime
        /// Since when there is no connection; `nil` while there is one, or before the first.
        var disconnectedSince: BootTime?
        var handshake = Handshake()
        /// What the library is closing, until it has.
        var closed: OpaquePointer?
        /// When whoever waits for the library to stop is let go.
        var closeBy: BootTime?
        /// Whether the library has a connection; the state says `closed` before that ends.
        var isConnected = false
        var isDraining = false
        /// What the alarm is set to.
        var alarm: BootTime?
    }

    enum Closing {
        case notYet
        case underWay([CheckedContinuation<Void, Never>])
        case done
    }

    /// A call that the library has not answered.
    struct Call {
        let pending: any PendingCall
        let sentAt: BootTime
        /// `nil` once it has passed and the caller was told.
        var deadline: BootTime?
        /// To be set if the answer is a success, and comes in time.
        var watch: (Watch, Watches.Kind)?

        /// The caller is told, or about to be: an answer that comes now is late.
        mutating func abandon() {
            self.deadline = nil
            self.watch = nil
        }
    }

    let shared: Mutex<Shared>
    /// Lets the session's own thread go on to close the handle.
    private let mayClose = DispatchSemaphore(value: 0)
    /// No call is under way any more, and none will be.
    private let isDrained = DispatchSemaphore(value: 0)

    private init(_ configuration: Session.Configuration) {
        self.configuration = configuration
        self.shared = Mutex(Shared(owesCredentials: configuration.digest != nil, lastHeard: .now))
    }

    var state: SessionState { self.shared.withLock { $0.stream.state } }
    var negotiatedTimeout: Duration? { self.shared.withLock { $0.negotiatedTimeout } }
    var identity: SessionIdentity? { self.shared.withLock { $0.identity } }
    var server: String? { self.shared.withLock { $0.handle.flatMap { LibrarySocket($0).server } } }
    var isClosing: Bool { self.shared.withLock { if case .notYet = $0.closing { false } else { true } } }

    func disconnect() -> Bool { self.shared.withLock { $0.handle.map { LibrarySocket($0).shutdown() } ?? false } }

    func states<Value: Sendable>(
        as convert: @escaping @Sendable (SessionState) -> Value
    ) -> AsyncStream<Value> {
        AsyncStream(bufferingPolicy: .bufferingNewest(Session.stateLimit)) { end in
            let reader = StateStream.Reader(
                yield: { if case .terminated = end.yield(convert($0)) { false } else { true } },
                finish: { end.finish() })
            self.shared.withLock { $0.stream.add(reader) }
        }
    }
}

// MARK: - Opening and closing

extension Connection {
    /// The session gets a thread of its own, which opens the handle, waits, and closes it: both block.
    static func open(_ configuration: Session.Configuration) async throws(ZooKeeperError) -> Connection {
        let servers = configuration.servers
        guard !servers.isEmpty, servers.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x2f }) else {
            throw ZooKeeperError(.badArguments, operation: "open", path: servers)
        }
        let connection = Connection(configuration)
        let failure: ZooKeeperError? = await withCheckedContinuation { continuation in
            let failed = ZooKeeperError(.systemError, operation: "open", path: servers)
            guard Alarm.isRunning else { return continuation.resume(returning: failed) }
            let runs = runOnOwnThread { connection.run { continuation.resume(returning: $0 ? nil : failed) } }
            if !runs { continuation.resume(returning: failed) }
        }
        if let failure { throw failure }
        return connection
    }

    /// - Parameter opened: Called once with whether there is a handle.
    private func run(opened: @Sendable (Bool) -> Void) {
        let context = Unmanaged.passRetained(self)
        defer { context.release() }
        guard case .opened(let handle) = Handle.open(self.configuration, context.toOpaque()) else {
            let _ = self.shared.withLock { $0.closing = .done }
            return opened(false)
        }
        self.shared.withLock { shared in
            shared.handle = handle
            if shared.owesCredentials, let digest = self.configuration.digest {
                shared.owesCredentials = !handle.authenticate(digest)
            }
            self.watchHandshake(&shared, .now)
        }
        opened(true)
        self.mayClose.wait()
        self.drain()
        handle.close()
        self.shared.withLock { ($0.closed, $0.handshake.lookAt) = (nil, nil) }
        // Calls that the library has neither answered nor will: it drops them when its thread ends too soon.
        let (calls, closers) = self.shared.withLock { shared in
            var waiting: [CheckedContinuation<Void, Never>] = []
            if case .underWay(let closers) = shared.closing { waiting = closers }
            shared.closing = .done
            defer { shared.calls = [:] }
            return (shared.calls, waiting)
        }
        for call in calls.values { self.fail(call.pending, .closing) }
        Alarm.shared.clear(self)
        for closer in closers { closer.resume() }
    }

    /// Waits a while for the answers to calls under way. The library takes the first of them for the answer to its closing,
    /// and closes the socket on the rest: that resets the connection, and the server may never read that it was asked to
    /// close the session, which then lasts until it expires.
    private func drain() {
        let isWorthwhile = self.shared.withLock { shared in
            shared.isDraining = shared.isConnected && !shared.calls.isEmpty
            return shared.isDraining
        }
        if isWorthwhile { let _ = self.isDrained.wait(timeout: .now() + self.configuration.closeLimit.seconds / 4) }
    }

    func close() async {
        let isFirst = self.shared.withLock { shared in
            guard case .notYet = shared.closing else { return false }
            shared.closing = .underWay([])
            shared.closed = shared.handle?.pointer
            shared.handle = nil
            if !shared.isConnected { self.watchHandshake(&shared, .now) }
            let limit = BootTime.now + self.configuration.closeLimit
            shared.closeBy = limit
            self.setAlarm(&shared, limit)
            return true
        }
        if isFirst {
            self.end(.closed)
            self.mayClose.signal()
        }
        await withCheckedContinuation { closer in
            let isDone = self.shared.withLock { shared in
                guard case .underWay(let closers) = shared.closing else { return true }
                // The limit has passed for everybody.
                guard shared.closeBy != nil else { return true }
                shared.closing = .underWay(closers + [closer])
                return false
            }
            if isDone { closer.resume() }
        }
    }

    /// Ends the session as far as we are concerned: nobody waits any longer. The calls stay in the list, for the library may
    /// still write where their results go.
    func end(_ state: SessionState) {
        let code = state.refusal ?? .closing
        let (calls, waiters, watches) = self.shared.withLock { shared in
            let calls = shared.calls.values.filter { $0.deadline != nil }
            for key in shared.calls.keys { shared.calls[key]?.abandon() }
            shared.stream.become(state)
            defer { shared.waiters = [:] }
            return (calls, shared.waiters.values, shared.watches.takeAll())
        }
        for call in calls { self.fail(call.pending, code) }
        for (waiter, _) in waiters { self.fail(waiter, code) }
        for watch in watches { watch(.disturbed) }
    }

    private func fail(_ pending: any PendingCall, _ code: ZooKeeperError.Code) {
        pending.fail(ZooKeeperError(code, operation: pending.operation, path: pending.path))
    }
}

// MARK: - Calls

extension Connection {
    /// The most calls that may be under way: each wakes the library through a pipe, which must not fill.
    static let callLimit = 20_000

    /// Makes one call of the library, and waits for its answer or its deadline.
    ///
    /// - Parameter start: Makes the call, and returns what the library says to it.
    func call<Value: Sendable>(
        _ operation: String, _ path: String, sequential: Bool = false, bytes: Int = 0, within limit: Duration?,
        watch: (Watch, Watches.Kind)? = nil, memory: MultiMemory? = nil,
        start: (OpaquePointer, UnsafeMutableRawPointer) -> Int32
    ) async throws(ZooKeeperError) -> Value {
        guard isPath(path, sequential: sequential), bytes <= Session.dataLimit else {
            throw ZooKeeperError(.badArguments, operation: operation, path: path)
        }
        return try await withCheckedContinuation { continuation in
            let completion = Completion<Value>(
                operation: operation, path: path, memory: memory, connection: self, continuation)
            let refusal = self.shared.withLock { shared -> ZooKeeperError.Code? in
                if let refusal = shared.stream.state.refusal { return refusal }
                guard let handle = shared.handle else { return .closing }
                // Between two connections, and so it would have been lost anyway.
                guard !shared.owesCredentials else { return .connectionLoss }
                guard shared.calls.count < Self.callLimit else { return .systemError }
                let now = BootTime.now
                let key = ObjectIdentifier(completion)
                let deadline = now + (limit ?? self.configuration.callLimit)
                shared.calls[key] = Call(pending: completion, sentAt: now, deadline: deadline, watch: watch)
                let code = start(handle.pointer, completion.context)
                guard code == ZOK.rawValue else {
                    // A call that the library refuses never reaches its completion.
                    shared.calls[key] = nil
                    return ZooKeeperError.Code(rawValue: code)
                }
                self.setAlarm(&shared, deadline)
                if let silence = self.configuration.silenceLimit { self.setAlarm(&shared, now + silence) }
                return nil
            }
            if let refusal {
                completion.fail(ZooKeeperError(refusal, operation: operation, path: path))
            }
        }.get()
    }

    /// The library has called back; on its completion thread.
    ///
    /// - Parameter heard: Whether a server has answered, and not the library for want of one.
    func answered(_ completion: any PendingCall, success: Bool, heard: Bool) {
        self.shared.withLock { shared in
            guard let call = shared.calls.removeValue(forKey: ObjectIdentifier(completion)) else { return }
            if heard { shared.lastHeard = .now }
            if shared.isDraining, shared.calls.isEmpty { self.isDrained.signal() }
            // Set before any later event can come: those wait on this same thread.
            if success, let (watch, kind) = call.watch { shared.watches.add(watch, completion.path, kind) }
        }
    }

    func connected(within limit: Duration) async throws(ZooKeeperError) -> SessionID {
        try await withCheckedContinuation { continuation in
            let waiter = Completion<SessionID>(
                operation: "connect", path: self.configuration.servers, memory: nil, connection: self, continuation)
            let state = self.shared.withLock { shared in
                if case .connecting = shared.stream.state {
                    let deadline = BootTime.now + limit
                    shared.waiters[ObjectIdentifier(waiter)] = (waiter, until: deadline)
                    self.setAlarm(&shared, deadline)
                }
                return shared.stream.state
            }
            if case .connected(let session) = state { waiter.finish(.success(session)) }
            if let refusal = state.refusal { self.fail(waiter, refusal) }
        }.get()
    }
}

// MARK: - What the library tells, on its completion thread

extension Connection {
    func didConnect(_ handle: Handle) {
        LibrarySocket(handle).closeOnExec()
        let session = handle.sessionID
        let waiters = self.shared.withLock { shared in
            shared.lastHeard = .now
            shared.isConnected = true
            shared.disconnectedSince = nil
            (shared.handshake.lookAt, shared.handshake.spoiledSince) = (nil, nil)
            shared.identity = handle.identity
            shared.negotiatedTimeout = handle.timeout
            if shared.owesCredentials, let digest = self.configuration.digest {
                // Goes to the head of the library's queue, before any call made from now on.
                shared.owesCredentials = !handle.authenticate(digest)
            }
            shared.stream.become(.connected(session))
            defer { shared.waiters = [:] }
            return shared.waiters.values
        }
        for (waiter, _) in waiters { waiter.finish(.success(session)) }
    }

    func didDisconnect() {
        let watches = self.shared.withLock { shared in
            let now = BootTime.now
            shared.isConnected = false
            if shared.disconnectedSince == nil, let timeout = shared.negotiatedTimeout {
                shared.disconnectedSince = now
                self.setAlarm(&shared, now + timeout * 4 / 3)
            }
            self.watchHandshake(&shared, now)
            shared.stream.become(.connecting)
            return shared.watches.takeAll()
        }
        for watch in watches { watch(.disturbed) }
    }

    func watchFired(_ event: WatchEvent, _ path: UnsafePointer<CChar>?) {
        guard let path else { return }
        let watches = self.shared.withLock { shared in
            shared.lastHeard = .now
            return shared.watches.take(event, String(cString: path))
        }
        for watch in watches { watch(event) }
    }
}
