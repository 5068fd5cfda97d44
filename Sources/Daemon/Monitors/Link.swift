import Cluster
import Glibc

/// One connection to one node, and the question that is asked over it. Lives on its ``LivenessMonitor``'s thread.
final class Link {
    enum Phase {
        case waiting(until: Moment)
        case resolving
        case connecting(Int32, since: Moment)
        case open(Int32, nextQuestion: Moment)
    }

    struct Limits: Hashable, Sendable {
        /// Between questions.
        var interval: Duration
        /// For a connect; a question unanswered for three times as long is asked again over a new connection.
        var timeout: Duration
        /// Between attempts to connect to a node that refuses.
        var retry = Duration.milliseconds(250)
    }

    let node: NodeName
    let endpoint: Endpoint
    let exchange: Exchange
    private let limits: Limits
    private let report: (Observation) -> Void
    private(set) var phase: Phase
    private var number: Int32 = 0
    private var received: [UInt8] = []
    /// Since when no question has been answered, and when it is next said that it still is so.
    private var unanswered: (since: Moment, sayAt: Moment)?
    /// When the last question was asked: over the present connection, since each new one is asked anew. An answer is as
    /// young as the question that it answers, or a node that was silent would never be heard again.
    private var askedAt = Moment.zero

    init(
        _ node: NodeName, _ endpoint: Endpoint, _ exchange: Exchange, _ limits: Limits,
        report: @escaping (Observation) -> Void
    ) {
        self.node = node
        self.endpoint = endpoint
        self.exchange = exchange
        self.limits = limits
        self.report = report
        self.phase = .waiting(until: .zero)
    }

    var descriptor: Int32? {
        switch self.phase {
        case .waiting, .resolving: nil
        case .connecting(let socket, _), .open(let socket, _): socket
        }
    }

    var events: Int16 {
        if case .connecting = self.phase { Int16(POLLOUT) } else { Int16(POLLIN) }
    }

    /// When ``tick(at:)`` has something to do if nothing happens before.
    var due: Moment {
        let say = self.unanswered?.sayAt
        switch self.phase {
        case .resolving: return say ?? Moment(nanoseconds: .max)
        case .waiting(let until): return min(until, say ?? until)
        case .connecting(_, let since): return min(since + self.limits.timeout, say ?? since + self.limits.timeout)
        case .open(_, let next): return min(say ?? next, next)
        }
    }

    /// Asks now instead of at the next turn.
    func hurry(at now: Moment) {
        switch self.phase {
        case .waiting: self.phase = .waiting(until: now)
        case .open(let socket, _) where self.unanswered == nil: self.phase = .open(socket, nextQuestion: now)
        case .resolving, .connecting, .open: break
        }
    }

    /// True when the address is wanted: the monitor then calls ``connect(to:at:)``.
    func tick(at now: Moment) -> Bool {
        if let open = self.unanswered, open.sayAt <= now {
            self.say(.silent(for: now - open.since), self.exchange.method, at: now)
            self.unanswered = (open.since, now + self.limits.interval)
        }
        switch self.phase {
        case .waiting(let until) where until <= now:
            self.phase = .resolving
            return true
        case .connecting(let socket, let since) where now - since >= self.limits.timeout:
            close(socket)
            if self.exchange.isOneShot == false { self.say(.connectTimedOut, .socket, at: now) }
            self.phase = .waiting(until: now + self.limits.retry)
        case .open(let socket, let next) where next <= now:
            if self.unanswered != nil {
                if now - self.askedAt >= self.limits.timeout * 3 {
                    // The question stays unanswered; whether the connection or the node is at fault, a new one will tell.
                    self.leave(socket, until: now)
                } else {
                    self.phase = .open(socket, nextQuestion: self.askedAt + self.limits.timeout * 3)
                }
            } else {
                self.ask(over: socket, at: now)
            }
        case .waiting, .resolving, .connecting, .open: break
        }
        return false
    }

    func unreachable(_ reason: String, at now: Moment) {
        if !self.exchange.isOneShot { self.say(.unreachable(reason: reason), .socket, at: now) }
        self.phase = .waiting(until: now + self.limits.interval)
    }

    func connect(to address: Address, at now: Moment) {
        let socket = Glibc.socket(
            address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
            0)
        guard socket >= 0 else {
            self.report(
                Observation(
                    at: now, method: self.exchange.method,
                    fact: .monitorFailed(self.node, reason: "no socket: \(String(cString: strerror(errno)))")))
            self.phase = .waiting(until: now + self.limits.interval)
            return
        }
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        if case .fourLetter = self.exchange, self.unanswered == nil {
            self.unanswered = (now, now + self.limits.timeout)
        }
        if address.connect(socket) == 0 || errno == EINPROGRESS {
            self.phase = .connecting(socket, since: now)
        } else {
            self.failed(to: socket, errno, at: now)
        }
    }

    /// The descriptor has something to say.
    func ready(at now: Moment) {
        switch self.phase {
        case .waiting, .resolving: break
        case .connecting(let socket, _):
            var code: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size)
            guard code == 0 else { return self.failed(to: socket, code, at: now) }
            self.phase = .open(socket, nextQuestion: now)
            if !self.exchange.isOneShot { self.say(.connected, .socket, at: now) }
            self.ask(over: socket, at: now)
        case .open(let socket, _): self.receive(from: socket, at: now)
        }
    }

    func hangUp() {
        if let socket = self.descriptor { close(socket) }
        self.phase = .waiting(until: Moment(nanoseconds: .max))
        self.unanswered = nil
    }

    private func ask(over socket: Int32, at now: Moment) {
        self.received = []
        self.number &+= 1
        let question = self.exchange.question(self.number)
        guard !question.isEmpty else {
            self.phase = .open(socket, nextQuestion: Moment(nanoseconds: .max))
            return
        }
        self.phase = .open(socket, nextQuestion: now + self.limits.interval)
        self.askedAt = now
        if self.unanswered == nil { self.unanswered = (now, now + self.limits.timeout) }
        // So few bytes fit into any socket buffer; what goes wrong is seen by the next read.
        _ = send(socket, question, question.count, Int32(MSG_NOSIGNAL))
    }

    private func receive(from socket: Int32, at now: Moment) {
        var bytes = [UInt8](repeating: 0, count: 16384)
        let count = recv(socket, &bytes, bytes.count, 0)
        if count < 0 {
            if errno == EAGAIN || errno == EINTR { return }
            if !self.exchange.isOneShot { self.say(.connectionReset, .socket, at: now) }
            return self.leave(socket, until: now)
        }
        if self.exchange != .none { self.received += bytes[..<count] }
        let asked = self.unanswered == nil ? nil : self.askedAt
        switch self.exchange.read(self.received, to: self.number, closed: count == 0) {
        case .incomplete:
            guard count == 0 else { return }
            if !self.exchange.isOneShot { self.say(.connectionClosed, .socket, at: now) }
            return self.leave(socket, until: now)
        case .answered:
            self.report(
                Observation(
                    at: asked ?? now, took: asked.map { now - $0 } ?? .zero, method: self.exchange.method,
                    fact: .node(self.node, .answered)))
        case .refused(let reason):
            self.say(.refusedToServe(reason: reason), self.exchange.method, at: now)
        case .notAllowed(let reason):
            self.report(
                Observation(at: now, method: self.exchange.method, fact: .monitorFailed(self.node, reason: reason)))
        }
        self.unanswered = nil
        self.received = []
        if self.exchange.isOneShot { self.leave(socket, until: now + self.limits.interval) }
    }

    private func failed(to socket: Int32, _ code: Int32, at now: Moment) {
        close(socket)
        self.phase = .waiting(until: now + self.limits.retry)
        if self.exchange.isOneShot {
            // The held connection says so; a question that was never put is not an unanswered one.
            if code == ECONNREFUSED { self.unanswered = nil }
            self.phase = .waiting(until: now + self.limits.interval)
            return
        }
        switch code {
        case ECONNREFUSED:
            self.unanswered = nil
            self.say(.connectionRefused, .socket, at: now)
        case ETIMEDOUT: self.say(.connectTimedOut, .socket, at: now)
        case ECONNRESET: self.say(.connectionReset, .socket, at: now)
        default: self.say(.unreachable(reason: String(cString: strerror(code))), .socket, at: now)
        }
    }

    private func leave(_ socket: Int32, until: Moment) {
        close(socket)
        self.received = []
        self.phase = .waiting(until: until)
    }

    private func say(_ fact: NodeFact, _ method: MonitorMethod, at now: Moment) {
        self.report(Observation(at: now, method: method, fact: .node(self.node, fact)))
    }
}
