import Cluster
import Election
import ZooKeeper

/// An ensemble that sessions are opened with, as often as somebody needs a new one.
///
/// Sessions have no chroot: whoever names paths puts the prefix before them. Every node is created for ourselves alone
/// where there are credentials, and for everybody otherwise.
struct ZooKeeperEnsemble: Sendable {
    let servers: [Endpoint]
    let access: EnsembleAccess
    /// The session timeout that is asked for.
    let timeout: Duration
    /// Each call ends within this.
    let callLimit: Duration
    /// A connection that answers nothing for this long is given up for the next server; `nil` leaves that to the library,
    /// which waits for 2/3 of the session timeout.
    let silenceLimit: Duration?
    private let log: Logger

    init(
        servers: [Endpoint], access: EnsembleAccess, timeout: Duration, callLimit: Duration,
        silenceLimit: Duration?,
        log: Logger
    ) {
        self.servers = servers
        self.access = access
        self.timeout = timeout
        self.callLimit = callLimit
        self.silenceLimit = silenceLimit
        self.log = log.with(["zookeeper.servers": LogValue(servers.map(\.description).joined(separator: ","))])
    }

    /// For an election: a server that hangs is left while there is still time to renew at another.
    init(servers: [Endpoint], access: EnsembleAccess, timing: Timing, log: Logger) {
        self.init(
            servers: servers, access: access, timeout: timing.session, callLimit: max(timing.limit, .seconds(2)),
            silenceLimit: timing.limit * 2 / 3, log: log)
    }

    /// Between two attempts, while not one server's name can be resolved.
    static let retry = Duration.seconds(1)
    /// Between two warnings about it.
    static let reminder = Duration.seconds(10)

    /// Opens one more session. Does not wait for a server: its states tell. Waits while not one server's name can be
    /// resolved, and says so; if cancelled meanwhile, the session is a closed one.
    func connect() async -> any StoreSession {
        var configuration = Session.Configuration(
            self.servers.map(\.description).joined(separator: ","), self.access)
        configuration.timeout = self.timeout
        configuration.callLimit = self.callLimit
        configuration.silenceLimit = self.silenceLimit

        var warned: ContinuousClock.Instant?
        while !Task.isCancelled {
            do throws(ZooKeeperError) {
                return ZooKeeperStore(try await Session.open(configuration))
            } catch {
                if warned.map({ ContinuousClock.now - $0 >= Self.reminder }) ?? true {
                    let reason = self.access.security.obstacle.map { LogValue.string($0) } ?? LogValue(error)
                    self.log.warning("no ZooKeeper session can be opened", ["error": reason])
                    warned = .now
                }
            }
            try? await Task.sleep(for: Self.retry)
        }
        return ClosedStore()
    }
}

extension ZooKeeperEnsemble {
    /// Once, at start: says what the library can do, and puts its own log into ours.
    ///
    /// The library calls every reconnect an error. For us an error wakes somebody, so each of its levels counts one less.
    static func begin(log: Logger) {
        let features = LibraryFeatures.loaded
        log.info(
            "ZooKeeper client library",
            [
                "zookeeper.tls": .boolean(features.tls), "zookeeper.sasl": .boolean(features.sasl),
                "zookeeper.digest": true,
            ])
        LibraryLog.capture(.info) { line in
            let level: LogLevel =
                switch line.level {
                case .error: .warning
                case .warning: .info
                case .info: .debug
                }
            log.log(
                level, "ZooKeeper client library says",
                ["zookeeper.function": .string(line.function), "zookeeper.message": .string(line.message)])
        }
    }

    /// Says so where what we create can be changed by everybody who reaches the ensemble, and what its library does not do.
    func warnIfOpen() {
        if self.access.owners.isEmpty {
            self.log.warning(
                "our znodes are open to everybody who reaches the ensemble: neither digest nor sasl is configured")
        }
        if self.access.security.isTLS {
            self.log.info(
                "TLS to ZooKeeper: its library compares no host names, and believes the system's authorities as well")
        }
    }
}

/// A session that was never opened.
private final class ClosedStore: StoreSession {
    typealias Watch = @Sendable (Cluster.WatchEvent) -> Void

    func states() -> AsyncStream<Cluster.SessionState> {
        AsyncStream { reader in
            reader.yield(.closed)
            reader.finish()
        }
    }
    func get(_ path: String, watch: Watch?) async throws(StoreError) -> StoreNode {
        throw StoreError(.closed, path: path)
    }
    func exists(_ path: String, watch: Watch?) async throws(StoreError) -> StoreStat? {
        throw StoreError(.closed, path: path)
    }
    func children(_ path: String, watch: Watch?) async throws(StoreError) -> [String] {
        throw StoreError(.closed, path: path)
    }
    func create(_ path: String, data: [UInt8], kind: NodeKind) async throws(StoreError) -> String {
        throw StoreError(.closed, path: path)
    }
    func multi(_ operations: [StoreOperation]) async throws(StoreError) -> [StoreResult] {
        throw StoreError(.closed, path: operations.first?.path ?? "")
    }
    func sync(_ path: String) async throws(StoreError) { throw StoreError(.closed, path: path) }
    func close() async {}
}
