import Cluster
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Daemon

/// A datagram socket that stands where systemd's would.
private final class Listener: Sendable {
    let descriptor: Int32
    let address: String

    /// - Parameter address: a path, or `@name` for an abstract socket.
    init(_ address: String) throws {
        self.address = address
        self.descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(address.utf8)
        if address.hasPrefix("@") { bytes[0] = 0 } else { bytes.append(0) }
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sockaddr_un>.offset(of: \.sun_path)! + bytes.count)
        let bound = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(self.descriptor, $0, length) }
        }
        try #require(bound == 0)
    }

    deinit { close(self.descriptor) }

    /// The next datagram; `nil` if none comes for so long.
    func next(within milliseconds: Int32 = 60_000) async -> String? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var wanted = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
                guard poll(&wanted, 1, milliseconds) == 1 else { return continuation.resume(returning: nil) }
                var bytes = [UInt8](repeating: 0, count: 4096)
                let count = recv(self.descriptor, &bytes, bytes.count, 0)
                continuation.resume(returning: String(decoding: bytes[..<max(count, 0)], as: UTF8.self))
            }
        }
    }

    /// Until a datagram satisfies it.
    func awaiting(_ wanted: (String) -> Bool) async -> Bool {
        while let text = await self.next() { if wanted(text) { return true } }
        return false
    }
}

@Suite("What a service tells systemd")
struct ServiceNoticesTests {
    private let directory = TemporaryDirectory()

    @Test("Datagrams arrive at a path and at an abstract socket")
    func sockets() async throws {
        for address in ["\(self.directory.path)/notify", "@kafka-healer-\(getpid())-\(UInt32.random(in: 0 ... .max))"] {
            let listener = try Listener(address)
            let socket = try #require(NotifySocket(address))
            #expect(socket.send("READY=1", "STATUS=well"))
            #expect(await listener.next() == "READY=1\nSTATUS=well")
        }
    }

    @Test("Where nobody listens nothing is sent, and nothing fails")
    func nobody() throws {
        #expect(ServiceNotices(environment: [:]) == nil)
        for address in ["", "@", "relative", "vsock:2:1", "/" + String(repeating: "x", count: 200)] {
            #expect(NotifySocket(address) == nil)
        }
        #expect(try #require(NotifySocket("\(self.directory.path)/none")).send("READY=1") == false)
    }

    @Test("A watchdog that is meant for another process is none of ours")
    func watchdog() throws {
        func limit(_ environment: [String: String]) throws -> Duration? {
            try #require(
                ServiceNotices(environment: environment.merging(["NOTIFY_SOCKET": "/n"]) { $1 }, process: 7)
            ).watchdog
        }
        #expect(try limit(["WATCHDOG_USEC": "30000000"]) == .seconds(30))
        #expect(try limit(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"]) == .seconds(30))
        #expect(try limit(["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"]) == nil)
        #expect(try limit([:]) == nil)
        #expect(try limit(["WATCHDOG_USEC": "no"]) == nil)
    }

    private final class World: Sendable {
        let state = Mutex((alive: true, line: "main: follows"))
    }

    @Test("It is ready once, gives signs of life only while its loops turn, and says what has changed")
    func life() async throws {
        let listener = try Listener("\(self.directory.path)/notify")
        let notices = try #require(
            ServiceNotices(environment: ["NOTIFY_SOCKET": listener.address, "WATCHDOG_USEC": "60000"]))
        let world = World()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await notices.run(
                    isAlive: { world.state.withLock { $0.alive } }, line: { world.state.withLock { $0.line } },
                    time: BootClock())
            }
            #expect(await listener.next() == "READY=1\nSTATUS=main: follows")
            #expect(await listener.next() == "WATCHDOG=1")
            #expect(await listener.next() == "WATCHDOG=1")

            world.state.withLock { $0 = (false, "main: leads, epoch 2") }
            // Whatever was on its way comes before this.
            #expect(await listener.awaiting { $0 == "STATUS=main: leads, epoch 2" })
            #expect(await listener.next(within: 500) == nil, "the loops stand still, and nothing is to be heard")

            world.state.withLock { $0.alive = true }
            #expect(await listener.next() == "WATCHDOG=1")
            group.cancelAll()
        }
        notices.stopping()
        #expect(await listener.awaiting { $0 == "STOPPING=1\nSTATUS=stopping" })
    }
}
