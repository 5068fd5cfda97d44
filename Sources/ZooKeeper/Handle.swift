internal import CZooKeeper
internal import Glibc
import Synchronization

/// A `zhandle_t`.
///
/// `@unchecked Sendable`: libzookeeper_mt guards a handle with its own locks, so any thread may use it until it is closed,
/// and the connection's lock keeps everybody out from then on.
struct Handle: @unchecked Sendable {
    let pointer: OpaquePointer
    /// What the library goes on asking for as long as there is the handle.
    private var sasl: UnsafeMutablePointer<czookeeper_sasl>? = nil

    init(pointer: OpaquePointer) { self.pointer = pointer }

    /// Opened one at a time, so that the pipe that appears meanwhile is this handle's.
    private static let opening = Mutex(())

    /// Blocks while names are resolved. Callbacks may come before this returns.
    ///
    /// - Returns: The number of the system's error if there is no handle.
    static func open(_ configuration: Session.Configuration, _ context: UnsafeMutableRawPointer) -> Opened {
        guard configuration.security.obstacle == nil else { return .failed(EINVAL) }
        return Self.opening.withLock { _ in
            let before = Set(openDescriptors())
            var client = clientid_t()
            if let joining = configuration.joining {
                client.client_id = joining.id.rawValue
                withUnsafeMutableBytes(of: &client.passwd) { $0.copyBytes(from: joining.password.prefix($0.count)) }
            }
            LibraryLog.listen()
            errno = 0
            let handle = withUnsafePointer(to: client) { client in
                Self.open(configuration, configuration.joining == nil ? nil : client, context)
            }
            guard let handle else { return .failed(errno) }
            let pointer = handle.pointer
            // Otherwise names are resolved at every turn of the library's loop, some ten times a second; a lost connection
            // still resolves them anew.
            zoo_set_servers_resolution_delay(pointer, -1)
            closeOnExecPipe(after: before)
            return .opened(handle)
        }
    }

    /// By the entry point that the configured security needs.
    private static func open(
        _ configuration: Session.Configuration, _ client: UnsafePointer<clientid_t>?, _ context: UnsafeMutableRawPointer
    ) -> Handle? {
        let milliseconds = Int32(clamping: configuration.timeout.wholeNanoseconds / 1_000_000)
        // Read-only mode is never asked for: it would be taken for a connection.
        let flags = ZOO_NO_LOG_CLIENTENV
        switch configuration.security {
        case .none:
            return zookeeper_init2(
                configuration.servers, sessionWatcher, milliseconds, client, context, flags, LibraryLog.callback
            ).map { Handle(pointer: $0) }
        case .tls(let files):
            // This one takes no callback for its log: what it says before it has one goes nowhere.
            LibraryLog.muteStream()
            let open = entryPoint("zookeeper_init_ssl", czookeeper_init_ssl.self)
            let pointer = open?(configuration.servers, files.list, sessionWatcher, milliseconds, client, context, flags)
            if let pointer { zoo_set_log_callback(pointer, LibraryLog.callback) }
            return pointer.map { Handle(pointer: $0) }
        case .sasl(let sasl):
            guard CyrusSASL.isReady, let open = entryPoint("zookeeper_init_sasl", czookeeper_init_sasl.self),
                let answers = czookeeper_sasl_make(sasl.user, sasl.password)
            else { return nil }
            let pointer = open(
                configuration.servers, sessionWatcher, milliseconds, client, context, flags, LibraryLog.callback,
                &answers.pointee.parameters)
            guard let pointer else {
                czookeeper_sasl_free(answers)
                return nil
            }
            var handle = Handle(pointer: pointer)
            handle.sasl = answers
            return handle
        }
    }

    enum Opened {
        case opened(Handle)
        case failed(Int32)
    }

    /// Blocks: for the library's threads, for at most 3 s to send, and 1.5 s for the answer.
    func close() {
        zookeeper_close(self.pointer)
        czookeeper_sasl_free(self.sasl)
    }

    /// The library is making a connection for TLS, or its handshake. What comes after has the library's own limits.
    var isInHandshake: Bool { zoo_state(self.pointer) == Self.handshaking }
    /// `ZOO_SSL_CONNECTING_STATE` of zookeeper.h, which older ones do not have.
    private static let handshaking: Int32 = 7

    /// SASL has failed: the library has given up, and tells nobody.
    var isRefused: Bool { zoo_state(self.pointer) == ZOO_AUTH_FAILED_STATE }

    var sessionID: SessionID { SessionID(zoo_client_id(self.pointer).pointee.client_id) }

    var identity: SessionIdentity {
        let client = zoo_client_id(self.pointer).pointee
        return SessionIdentity(
            id: SessionID(client.client_id), password: withUnsafeBytes(of: client.passwd) { [UInt8]($0) })
    }

    /// The one that the ensemble has granted, once connected.
    var timeout: Duration { .milliseconds(zoo_recv_timeout(self.pointer)) }

    /// - Returns: False while the library is between two connections: it takes credentials at other times only.
    func authenticate(_ digest: Session.Digest) -> Bool {
        let certificate = Array("\(digest.user):\(digest.password)".utf8)
        return certificate.withCharacters { bytes, count in
            zoo_add_auth(self.pointer, digest.scheme, bytes, count, nil, nil) == ZOK.rawValue
        }
    }
}

/// Keeps children from inheriting the pipe that wakes the library's thread: both ends of it are new since `before`, and
/// do not block.
private func closeOnExecPipe(after before: Set<Int32>) {
    for descriptor in openDescriptors() where !before.contains(descriptor) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFIFO,
            fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0
        else { continue }
        let _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
}

/// The one watcher of a session: for its states, and for every watch. At file scope, so that it inherits no isolation.
private let sessionWatcher: watcher_fn = { pointer, type, state, path, context in
    guard let pointer, let context else { return }
    let connection = Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue()
    switch type {
    case ZOO_SESSION_EVENT:
        let handle = Handle(pointer: pointer)
        switch state {
        case ZOO_CONNECTED_STATE: connection.didConnect(handle)
        case ZOO_EXPIRED_SESSION_STATE: connection.end(.expired)
        case ZOO_AUTH_FAILED_STATE: connection.end(.authenticationFailed)
        // Read-only counts as not connected.
        default: connection.didDisconnect()
        }
    case ZOO_CREATED_EVENT: connection.watchFired(.created, path)
    case ZOO_DELETED_EVENT: connection.watchFired(.deleted, path)
    case ZOO_CHANGED_EVENT: connection.watchFired(.dataChanged, path)
    case ZOO_CHILD_EVENT: connection.watchFired(.childrenChanged, path)
    default: break
    }
}
