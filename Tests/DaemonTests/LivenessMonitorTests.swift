import Cluster
import Foundation
import Glibc
import Synchronization
import Testing

@testable import Daemon

/// A listening socket on loopback that does what a test tells it.
private final class Listener: Sendable {
    let descriptor: Int32
    let endpoint: Endpoint

    init(backlog: Int32 = 16) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, backlog) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        try #require(bound)
        self.endpoint = Endpoint(host: "127.0.0.1", port: UInt16(bigEndian: address.sin_port))
    }

    /// Waits for a connection on a thread that may wait.
    func accept() async -> Int32 {
        let descriptor = self.descriptor
        return await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: Glibc.accept(descriptor, nil, nil)) }
        }
    }
    func close() { _ = Glibc.close(self.descriptor) }
}

/// All that a monitor reports, as a stream.
private final class Reports: Sendable {
    let stream: AsyncStream<Observation>
    let sink: AsyncStream<Observation>.Continuation
    init() { (self.stream, self.sink) = AsyncStream.makeStream() }

    /// The first fact that fits; fails after a minute.
    func first(where fits: @escaping @Sendable (Observation.Fact) -> Bool) async throws -> Observation {
        try await withThrowingTaskGroup(of: Observation?.self) { group in
            group.addTask {
                for await report in self.stream where fits(report.fact) { return report }
                return nil
            }
            group.addTask {
                try await Task.sleep(for: .seconds(60))
                return nil
            }
            let found = try await group.next()!
            group.cancelAll()
            return try #require(found)
        }
    }
}

private func bytes(_ socket: Int32, _ count: Int) async -> [UInt8] {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async {
            var buffer = [UInt8](repeating: 0, count: 512)
            let read = recv(socket, &buffer, count, 0)
            continuation.resume(returning: Array(buffer.prefix(max(read, 0))))
        }
    }
}

@Suite("A held connection tells at once what happened to a node", .serialized)
struct LivenessMonitorTests {
    private let node = NodeName("kafka-1")

    /// - Parameter timeout: longer than any pause of a busy machine where a test must answer in time.
    private func monitor(
        _ exchange: Exchange, _ endpoint: Endpoint, _ reports: Reports, timeout: Duration = .seconds(60)
    ) -> LivenessMonitor {
        let limits = Link.Limits(interval: .milliseconds(50), timeout: timeout, retry: .milliseconds(50))
        let monitor = LivenessMonitor(limits) { reports.sink.yield($0) }
        monitor.watch([.init(node: self.node, endpoint: endpoint, exchanges: [exchange])])
        return monitor
    }

    private func reported(_ fact: NodeFact) -> @Sendable (Observation.Fact) -> Bool {
        let node = self.node
        return { $0 == .node(node, fact) }
    }

    @Test("A broker that answers ApiVersions is answered, once for each question")
    func answers() async throws {
        let listener = try Listener()
        let reports = Reports()
        let monitor = self.monitor(.apiVersions, listener.endpoint, reports)
        defer {
            monitor.stop()
            listener.close()
        }
        let socket = await listener.accept()
        let question = await bytes(socket, 512)
        #expect(Array(question[4..<8]) == [0, 18, 0, 0])
        let answer: [UInt8] = [0, 0, 0, 10] + question[8..<12] + [0, 0, 0, 0, 0, 0]
        // In two parts, as a network may deliver it.
        send(socket, Array(answer.prefix(5)), 5, 0)
        send(socket, Array(answer.dropFirst(5)), answer.count - 5, 0)
        _ = try await reports.first(where: self.reported(.answered))
        close(socket)
    }

    @Test("A reset is told from an orderly close, and a closed port from both")
    func ends() async throws {
        let listener = try Listener()
        let reports = Reports()
        let monitor = self.monitor(.none, listener.endpoint, reports)
        defer { monitor.stop() }
        let first = await listener.accept()
        close(first)
        _ = try await reports.first(where: self.reported(.connectionClosed))
        let second = await listener.accept()
        listener.close()
        var abort = linger(l_onoff: 1, l_linger: 0)
        setsockopt(second, SOL_SOCKET, SO_LINGER, &abort, socklen_t(MemoryLayout<linger>.size))
        close(second)
        _ = try await reports.first(where: self.reported(.connectionReset))
        _ = try await reports.first(where: self.reported(.connectionRefused))
    }

    @Test("A process that accepts and says nothing is silent, for as long as it lasts")
    func silent() async throws {
        let listener = try Listener()
        let reports = Reports()
        let monitor = self.monitor(.apiVersions, listener.endpoint, reports, timeout: .milliseconds(500))
        defer {
            monitor.stop()
            listener.close()
        }
        let node = self.node
        _ = try await reports.first {
            if case .node(node, .silent(let since)) = $0 { since > .seconds(3) } else { false }
        }
    }

    @Test("A process that was silent for long is heard again, by a question that is asked anew")
    func heardAgain() async throws {
        let listener = try Listener()
        let reports = Reports()
        let monitor = self.monitor(.apiVersions, listener.endpoint, reports, timeout: .milliseconds(500))
        defer {
            monitor.stop()
            listener.close()
        }
        let node = self.node
        // Nothing is answered until the monitor gives the connection up.
        let first = await listener.accept()
        let silent = try await reports.first {
            if case .node(node, .silent(let since)) = $0 { since > .seconds(1) } else { false }
        }
        let second = await listener.accept()
        let question = await bytes(second, 512)
        try #require(question.count >= 12)
        let answer: [UInt8] = [0, 0, 0, 10] + question[8..<12] + [0, 0, 0, 0, 0, 0]
        send(second, answer, answer.count, 0)
        let answered = try await reports.first(where: self.reported(.answered))
        // Whoever compares the two must find the answer newer, or the silence would last for ever.
        #expect(answered.at > silent.at)
        close(first)
        close(second)
    }

    @Test(
        "What a ZooKeeper server answers to srvr is understood",
        arguments: [
            ("Zookeeper version: 3.8.4\nMode: follower\n", NodeFact.answered),
            (
                "This ZooKeeper instance is not currently serving requests\n",
                .refusedToServe(reason: "not currently serving requests")
            ),
            ("", .refusedToServe(reason: "closed without an answer")),
        ])
    func fourLetter(answer: String, fact: NodeFact) async throws {
        let listener = try Listener()
        let reports = Reports()
        let monitor = self.monitor(.fourLetter("srvr"), listener.endpoint, reports)
        defer {
            monitor.stop()
            listener.close()
        }
        let socket = await listener.accept()
        #expect(await bytes(socket, 4) == Array("srvr".utf8))
        send(socket, answer, answer.utf8.count, 0)
        close(socket)
        _ = try await reports.first(where: self.reported(fact))
    }

    @Test("A word that the server does not allow is the monitor's failure, not the server's")
    func notAllowed() {
        let exchange = Exchange.fourLetter("mntr")
        let answer = Array("mntr is not executed because it is not in the whitelist.\n".utf8)
        guard case .notAllowed = exchange.read(answer, to: 1, closed: true) else {
            Issue.record("understood as something else")
            return
        }
    }

    @Test(
        "An answer that makes no sense is said to make none, and is not waited for",
        arguments: [
            [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0], [0, 0, 0, 10, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0],
            [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0], [0, 0, 0, 6, 0, 0, 0, 1, 0, 35],
        ] as [[UInt8]])
    func nonsense(answer: [UInt8]) {
        guard case .refused = Exchange.apiVersions.read(answer, to: 1, closed: false) else {
            Issue.record("understood as something else")
            return
        }
    }
}
