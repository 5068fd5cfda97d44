import Admin
import Cluster
import Dispatch
import FoundationEssentials
import Glibc
import Synchronization

/// Holds a connection to the API of whoever leads, and says when that healer's process is gone: its connection breaks,
/// and its address refuses, or another incarnation answers there.
///
/// A hint for speed, and no proof: a firewall can do the same. So it counts only for a leader that has answered here
/// before, and whoever follows it claims by a write that a living leader survives.
///
/// `@unchecked Sendable`: connections belong to its thread; everybody else leaves orders in the mutex and wakes it.
final class LeaderLink: @unchecked Sendable {
    struct Limits: Hashable, Sendable {
        /// For a connect, and for an answer. A leader that is silent is not gone: its pulse decides.
        var answer = Duration.seconds(3)
        /// Between two questions, so that the other side does not close an idle connection.
        var ask = Duration.seconds(5)
        /// Between two attempts that prove nothing.
        var retry = Duration.seconds(1)
        /// A connection made right after a death can land in the backlog of the dying listener, and break as well: for how
        /// long it is made again.
        var redial = Duration.seconds(1)
        /// How often at once, since a death takes one or two; then with pauses, since somebody is alive there and closes.
        var redialsAtOnce = 3
        var redialPause = Duration.milliseconds(1)
    }

    private enum Outcome: Equatable {
        case refused
        /// By the other side, in whatever way.
        case closed
        /// The process there is not the one that leads.
        case another
        /// No connection, or no answer that says anything.
        case nothing
        /// Another leader is to be watched, or none.
        case replaced
    }

    private struct Orders: Sendable {
        var leader: LeaderRecord.Holder?
        var number = 0
        var stop = false
    }

    private let cluster: ClusterName
    private let limits: Limits
    private let report: @Sendable (Report) -> Void
    private let orders = Mutex(Orders())
    private let pipe = WakePipe()

    enum Report: Hashable, Sendable {
        /// This incarnation has answered, for the first time or after it was lost.
        case answers(Incarnation)
        case isGone(Incarnation)
    }

    /// - Parameter report: called on the link's thread; must not wait.
    init(
        _ cluster: ClusterName, limits: Limits = Limits(), report: @escaping @Sendable (Report) -> Void
    ) {
        self.cluster = cluster
        self.limits = limits
        self.report = report
        runOnOwnThread { [self] in self.loop() }
    }

    /// From now on this one; `nil` for none.
    func watch(_ leader: LeaderRecord.Holder?) {
        self.order { orders in
            guard orders.leader != leader else { return }
            orders.leader = leader
            orders.number += 1
        }
    }

    /// Its thread ends soon; does not wait for it, since it may be with the name service.
    func stop() {
        self.order { orders in
            orders.stop = true
            orders.number += 1
        }
    }

    private func order(_ change: (inout Orders) -> Void) {
        self.orders.withLock { change(&$0) }
        self.pipe.wake()
    }

    // MARK: The thread

    private func loop() {
        while true {
            let orders = self.orders.withLock { $0 }
            if orders.stop { return }
            if let leader = orders.leader, let endpoint = Endpoint(authority: leader.address) {
                self.attend(leader, endpoint, orders.number)
            } else {
                _ = self.awaitSocket(-1, 0, until: Moment(nanoseconds: .max), orders.number)
            }
        }
    }

    /// Until another leader is to be watched.
    private func attend(_ leader: LeaderRecord.Holder, _ endpoint: Endpoint, _ number: Int) {
        // A name may stand for several addresses, or for another one a moment later: the next is tried until one has answered.
        var addresses: [Address] = []
        var address: Address?
        // It has answered here; and since when connections to it have been breaking, how many.
        var isKnown = false
        var broken: (since: Moment, count: Int)?
        while self.isCurrent(number) {
            if address == nil {
                if addresses.isEmpty { addresses = (try? Address.resolveAll(endpoint, numericOnly: false)) ?? [] }
                address = addresses.isEmpty ? nil : addresses.removeFirst()
            }
            var outcome = Outcome.nothing
            if let address {
                outcome = self.visit(address, leader, endpoint, number) {
                    if !isKnown { self.report(.answers(leader.incarnation)) }
                    isKnown = true
                    broken = nil
                }
            }
            switch outcome {
            case .replaced: return
            case .refused where isKnown, .another where isKnown:
                self.report(.isGone(leader.incarnation))
                isKnown = false
            case .closed where isKnown:
                let now = bootTime()
                let (since, count) = broken ?? (now, 0)
                broken = (since, count + 1)
                if now - since < self.limits.redial {
                    if count >= self.limits.redialsAtOnce { self.pause(self.limits.redialPause, number) }
                    continue
                }
                isKnown = false
            case .refused, .another, .closed, .nothing: break
            }
            broken = nil
            if !isKnown { address = nil }
            self.pause(self.limits.retry, number)
        }
    }

    private func isCurrent(_ number: Int) -> Bool { self.orders.withLock { $0.number == number } }

    private func pause(_ duration: Duration, _ number: Int) {
        _ = self.awaitSocket(-1, 0, until: bootTime() + duration, number)
    }

    /// One connection, from its beginning to its end.
    private func visit(
        _ address: Address, _ leader: LeaderRecord.Holder, _ endpoint: Endpoint, _ number: Int, answered: () -> Void
    ) -> Outcome {
        let socket = Glibc.socket(
            address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue),
            0)
        guard socket >= 0 else { return .nothing }
        defer { close(socket) }
        var on: Int32 = 1
        setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        if address.connect(socket) != 0 {
            guard errno == EINPROGRESS else { return errno == ECONNREFUSED ? .refused : .nothing }
            switch self.awaitSocket(socket, POLLOUT, until: bootTime() + self.limits.answer, number) {
            case .replaced: return .replaced
            case .late: return .nothing
            case .ready: break
            }
            var code: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(socket, SOL_SOCKET, SO_ERROR, &code, &size)
            switch code {
            case 0: break
            case ECONNREFUSED: return .refused
            case ECONNRESET: return .closed
            default: return .nothing
            }
        }
        while true {
            let question = "GET \(Self.path)?cluster=\(self.cluster) HTTP/1.1\r\nHost: \(endpoint)\r\n\r\n"
            // So few bytes fit into any socket buffer; what goes wrong is seen by the next read.
            _ = send(socket, question, question.utf8.count, Int32(MSG_NOSIGNAL))
            switch self.answer(from: socket, number) {
            case .failure(let outcome): return outcome.outcome
            case .success(let page):
                guard page.incarnation == leader.incarnation else { return .another }
                answered()
            }
            // Nothing comes until the next question but the end.
            switch self.awaitSocket(socket, POLLIN, until: bootTime() + self.limits.ask, number) {
            case .replaced: return .replaced
            case .ready: return .closed
            case .late: break
            }
        }
    }

    static let path = "/api/v1/leadership"
    /// More is no answer to this question.
    private static let answerLimit = 16384

    private struct NoAnswer: Error { let outcome: Outcome }

    private func answer(from socket: Int32, _ number: Int) -> Result<LeadershipPage, NoAnswer> {
        let end = bootTime() + self.limits.answer
        var received: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 4096)
        while received.count <= Self.answerLimit {
            switch self.awaitSocket(socket, POLLIN, until: end, number) {
            case .replaced: return .failure(NoAnswer(outcome: .replaced))
            case .late: return .failure(NoAnswer(outcome: .nothing))
            case .ready: break
            }
            let count = recv(socket, &bytes, bytes.count, 0)
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            guard count > 0 else { return .failure(NoAnswer(outcome: .closed)) }
            received += bytes[..<count]
            guard let body = LeadershipAnswer.body(of: received) else { continue }
            guard let page = try? AdminJSON.decode(LeadershipPage.self, from: body), page.cluster == self.cluster
            else { break }
            return .success(page)
        }
        // Not a healer, or one that is only starting.
        return .failure(NoAnswer(outcome: .nothing))
    }

    private enum Waited { case ready, late, replaced }

    private func awaitSocket(_ socket: Int32, _ events: Int32, until end: Moment, _ number: Int) -> Waited {
        while self.isCurrent(number) {
            let now = bootTime()
            guard now < end else { return .late }
            // A negative descriptor is left out.
            var polled = [
                pollfd(fd: self.pipe.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: socket, events: Int16(events), revents: 0),
            ]
            let wait = min((end.nanoseconds - now.nanoseconds) / 1_000_000 + 1, 60_000)
            guard poll(&polled, nfds_t(polled.count), Int32(wait)) > 0 else { continue }
            if polled[0].revents != 0 { self.pipe.drain() }
            if polled[1].revents != 0 { return self.isCurrent(number) ? .ready : .replaced }
        }
        return .replaced
    }
}

/// Just enough of HTTP/1.1 to read one answer of a healer's own server, which always states the length.
enum LeadershipAnswer {
    /// `nil` while it is not complete. Empty for anything but a 200.
    static func body(of bytes: [UInt8]) -> [UInt8]? {
        let blank = Array("\r\n\r\n".utf8)
        guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: blank) }) else { return nil }
        let lines = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n")
        guard lines.first?.hasPrefix("HTTP/1.1 200 ") ?? false else { return [] }
        let length = lines.lazy.map { $0.lowercased() }.first { $0.hasPrefix("content-length:") }
            .flatMap { Int($0.dropFirst("content-length:".count).filter { $0 != " " && $0 != "\t" }) }
        guard let length else { return [] }
        let body = bytes[(end + blank.count)...]
        return body.count < length ? nil : Array(body.prefix(length))
    }
}

extension Endpoint {
    /// From `host:port`, an IPv6 address in brackets, as ``description`` writes it; `nil` if it is nothing like that.
    init?(authority: String) {
        guard let colon = authority.lastIndex(of: ":"), let port = UInt16(authority[authority.index(after: colon)...])
        else { return nil }
        var host = authority[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, port > 0 else { return nil }
        self.init(host: String(host), port: port)
    }
}
