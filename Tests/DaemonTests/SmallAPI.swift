import Admin
import Cluster
import MicroHTTPD
import Synchronization

@testable import Daemon

/// A healer's API with nothing but what it says of itself; on the port of an earlier one, if told so.
final class SmallAPI: Sendable {
    let server: HTTPServer
    private let task: Task<Void, Never>
    private let count: Count

    final class Count: Sendable {
        private let value = Mutex(0)
        func add() { self.value.withLock { $0 += 1 } }
        var now: Int { self.value.withLock { $0 } }
    }
    var questions: Int { self.count.now }

    init(
        _ incarnation: String, leads: Bool = true, epoch: Int64 = 1, port: UInt16 = 0, idle: Duration = .seconds(15)
    ) throws {
        var limits = HTTPServer.Limits()
        limits.idle = idle
        limits.grace = .milliseconds(10)
        let count = Count()
        let server = try HTTPServer(host: "127.0.0.1", port: port, limits: limits) { request in
            count.add()
            let page = LeadershipPage(
                cluster: ClusterName(request.query("cluster") ?? ""), member: HealerID("h"),
                incarnation: Incarnation(incarnation), epoch: Epoch(epoch), leads: leads)
            return HTTPResponse(status: request.path == LeaderLink.path ? 200 : 404, body: AdminJSON.encode(page))
        }
        self.server = server
        self.count = count
        self.task = Task { await server.run() }
    }

    func stop() async {
        await self.server.stop()
        await self.task.value
    }
}
