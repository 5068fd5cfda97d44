internal import CMicroHTTPD
internal import Dispatch
internal import Glibc
internal import Synchronization

/// An HTTP/1.1 server on one address, carried by one thread of libmicrohttpd.
///
/// Listens from its initializer on; requests are answered while ``run()`` runs. To be ended by
/// ``stop(grace:)``, or by cancelling the task of ``run()``.
public final class HTTPServer: Sendable {
    public struct Limits: Hashable, Sendable {
        /// Open connections; further ones wait in the system's backlog.
        public var connections = 256
        public var bodyBytes = 64 * 1024
        /// Request line and headers together, and the library's own buffers: more is answered by 431 or 414.
        public var headerBytes = 32 * 1024
        /// A connection on which nothing moves for so long is closed, unless its request is with the handler. Whole
        /// seconds, at least 1.
        public var idle: Duration = .seconds(15)
        /// How long ``HTTPServer/stop(grace:)`` waits if nothing else is said, and the end of ``HTTPServer/run()``.
        public var grace: Duration = .seconds(2)
        public init() {}
    }

    /// The address, or the path of the Unix socket.
    public let host: String
    /// The port that is bound; 0 for a Unix socket only.
    public let port: UInt16

    private let limits: Limits
    private let handler: @Sendable (HTTPRequest) async -> HTTPResponse
    private let traffic: Traffic
    private let daemon: Daemon
    private let stopping = Mutex<Task<Void, Never>?>(nil)

    /// `@unchecked Sendable`: used by the task in ``stopping`` only, which runs once.
    private struct Daemon: @unchecked Sendable {
        let pointer: OpaquePointer
        let context: Unmanaged<Traffic>
    }

    /// May wait for the name service unless `host` is an address.
    /// - Parameters:
    ///   - host: the address to listen on; `0.0.0.0` or `::` for all.
    ///   - port: 0 for any.
    ///   - handler: called for each request, many at a time; cancelled when ``run()`` is.
    public convenience init(
        host: String, port: UInt16, limits: Limits = Limits(),
        handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse
    ) throws(HTTPServerError) {
        try self.init(ListeningSocket(host: host, port: port), host, limits, handler)
    }

    /// On a Unix socket, in the place of one that nobody listens at any more.
    /// - Parameters:
    ///   - path: at most 107 bytes.
    ///   - mode: who may connect: whoever may write to it.
    ///   - handler: called for each request, many at a time; cancelled when ``run()`` is.
    public convenience init(
        unixSocket path: String, mode: UInt32, limits: Limits = Limits(),
        handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse
    ) throws(HTTPServerError) {
        try self.init(ListeningSocket(path: path, mode: mode), path, limits, handler)
    }

    private init(
        _ socket: ListeningSocket, _ host: String, _ limits: Limits,
        _ handler: @escaping @Sendable (HTTPRequest) async -> HTTPResponse
    ) throws(HTTPServerError) {
        let traffic = Traffic(bodyLimit: limits.bodyBytes)
        let context = Unmanaged.passRetained(traffic)
        let pointer = cmicrohttpd_start(
            socket.descriptor, accessCallback, completedCallback, context.toOpaque(), UInt32(limits.connections),
            limits.headerBytes, UInt32(max(1, limits.idle.components.seconds)))
        guard let pointer else {
            // The library has closed the socket.
            context.release()
            throw HTTPServerError(reason: .system(EAGAIN), host: host, port: socket.port)
        }
        self.host = host
        self.port = socket.port
        self.limits = limits
        self.handler = handler
        self.traffic = traffic
        self.daemon = Daemon(pointer: pointer, context: context)
    }

    deinit {
        assert(self.stopping.withLock { $0 != nil }, "an HTTPServer is stopped before it is let go")
    }

    /// Answers requests until the server is stopped, or this task is cancelled, and then until its handlers have
    /// returned. Called once.
    public func run() async {
        await withDiscardingTaskGroup { group in
            for await exchange in self.traffic.incoming {
                group.addTask { self.traffic.finish(exchange, with: await self.handler(exchange.request)) }
            }
            await self.stop()
            group.cancelAll()
        }
    }

    /// Stops listening, waits until the open requests are answered, but not longer than `grace`, answers the rest with
    /// 503, and closes all connections. May be called again: all calls return when the server has stopped.
    public func stop(grace: Duration? = nil) async {
        let grace = grace ?? self.limits.grace
        // A task of its own, since it must go on when the task that asked for it is cancelled.
        let task = self.stopping.withLock { task in
            let stopping = task ?? Task { await self.stopOnce(grace: grace) }
            task = stopping
            return stopping
        }
        await task.value
    }

    /// How long the answers in the place of handlers may take to be sent.
    private static let lastWords = Duration.milliseconds(200)

    private func drained(within limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in self.traffic.drained() {} }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    private func stopOnce(grace: Duration) async {
        let listener = MHD_quiesce_daemon(self.daemon.pointer)
        self.traffic.stopAdmitting()
        await self.drained(within: grace)
        self.traffic.abandon()
        await self.drained(within: Self.lastWords)
        let daemon = self.daemon
        await DispatchQueue.run {
            // Waits for the library's thread; then no callback can come any more.
            MHD_stop_daemon(daemon.pointer)
            // After a quiesce the socket is ours again.
            if listener >= 0 { close(listener) }
            daemon.context.release()
        }
    }
}

extension DispatchQueue {
    /// Runs what blocks on a thread outside Swift's own pool.
    fileprivate static func run(_ work: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "MicroHTTPD").async {
                work()
                continuation.resume()
            }
        }
    }
}
