/// A ZooKeeper session: one `zhandle_t` of libzookeeper_mt, for its whole life.
///
/// Only asynchronous calls are made. Each ends within ``Configuration/callLimit`` at the latest, whatever the library does,
/// and nothing is retried. Cancelling a task does not end its call early: a write under way cannot be taken back.
///
/// ``close()`` must be called before the last reference goes: ending has effects, and ending in a `deinit` could block.
public final class Session: Sendable {
    let connection: Connection

    init(_ connection: Connection) { self.connection = connection }

    deinit { assert(self.connection.isClosing, "a session is closed before it is let go") }

    /// Starts a session without waiting for a server; ``connected(within:)`` waits.
    ///
    /// - Throws: ``ZooKeeperError/Code/badArguments`` for a connect string that makes no sense,
    ///   ``ZooKeeperError/Code/systemError`` when no server's name can be resolved, the system refuses a thread, or
    ///   something stands against the configured security (``Security/obstacle``).
    public static func open(_ configuration: Configuration) async throws(ZooKeeperError) -> Session {
        Session(try await Connection.open(configuration))
    }

    /// Waits until the session is connected.
    ///
    /// - Throws: ``ZooKeeperError/Code/operationTimeout`` when the limit has passed, or what a final state stands for.
    @discardableResult
    public func connected(within limit: Duration) async throws(ZooKeeperError) -> SessionID {
        try await self.connection.connected(within: limit)
    }

    public var state: SessionState { self.connection.state }

    /// The states from now on, the present one first. Any number of readers. A reader that lags by more than
    /// ``stateLimit`` states misses the oldest; the stream ends after a final state.
    public func states() -> AsyncStream<SessionState> { self.states { $0 } }

    /// The same in somebody else's words.
    ///
    /// - Parameter convert: Must be short, and must not use the session.
    public func states<Value: Sendable>(
        as convert: @escaping @Sendable (SessionState) -> Value
    ) -> AsyncStream<Value> {
        self.connection.states(as: convert)
    }

    public static let stateLimit = 64

    /// What the ensemble has granted, which need not be what was asked for; `nil` before the first connection.
    public var negotiatedTimeout: Duration? { self.connection.negotiatedTimeout }

    /// `nil` before the first connection.
    public var identity: SessionIdentity? { self.connection.identity }

    /// The server that this session is connected to, as `address:port`; `nil` while there is none.
    public var server: String? { self.connection.server }

    /// Cuts the connection, so that the library moves to the next server. The session lives on.
    ///
    /// - Returns: Whether there was a connection to cut.
    @discardableResult
    public func disconnect() -> Bool { self.connection.disconnect() }

    /// Ends the session, and with it its ephemeral nodes, if the ensemble can be reached. May be called twice, by anybody.
    ///
    /// Every call and watch under way ends at once. Returns when the library has let go, or after
    /// ``Configuration/closeLimit``. There is nothing to learn from the library's own result: against a frozen server it
    /// reports success without having closed anything. What must be certain is resigned by a write before.
    public func close() async { await self.connection.close() }
}

extension Session {
    public struct Configuration: Sendable {
        /// `host:port`, with commas between, without a path: paths are absolute.
        public var servers: String
        /// What is asked for; the ensemble decides (``Session/negotiatedTimeout``).
        public var timeout: Duration = .seconds(12)
        /// The limit for each call that names no other.
        public var callLimit: Duration = .seconds(5)
        /// A connection on which a request has been without an answer for this long, and nothing else came either, is cut,
        /// so that the library moves to the next server. `nil` leaves it to the library, which waits for 2/3 of the session
        /// timeout.
        public var silenceLimit: Duration?
        /// How long ``Session/close()`` waits for the library.
        public var closeLimit: Duration = .seconds(2)
        /// Sent on every connection before anything else.
        public var digest: Digest?
        public var security = Security.none
        /// Take part in a session that exists, instead of starting one.
        public var joining: SessionIdentity?

        public init(servers: String) { self.servers = servers }

        /// Whether servers know us as somebody whom several sessions can be.
        var isAuthenticated: Bool {
            if case .sasl = self.security { return true }
            return self.digest != nil
        }
    }

    /// A user and a password for ZooKeeper's `digest` scheme.
    public struct Digest: Hashable, Sendable, Codable, CustomStringConvertible {
        public let user: String
        let password: String
        let scheme: String
        public init(user: String, password: String) {
            self.init(user: user, password: password, scheme: "digest")
        }
        init(user: String, password: String, scheme: String) {
            self.user = user
            self.password = password
            self.scheme = scheme
        }
        /// Without the password.
        public var description: String { "\(self.user):***" }
    }
}
