import Cluster
import Foundation
import Synchronization

/// A TCP proxy between clients and one server that does what cables, switches and frozen hosts do: bytes wait, vanish or
/// come late, connections are reset or refused.
///
/// One thread serves all connections with bounded buffers, so an order that has been acknowledged holds for every byte
/// after it. ``close()`` ends it.
final class FaultProxy: Sendable {
    /// Where clients connect.
    let endpoint: Endpoint
    /// Where orders are taken as lines; `nil` for nowhere.
    let control: String?
    /// What happens, for one reader.
    let events: AsyncStream<ProxyEvent>
    private let mailbox: ProxyMailbox

    /// - Parameters:
    ///   - target: the server; its name is resolved once.
    ///   - endpoint: where to listen, an IPv4 address; port 0 takes a free one.
    ///   - control: where orders are taken as lines too.
    ///   - substitution: for the first bytes of each connection.
    /// - Throws: ``SandboxError``
    init(
        to target: Endpoint, listen endpoint: Endpoint = Endpoint(host: "127.0.0.1", port: 0),
        control: ProxyControlAddress? = nil, substitution: ProxySubstitution? = nil
    ) throws {
        let (events, sink) = AsyncStream.makeStream(of: ProxyEvent.self, bufferingPolicy: .bufferingNewest(64))
        let address = try ProxySocket.resolve(target)
        let listener = try ProxySocket.listen(endpoint)
        self.endpoint = Endpoint(host: endpoint.host, port: ProxySocket.port(of: listener))
        self.events = events
        do {
            self.mailbox = try ProxyMailbox()
            let controls = try control.map { try ProxyControls($0) }
            self.control = controls?.description
            let loop = ProxyLoop(
                listener: listener, endpoint: self.endpoint, target: address, mailbox: self.mailbox,
                controls: controls, substitution: substitution, report: { sink.yield($0) })
            let handOver = ProxyThread(loop: loop)
            Thread.detachNewThread {
                handOver.loop.run()
                sink.finish()
            }
        } catch {
            Glibc.close(listener)
            throw error
        }
    }

    /// Returns when the order is in force.
    /// - Throws: ``SandboxError`` after ``close()``, and when the port cannot be had again.
    @discardableResult
    func order(_ order: ProxyOrder) async throws -> ProxyStatus {
        try await withCheckedThrowingContinuation { continuation in
            self.mailbox.put(.order(order) { continuation.resume(with: $0) })
        }
    }

    func hold(_ direction: ProxyDirection) async throws { try await self.order(.hold([direction])) }
    /// Arms; ``events`` tells when it held.
    func holdReplies(after bytes: String) async throws { try await self.order(.holdAfter(Array(bytes.utf8))) }
    func release() async throws { try await self.order(.release) }

    /// Resets what is connected and frees the port. May be called twice.
    func close() async {
        await withCheckedContinuation { continuation in
            self.mailbox.put(.close { continuation.resume() })
        }
    }

    deinit { self.mailbox.put(.close {}) }
}

/// Hands the loop to its one thread.
///
/// `@unchecked Sendable`: nobody else keeps the loop.
private struct ProxyThread: @unchecked Sendable { let loop: ProxyLoop }

/// What the proxy's thread is told from other threads, and the descriptor that wakes it.
final class ProxyMailbox: Sendable {
    enum Letter: Sendable {
        case order(ProxyOrder, @Sendable (Result<ProxyStatus, any Error>) -> Void)
        case close(@Sendable () -> Void)
    }
    private struct State {
        var letters: [Letter] = []
        var isOpen = true
    }
    /// Readable when there is something to take.
    let descriptor: Int32
    private let bell: Int32
    private let state = Mutex(State())

    init() throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SandboxError.system("cannot make a pipe") }
        for end in ends { ProxySocket.neverBlock(end) }
        (self.descriptor, self.bell) = (ends[0], ends[1])
    }

    deinit {
        Glibc.close(self.descriptor)
        Glibc.close(self.bell)
    }

    func put(_ letter: Letter) {
        let taken = self.state.withLock { state in
            if state.isOpen { state.letters.append(letter) }
            return state.isOpen
        }
        guard taken else { return Self.refuse(letter) }
        // A full pipe rings as well.
        _ = write(self.bell, "!", 1)
    }

    func take() -> [Letter] {
        var rings = [UInt8](repeating: 0, count: 64)
        while read(self.descriptor, &rings, rings.count) == rings.count {}
        return self.state.withLock { state in
            defer { state.letters = [] }
            return state.letters
        }
    }

    /// Nothing is taken any more, and whoever waits is told.
    func close() {
        let rest = self.state.withLock { state in
            state.isOpen = false
            defer { state.letters = [] }
            return state.letters
        }
        for letter in rest { Self.refuse(letter) }
    }

    private static func refuse(_ letter: Letter) {
        switch letter {
        case .order(_, let answer): answer(.failure(SandboxError("the proxy is closed")))
        case .close(let done): done()
        }
    }
}
