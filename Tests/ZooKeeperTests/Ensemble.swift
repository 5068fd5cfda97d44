import Foundation
import Glibc
import struct Synchronization.Mutex
import Testing
import ZooKeeper

/// Three real ZooKeeper servers on loopback, in a temporary folder, for all tests of one run.
///
/// Each server is the child of a shell that waits for the end of its standard input and then kills it, so that nothing
/// stays behind however the run ends; the last one removes the folder.
final class Ensemble: Sendable {
    /// A server's process and the pipe that it lives by.
    struct Running: Sendable {
        let pid: pid_t
        let lifeline: FileHandle
    }

    let servers: [Server]
    private let classPath: String

    final class Server: Sendable {
        let number: Int
        let port: UInt16
        let folder: String
        let running = Mutex<Running?>(nil)
        init(number: Int, port: UInt16, folder: String) {
            self.number = number
            self.port = port
            self.folder = folder
        }
        var address: String { "127.0.0.1:\(self.port)" }
    }

    var connectString: String { self.servers.map(\.address).joined(separator: ",") }

    private static let starting = Task { try await Ensemble.start() }
    static var shared: Ensemble { get async throws { try await Self.starting.value } }

    private init(folder: String, classPath: String) throws {
        self.classPath = classPath
        let ports = freePorts(9)
        self.servers = (1...3).map { Server(number: $0, port: ports[$0 - 1], folder: "\(folder)/\($0)") }
        for server in self.servers {
            try FileManager.default.createDirectory(
                atPath: "\(server.folder)/data", withIntermediateDirectories: true)
            try Data("\(server.number)\n".utf8).write(to: URL(fileURLWithPath: "\(server.folder)/data/myid"))
            let peers = self.servers.map { peer in
                "server.\(peer.number)=127.0.0.1:\(ports[2 + peer.number]):\(ports[5 + peer.number])"
            }
            let settings = """
                tickTime=500
                initLimit=20
                syncLimit=10
                minSessionTimeout=1000
                maxSessionTimeout=60000
                maxClientCnxns=0
                admin.enableServer=false
                forceSync=no
                4lw.commands.whitelist=srvr
                dataDir=\(server.folder)/data
                clientPortAddress=127.0.0.1
                clientPort=\(server.port)
                \(peers.joined(separator: "\n"))

                """
            try Data(settings.utf8).write(to: URL(fileURLWithPath: "\(server.folder)/zoo.cfg"))
            let logging = """
                log4j.rootLogger=INFO, FILE
                log4j.appender.FILE=org.apache.log4j.FileAppender
                log4j.appender.FILE.File=\(server.folder)/server.log
                log4j.appender.FILE.layout=org.apache.log4j.PatternLayout
                log4j.appender.FILE.layout.ConversionPattern=%d %p %c{1}: %m%n

                """
            try Data(logging.utf8).write(to: URL(fileURLWithPath: "\(server.folder)/log4j.properties"))
        }
    }

    private static func start() async throws -> Ensemble {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("ensemble-\(UUID().uuidString)").path
        let ensemble = try Ensemble(folder: folder, classPath: try kafkaHome() + "/libs/*")
        for server in ensemble.servers { try ensemble.launch(server) }
        try await ensemble.everybodyServes()
        return ensemble
    }

    // MARK: One server

    func launch(_ server: Server) throws {
        let shell = Process()
        let lifeline = Pipe()
        let report = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/bin/bash")
        shell.arguments = [
            "-c",
            """
            trap '' INT TERM
            exec 3<&0 2>/dev/null
            java -Xmx96m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$1:$2" \
                org.apache.zookeeper.server.quorum.QuorumPeerMain "$2/zoo.cfg" </dev/null >"$2/out" 2>&1 3<&- &
            echo $!
            exec >&-
            read end <&3
            kill -KILL $! 2>/dev/null
            wait $!
            [ "$end" = again ] || rm -rf "${2%/*}"
            """,
            "ensemble", self.classPath, server.folder,
        ]
        shell.standardInput = lifeline
        shell.standardOutput = report
        try shell.run()
        let text = String(decoding: report.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let pid = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        server.running.withLock { $0 = Running(pid: pid, lifeline: lifeline.fileHandleForWriting) }
    }

    /// SIGKILL; returns once the process is gone.
    func kill(_ server: Server) async throws {
        guard let running = server.running.withLock({ $0 }) else { return }
        Glibc.kill(running.pid, SIGKILL)
        // Lets the shell go without removing the folder.
        try running.lifeline.write(contentsOf: Data("again\n".utf8))
        try running.lifeline.close()
        server.running.withLock { $0 = nil }
        try await until("server \(server.number) is gone") { Glibc.kill(running.pid, 0) != 0 }
    }

    /// Returns once every thread stands still: on a busy machine a process goes on for a while, and answers.
    func freeze(_ server: Server) async throws {
        guard let running = server.running.withLock({ $0 }) else { return }
        Glibc.kill(running.pid, SIGSTOP)
        try await until("server \(server.number) stands still") { standsStill(running.pid) }
    }

    func thaw(_ server: Server) {
        if let running = server.running.withLock({ $0 }) { Glibc.kill(running.pid, SIGCONT) }
    }

    // MARK: All of them

    /// Undoes what a test has done to the servers.
    func restore() async throws {
        for server in self.servers {
            self.thaw(server)
            if server.running.withLock({ $0 == nil }) { try self.launch(server) }
        }
        try await self.everybodyServes()
    }

    func everybodyServes() async throws {
        for server in self.servers {
            try await until("server \(server.number) serves") { modeOf(server.port) != nil }
        }
    }

    func server(at address: String?) throws -> Server {
        try #require(self.servers.first { $0.address == address }, "no server at \(address ?? "nil")")
    }
}

/// Whether every thread of a process is stopped.
private func standsStill(_ pid: pid_t) -> Bool {
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
    return threads.allSatisfy { thread in
        let stat = (try? String(contentsOfFile: "/proc/\(pid)/task/\(thread)/stat", encoding: .utf8)) ?? ""
        // The name before it may hold anything.
        return stat.split(separator: ")").last?.hasPrefix(" T") ?? false
    }
}

/// `leader` or `follower`; `nil` while the server serves nobody.
func modeOf(_ port: UInt16) -> String? {
    let socket = connectTo(port)
    defer { close(socket) }
    var limit = timeval(tv_sec: 1, tv_usec: 0)
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard send(socket, "srvr", 4, Int32(MSG_NOSIGNAL)) == 4 else { return nil }
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 4096)
    while case let count = recv(socket, &buffer, buffer.count, 0), count > 0 {
        text += String(decoding: buffer[..<count], as: UTF8.self)
    }
    return text.split(separator: "\n").first { $0.hasPrefix("Mode: ") }.map { String($0.dropFirst(6)) }
}

/// A socket that is connected to a port of loopback, if anybody listens there.
func connectTo(_ port: UInt16) -> Int32 {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = loopback(port)
    withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            _ = connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
    return socket
}

private func loopback(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
    return address
}

/// Ports that nobody uses now, all different.
private func freePorts(_ count: Int) -> [UInt16] {
    let sockets = (0..<count).map { _ in Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
    defer { sockets.forEach { close($0) } }
    return sockets.map { socket in
        var address = loopback(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        return withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(socket, generic, length)
                getsockname(socket, generic, &length)
            }
            return UInt16(bigEndian: address.pointee.sin_port)
        }
    }
}

/// What `scripts/kafka-home` prints.
private func kafkaHome() throws -> String {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    let script = Process()
    let output = Pipe()
    script.executableURL = root.appendingPathComponent("scripts/kafka-home")
    script.standardOutput = output
    try script.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    script.waitUntilExit()
    try #require(script.terminationStatus == 0, "scripts/kafka-home found no Kafka")
    return text.trimmingCharacters(in: .whitespacesAndNewlines)
}

struct NeverHappened: Error, CustomStringConvertible {
    let description: String
}

/// Waits for something that can only be asked for.
func until(_ what: String, within limit: Duration = .seconds(60), _ holds: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !holds() {
        guard ContinuousClock.now < deadline else { throw NeverHappened(description: what) }
        try await Task.sleep(for: .milliseconds(10))
    }
}
