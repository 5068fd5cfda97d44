import Admin
import Cluster
import Glibc
import MicroHTTPD
import Synchronization
import Testing

@testable import Daemon

@Suite("The connection to whoever leads", .serialized)
struct LeaderLinkTests {
    /// What the link has said.
    private final class Heard: Sendable {
        private let list = Mutex<[Incarnation]>([])
        var all: [Incarnation] { self.list.withLock { $0 } }
        func add(_ incarnation: Incarnation) { self.list.withLock { $0.append(incarnation) } }
    }

    private static let quick = LeaderLink.Limits(
        answer: .milliseconds(500), ask: .milliseconds(100), retry: .milliseconds(50), redial: .seconds(5))

    private func withLink(
        limits: LeaderLink.Limits = quick, _ body: (LeaderLink, Heard) async throws -> Void
    ) async throws {
        let heard = Heard()
        let link = LeaderLink(ClusterName("main"), limits: limits) { report in
            if case .isGone(let incarnation) = report { heard.add(incarnation) }
        }
        defer { link.stop() }
        try await body(link, heard)
    }

    private func leader(_ incarnation: String, at port: UInt16) -> LeaderRecord.Holder {
        LeaderRecord.Holder(
            member: HealerID("h"), incarnation: Incarnation(incarnation), address: "127.0.0.1:\(port)")
    }

    private func until(_ what: String, _ holds: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(60)
        while try await !holds() {
            try #require(ContinuousClock.now < end, "never came: \(what)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test("A leader whose connection breaks, and whose address refuses then, is gone; it is said once")
    func gone() async throws {
        let api = try SmallAPI("i1")
        try await self.withLink { link, heard in
            link.watch(self.leader("i1", at: api.server.port))
            try await self.until("asked") { api.questions > 0 }
            try await self.until("asked again over the same connection") { api.questions > 2 }
            #expect(heard.all.isEmpty)
            await api.stop()
            try await self.until("said") { !heard.all.isEmpty }
            try await Task.sleep(for: .milliseconds(300))
            #expect(heard.all == [Incarnation("i1")])
        }
    }

    @Test("A death is told without a pause: the connection is made again at once")
    func atOnce() async throws {
        let api = try SmallAPI("i1")
        var limits = Self.quick
        (limits.redialPause, limits.retry) = (.seconds(600), .seconds(600))
        try await self.withLink(limits: limits) { link, heard in
            link.watch(self.leader("i1", at: api.server.port))
            try await self.until("asked") { api.questions > 0 }
            await api.stop()
            try await self.until("said") { heard.all == [Incarnation("i1")] }
        }
    }

    @Test("A leader that closes an idle connection, and answers the next, is not gone")
    func closes() async throws {
        let api = try SmallAPI("i1", idle: .seconds(1))
        var limits = Self.quick
        limits.ask = .seconds(60)
        try await self.withLink(limits: limits) { link, heard in
            link.watch(self.leader("i1", at: api.server.port))
            try await self.until("asked over a second connection") { api.questions > 1 }
            #expect(heard.all.isEmpty)
        }
        await api.stop()
    }

    @Test("Another incarnation at the same address means that the one that led is gone")
    func another() async throws {
        let api = try SmallAPI("i1")
        try await self.withLink { link, heard in
            link.watch(self.leader("i1", at: api.server.port))
            try await self.until("asked") { api.questions > 0 }
            await api.stop()
            let next = try SmallAPI("i2", port: api.server.port)
            try await self.until("said") { !heard.all.isEmpty }
            #expect(heard.all == [Incarnation("i1")])
            await next.stop()
        }
    }

    @Test("A leader that has never answered here is not said to be gone, whoever answers or refuses")
    func neverKnown() async throws {
        let api = try SmallAPI("i2")
        try await self.withLink { link, heard in
            link.watch(self.leader("i1", at: api.server.port))
            try await self.until("asked several times") { api.questions > 2 }
            await api.stop()
            try await Task.sleep(for: .milliseconds(300))
            #expect(heard.all.isEmpty)
        }
    }

    @Test("A leader that accepts and is silent is not gone: a frozen process does so")
    func silent() async throws {
        let socket = try Listening()
        try await self.withLink { link, heard in
            link.watch(self.leader("i1", at: socket.port))
            try await Task.sleep(for: .milliseconds(1500))
            #expect(heard.all.isEmpty)
        }
    }

    @Test("After another leader was named, or none, the former one may go unsaid")
    func replaced() async throws {
        let (first, second) = (try SmallAPI("i1"), try SmallAPI("i2"))
        try await self.withLink { link, heard in
            link.watch(self.leader("i1", at: first.server.port))
            try await self.until("asked") { first.questions > 0 }
            link.watch(self.leader("i2", at: second.server.port))
            try await self.until("asked") { second.questions > 0 }
            await first.stop()
            link.watch(nil)
            await second.stop()
            try await Task.sleep(for: .milliseconds(300))
            #expect(heard.all.isEmpty)
        }
    }

    @Test(
        "An answer is read when it is complete, and anything but a 200 with a length is none",
        arguments: [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{", nil), ("HTTP/1.1 200 OK\r\nContent-Le", nil),
            ("HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\n{}", "{}"),
            ("HTTP/1.1 503 x\r\nContent-Length: 2\r\n\r\n{}", ""),
            ("HTTP/1.1 200 OK\r\n\r\n{}", ""),
        ] as [(String, String?)])
    func answers(text: String, body: String?) {
        #expect(LeadershipAnswer.body(of: Array(text.utf8)) == body.map { Array($0.utf8) })
    }

    @Test(
        "Addresses are read as they are written",
        arguments: [
            ("h1:8080", Endpoint(host: "h1", port: 8080)), ("[::1]:80", Endpoint(host: "::1", port: 80)), ("h1", nil),
            (":80", nil), ("h1:0", nil), ("h1:99999", nil),
        ] as [(String, Endpoint?)])
    func addresses(text: String, endpoint: Endpoint?) {
        #expect(Endpoint(authority: text) == endpoint)
    }
}

/// A port that accepts connections and never answers.
private struct Listening: ~Copyable {
    let descriptor: Int32
    let port: UInt16

    init() throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        self.port = UInt16(bigEndian: address.sin_port)
        try #require(isBound)
    }

    deinit { close(self.descriptor) }
}
