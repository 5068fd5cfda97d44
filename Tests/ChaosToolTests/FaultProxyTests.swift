import Cluster
import Foundation
import Synchronization
import Testing

@testable import ChaosTool

@Suite("Fault proxy", .timeLimit(.minutes(2)), .serialized)
struct FaultProxyTests {
    let server: EchoServer
    let proxy: FaultProxy

    init() throws {
        self.server = try EchoServer()
        self.proxy = try FaultProxy(to: Endpoint(host: "127.0.0.1", port: self.server.port))
    }

    private func connect() throws -> Client {
        try Client(port: self.proxy.endpoint.port)
    }

    /// Asks for the status until it is so.
    private func until(_ isSo: (ProxyStatus) -> Bool) async throws {
        for _ in 0..<6000 {
            if isSo(try await self.proxy.order(.status)) { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        Issue.record("not in time: \(try await self.proxy.order(.status).line)")
    }

    @Test("Bytes pass both ways, and the end of a connection passes after them")
    func passes() async throws {
        let connection = try self.connect()
        try connection.send(Array("hello".utf8))
        #expect(try connection.receive(5) == Array("hello".utf8))
        try connection.send(Array("quit".utf8))
        #expect(try connection.receiveAll() == Array("quit".utf8))
        try await self.until { $0.connections == 0 || $0.heldToClient == 0 }
        await self.proxy.close()
    }

    @Test("What is held arrives whole and in order when it is released", arguments: ProxyDirection.allCases)
    func holds(direction: ProxyDirection) async throws {
        let connection = try self.connect()
        try connection.send([1])
        #expect(try connection.receive(1) == [1])
        try await self.proxy.hold(direction)
        try connection.send([2, 3])
        try connection.send([4])
        try await self.until { (direction == .toServer ? $0.heldToServer : $0.heldToClient) == 3 }
        #expect(self.server.received == (direction == .toServer ? 1 : 4))
        try await self.proxy.release()
        #expect(try connection.receive(3) == [2, 3, 4])
        await self.proxy.close()
    }

    @Test("The request with the awaited bytes reaches the server, and its reply nobody until the release")
    func holdsAfter() async throws {
        let connection = try self.connect()
        let other = try self.connect()
        try connection.send(Array("recoveries/kafka-1".utf8))
        _ = try connection.receive(18)
        try await self.proxy.holdReplies(after: "recoveries/kafka-2")
        try connection.send(Array("recoveries/kafka-1".utf8))
        _ = try connection.receive(18)
        #expect(try await self.proxy.order(.status).armed)

        // In two parts, so that the bytes are split between two reads.
        try connection.send(Array("multi recover".utf8))
        _ = try connection.receive(13)
        try connection.send(Array("ies/kafka-2 {…}".utf8))
        var events = self.proxy.events.makeAsyncIterator()
        #expect(await events.next() == .heldAfter)
        let rest = "ies/kafka-2 {…}".utf8.count
        try await self.until { $0.heldToClient == rest }
        #expect(self.server.received == 36 + 13 + rest)
        let status = try await self.proxy.order(.status)
        #expect(status.held == [.toClient] && !status.armed)

        // Everybody's replies wait, those of other connections too.
        try other.send([7])
        try await self.until { $0.heldToClient == rest + 1 }
        try await self.proxy.release()
        #expect(try connection.receive(rest) == Array("ies/kafka-2 {…}".utf8))
        #expect(try other.receive(1) == [7])
        await self.proxy.close()
    }

    @Test("Bytes vanish in a cut, and a connection that has lost some is reset when it is healed")
    func cuts() async throws {
        let hurt = try self.connect()
        let whole = try self.connect()
        try hurt.send([1])
        try whole.send([1])
        #expect(try hurt.receive(1) == [1])
        #expect(try whole.receive(1) == [1])
        try await self.proxy.order(.cut([.toClient]))
        try hurt.send([2])
        // One way only: the request arrived, its echo is lost.
        try await self.until { $0.damaged == 1 }
        #expect(self.server.received == 3)
        try await self.proxy.order(.heal)
        #expect(throws: SandboxError.self) { try hurt.receive(1) }
        try whole.send([3])
        #expect(try whole.receive(1) == [3])
        await self.proxy.close()
    }

    @Test("A reset ends every connection at once")
    func resets() async throws {
        let connection = try self.connect()
        try connection.send([1])
        #expect(try connection.receive(1) == [1])
        let status = try await self.proxy.order(.reset)
        #expect(status.connections == 0)
        #expect(throws: SandboxError.self) { try connection.receive(1) }
        await self.proxy.close()
    }

    @Test("While it refuses, nobody new gets in, and who is in stays; then the same port is open again")
    func refuses() async throws {
        let connection = try self.connect()
        try connection.send([1])
        #expect(try connection.receive(1) == [1])
        try await self.proxy.order(.refuse)
        #expect(throws: SandboxError.self) { _ = try self.connect() }
        try connection.send([2])
        #expect(try connection.receive(1) == [2])
        try await self.proxy.order(.accept)
        let late = try self.connect()
        try late.send([3])
        #expect(try late.receive(1) == [3])
        await self.proxy.close()
    }

    @Test("A delay counts for both ways")
    func delays() async throws {
        let connection = try self.connect()
        try connection.send([1])
        #expect(try connection.receive(1) == [1])
        try await self.proxy.order(.delay(.milliseconds(100)))
        let begin = HostClock.now
        try connection.send([2])
        #expect(try connection.receive(1) == [2])
        #expect(HostClock.now - begin >= .milliseconds(200))
        await self.proxy.close()
    }

    @Test("Jitter comes on top of a delay, and no byte overtakes another")
    func jitters() async throws {
        let connection = try self.connect()
        try await self.proxy.order(.delay(.milliseconds(20)))
        try await self.proxy.order(.jitter(.milliseconds(40)))
        let begin = HostClock.now
        for byte in UInt8(0)..<20 {
            try connection.send([byte])
            try await Task.sleep(for: .milliseconds(2))
        }
        #expect(try connection.receive(20) == Array(0..<20))
        #expect(HostClock.now - begin >= .milliseconds(40))
        await self.proxy.close()
    }

    @Test("A narrow link takes its time for every byte")
    func narrows() async throws {
        let connection = try self.connect()
        try connection.send([1])
        #expect(try connection.receive(1) == [1])
        try await self.proxy.order(.bandwidth(50_000))
        let begin = HostClock.now
        let bytes = [UInt8](repeating: 9, count: 10_000)
        try connection.send(bytes)
        // There and back.
        #expect(try connection.receive(bytes.count) == bytes)
        #expect(HostClock.now - begin >= .milliseconds(390))
        await self.proxy.close()
    }

    @Test("Half open, the server's side is gone and the client is not told, until it is healed")
    func halfOpen() async throws {
        let connection = try self.connect()
        try connection.send([1])
        #expect(try connection.receive(1) == [1])
        try await self.proxy.order(.halfOpen)
        try connection.send([2, 3])
        let late = try self.connect()
        try late.send([4])
        try await self.until { $0.connections == 2 && $0.damaged == 2 }
        // Nothing more arrived, and both still believe that they are connected.
        #expect(self.server.received == 1)
        try await self.proxy.order(.heal)
        #expect(throws: SandboxError.self) { try connection.receive(1) }
        let healed = try self.connect()
        try healed.send([5])
        #expect(try healed.receive(1) == [5])
        await self.proxy.close()
    }

    @Test("The first bytes of a connection say what the substitution says, and later ones what was sent")
    func substitutes() async throws {
        let proxy = try FaultProxy(
            to: Endpoint(host: "127.0.0.1", port: self.server.port),
            substitution: ProxySubstitution(old: Array("127.0.0.1:7".utf8), new: Array("127.0.0.4:7".utf8)))
        let connection = try Client(port: proxy.endpoint.port)
        try connection.send(Array("me: 127.0.0.1:7".utf8))
        #expect(try connection.receive(15) == Array("me: 127.0.0.4:7".utf8))
        try connection.send(Array("127.0.0.1:7".utf8))
        #expect(try connection.receive(11) == Array("127.0.0.1:7".utf8))
        await proxy.close()
        await self.proxy.close()
    }

    @Test("A held direction takes no more than its bound; the sender waits, and nothing is lost")
    func bounded() async throws {
        let connection = try self.connect()
        try connection.send(Array("count".utf8))
        #expect(try connection.receive(5) == Array("count".utf8))
        try await self.proxy.hold(.toServer)
        let size = 16 << 20
        let port = self.proxy.endpoint.port
        async let sent: Void = blocking {
            let sender = try Client(port: port)
            try sender.send(Array("discard".utf8) + [UInt8](repeating: 7, count: size))
        }
        try await self.until { $0.heldToServer >= ProxyStream.bound }
        #expect(try await self.proxy.order(.status).heldToServer < ProxyStream.bound + ProxyStream.portion)
        try await self.proxy.release()
        try await sent
        let all = size + 7 + 5
        for _ in 0..<6000 where self.server.received < all { try await Task.sleep(for: .milliseconds(5)) }
        #expect(self.server.received == all)
        await self.proxy.close()
    }

    @Test("Without a server the client's connection is reset, as if there were no proxy")
    func noServer() async throws {
        let closed = try EchoServer()
        let port = closed.port
        closed.close()
        let proxy = try FaultProxy(to: Endpoint(host: "127.0.0.1", port: port))
        let connection = try Client(port: proxy.endpoint.port)
        #expect(throws: SandboxError.self) { try connection.receive(1) }
        await proxy.close()
    }

    @Test("After its end the port is free, and orders fail")
    func closes() async throws {
        await self.proxy.close()
        await self.proxy.close()
        #expect(throws: SandboxError.self) { _ = try self.connect() }
        await #expect(throws: SandboxError.self) { try await self.proxy.order(.status) }
    }

    @Test("The control channel answers each line when it is in force, and says what happens")
    func control() async throws {
        let control = Endpoint(host: "127.0.0.1", port: 0)
        let proxy = try FaultProxy(
            to: Endpoint(host: "127.0.0.1", port: self.server.port), control: .tcp(control))
        let address = try Endpoint(argument: try #require(proxy.control))
        let channel = try Client(port: address.port)
        func ask(_ line: String) throws -> String {
            try channel.send(Array((line + "\n").utf8))
            return try Self.line(channel)
        }
        #expect(try ask("hold to-client") == "ok hold to-client")
        #expect(
            try ask("status").hasPrefix("ok connections=0 damaged=0 held=to-client cut=none refusing=false armed=false")
        )
        #expect(try ask("release") == "ok release")
        #expect(try ask("hlod").contains("did you mean 'hold'?"))
        #expect(try ask("hold-after recoveries/kafka-2") == "ok hold-after recoveries/kafka-2")
        let connection = try Client(port: proxy.endpoint.port)
        try connection.send(Array("set recoveries/kafka-2".utf8))
        #expect(try Self.line(channel) == "event held-after")
        #expect(try ask("release") == "ok release")
        #expect(try connection.receive(22) == Array("set recoveries/kafka-2".utf8))
        await proxy.close()
        await self.proxy.close()
    }

    private static func line(_ channel: Client) throws -> String {
        var bytes: [UInt8] = []
        while bytes.last != UInt8(ascii: "\n") { bytes += try channel.receive(1) }
        return String(decoding: bytes.dropLast(), as: UTF8.self)
    }

    @Test("A socket in the file system is gone after the end")
    func unix() async throws {
        let path = FileManager.default.temporaryDirectory.path + "/proxy-\(UInt32.random(in: 0 ... .max)).sock"
        let proxy = try FaultProxy(
            to: Endpoint(host: "127.0.0.1", port: self.server.port), control: try ProxyControlAddress("unix:\(path)"))
        #expect(access(path, F_OK) == 0)
        await proxy.close()
        #expect(access(path, F_OK) != 0)
        await self.proxy.close()
    }
}

/// A connection that closures may hold.
private final class Client {
    private let connection: LoopbackConnection
    init(port: UInt16) throws { self.connection = try LoopbackConnection(port: port, limit: .seconds(60)) }
    func send(_ bytes: [UInt8]) throws { try self.connection.send(bytes) }
    func receive(_ count: Int) throws -> [UInt8] { try self.connection.receive(count) }
    func receiveAll() throws -> [UInt8] { try self.connection.receiveAll() }
}

/// Sends back what it gets; closes after `quit`, and only counts on a connection that begins with `discard`.
final class EchoServer: Sendable {
    let port: UInt16
    private let listener: Int32
    private let counter = Counter()

    private final class Counter: Sendable { let bytes = Mutex(0) }

    init() throws {
        let listener = try ProxySocket.listen(Endpoint(host: "127.0.0.1", port: 0))
        _ = fcntl(listener, F_SETFL, 0)
        self.listener = listener
        self.port = ProxySocket.port(of: listener)
        Thread.detachNewThread { [counter] in
            while true {
                let client = Glibc.accept(listener, nil, nil)
                guard client >= 0 else { return }
                Thread.detachNewThread { Self.serve(client, counter) }
            }
        }
    }

    deinit { self.close() }

    /// In bytes, from all.
    var received: Int { self.counter.bytes.withLock { $0 } }

    func close() { shutdown(self.listener, Int32(SHUT_RDWR)) }

    private static func serve(_ client: Int32, _ counter: Counter) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var discards = false
        while true {
            let count = recv(client, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            counter.bytes.withLock { $0 += count }
            let text = buffer[..<count]
            if text.starts(with: "discard".utf8) { discards = true }
            if !discards { _ = send(client, buffer, count, Int32(MSG_NOSIGNAL)) }
            if text.elementsEqual("quit".utf8) { break }
        }
        Glibc.close(client)
    }
}
