import Cluster
import Foundation

/// What runs on the proxy's thread: waits for sockets and orders, and moves bytes as far as the faults allow.
final class ProxyLoop {
    private var listener: Int32?
    private let endpoint: Endpoint
    private let target: sockaddr_in
    private let mailbox: ProxyMailbox
    private let controls: ProxyControls?
    private let report: (ProxyEvent) -> Void

    private var links: [ProxyLink] = []
    private var held: Set<ProxyDirection> = []
    private var cut: Set<ProxyDirection> = []
    private var pace = ProxyPace()
    private var isHalfOpen = false
    private let substitution: ProxySubstitution?
    private var awaited: [UInt8]?

    /// More wait in the kernel's queue.
    private static let maximumLinks = 256
    /// In milliseconds, of one wait; only an upper bound.
    private static let wait: Int64 = 1000

    init(
        listener: Int32, endpoint: Endpoint, target: sockaddr_in, mailbox: ProxyMailbox, controls: ProxyControls?,
        substitution: ProxySubstitution?, report: @escaping (ProxyEvent) -> Void
    ) {
        self.listener = listener
        self.endpoint = endpoint
        self.target = target
        self.mailbox = mailbox
        self.controls = controls
        self.substitution = substitution
        self.report = report
    }

    /// Until it is told to close.
    func run() {
        var closers: [@Sendable () -> Void] = []
        while closers.isEmpty {
            let ready = self.waitForSomething()
            for letter in self.mailbox.take() {
                switch letter {
                case .order(let order, let answer): answer(Result { try self.obey(order) })
                case .close(let done): closers.append(done)
                }
            }
            self.controls?.serve(ready) { try self.obey($0) }
            if let listener, ready[listener] != nil, let client = ProxySocket.accept(listener) { self.open(client) }
            for link in self.links { self.move(link, ready) }
            self.sweep()
        }
        for link in self.links { link.reset() }
        if let listener { Glibc.close(listener) }
        self.controls?.close()
        self.mailbox.close()
        for done in closers { done() }
    }

    // MARK: Orders

    private func obey(_ order: ProxyOrder) throws -> ProxyStatus {
        switch order {
        case .hold(let directions): self.held.formUnion(directions)
        case .holdAfter(let bytes): self.awaited = bytes
        case .release:
            self.held = []
            self.awaited = nil
        case .cut(let directions): self.cut.formUnion(directions)
        case .heal:
            self.cut = []
            self.isHalfOpen = false
            self.links.removeAll { link in
                guard link.isDamaged else { return false }
                link.reset()
                return true
            }
        case .reset:
            for link in self.links { link.reset() }
            self.links = []
        case .refuse:
            if let listener { Glibc.close(listener) }
            self.listener = nil
        case .accept: if self.listener == nil { self.listener = try ProxySocket.listen(self.endpoint) }
        case .delay(let duration): self.pace.delay = duration
        case .jitter(let duration): self.pace.jitter = duration
        case .bandwidth(let rate): self.pace.bandwidth = rate
        case .halfOpen:
            self.isHalfOpen = true
            for link in self.links { link.halve() }
        case .status: break
        }
        return ProxyStatus(
            connections: self.links.count, damaged: self.links.count { $0.isDamaged },
            heldToServer: self.links.reduce(0) { $0 + $1.toServer.waiting },
            heldToClient: self.links.reduce(0) { $0 + $1.toClient.waiting }, held: self.held, cut: self.cut,
            refusing: self.listener == nil, armed: self.awaited != nil)
    }

    private func isOpen(_ direction: ProxyDirection) -> Bool {
        !self.held.contains(direction) && !self.cut.contains(direction)
    }

    // MARK: Sockets

    /// What each ready descriptor is ready for. One with nothing to do is not asked about: it would always be ready.
    private func waitForSomething() -> [Int32: Int16] {
        var wanted: [Int32: Int16] = [self.mailbox.descriptor: Int16(POLLIN)]
        let now = HostClock.now
        var timeout = Self.wait
        if let listener, self.links.count < Self.maximumLinks { wanted[listener] = Int16(POLLIN) }
        self.controls?.want(&wanted)
        for link in self.links {
            if link.isHalfOpen {
                wanted[link.client] = Int16(POLLIN)
                continue
            }
            guard link.isConnected else {
                wanted[link.server] = Int16(POLLOUT)
                continue
            }
            for direction in ProxyDirection.allCases {
                let stream = link[direction]
                if stream.wantsMore { wanted[link.source(direction), default: 0] |= Int16(POLLIN) }
                guard self.isOpen(direction), let first = stream.chunks.first else { continue }
                if first.due <= now {
                    wanted[link.sink(direction), default: 0] |= Int16(POLLOUT)
                } else {
                    timeout = min(timeout, (first.due - now).wholeMilliseconds + 1)
                }
            }
        }
        var list = wanted.map { pollfd(fd: $0.key, events: $0.value, revents: 0) }
        poll(&list, nfds_t(list.count), Int32(timeout))
        return list.reduce(into: [:]) { ready, entry in if entry.revents != 0 { ready[entry.fd] = entry.revents } }
    }

    private func open(_ client: Int32) {
        if self.isHalfOpen {
            let link = ProxyLink(client: client, server: -1)
            link.isHalfOpen = true
            self.links.append(link)
            return
        }
        guard let server = ProxySocket.connect(self.target) else { return ProxySocket.reset(client) }
        ProxySocket.hurry(client)
        ProxySocket.hurry(server)
        let link = ProxyLink(client: client, server: server)
        link.substitution = self.substitution
        self.links.append(link)
    }

    private func move(_ link: ProxyLink, _ ready: [Int32: Int16]) {
        if link.isHalfOpen {
            if ready[link.client] != nil { link.swallow() }
            return
        }
        if !link.isConnected {
            guard ready[link.server] != nil else { return }
            var code: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(link.server, SOL_SOCKET, SO_ERROR, &code, &size)
            if code == 0 { link.isConnected = true } else { link.toClient.end = .broken }
            return
        }
        let now = HostClock.now
        for direction in ProxyDirection.allCases {
            if ready[link.source(direction)] != nil, link[direction].wantsMore {
                link.read(direction, isCut: self.cut.contains(direction), self.pace)
            }
        }
        // Requests first: one with the awaited bytes holds the replies behind it, and none before it slips through.
        if self.isOpen(.toServer) {
            var isFound = false
            link.write(.toServer, at: now) { stream, chunk in
                guard let awaited = self.awaited, stream.completes(awaited, with: chunk) else { return }
                self.held.insert(.toClient)
                self.awaited = nil
                isFound = true
            }
            if isFound {
                self.report(.heldAfter)
                self.controls?.tell("event held-after")
            }
        }
        if self.isOpen(.toClient) { link.write(.toClient, at: now) { _, _ in } }
    }

    /// Takes away connections that have ended, as far as their ends may be passed on.
    private func sweep() {
        self.links.removeAll { link in
            let isBroken = ProxyDirection.allCases.contains { link[$0].end == .broken && self.isOpen($0) }
            if isBroken {
                link.reset()
                return true
            }
            guard link.toServer.isEndPassed && link.toClient.isEndPassed else { return false }
            link.close()
            return true
        }
    }
}
