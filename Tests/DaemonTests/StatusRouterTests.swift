import Admin
import Cluster
import Curl
import MicroHTTPD
import Testing

@testable import Daemon

@Suite("A healer's HTTP pages")
struct StatusRouterTests {
    private let router = StatusRouter(SampleSource())

    private func get(_ path: String, _ query: [HTTPRequest.Field] = []) async -> HTTPResponse {
        await self.router.answer(HTTPRequest(method: "GET", path: path, query: query))
    }

    private func problem(_ response: HTTPResponse) throws -> APIProblem {
        try AdminJSON.decode(APIProblem.self, from: response.body)
    }

    @Test("Every page answers 200 in JSON that is the page")
    func pages() async throws {
        func page<Page: Decodable>(
            _ type: Page.Type, _ path: String, _ query: [HTTPRequest.Field] = []
        ) async throws -> Page {
            let response = await self.get(path, query)
            #expect(response.status == 200, "\(path)")
            #expect(response.headers.contains(HTTPRequest.Field("Content-Type", "application/json")), "\(path)")
            return try AdminJSON.decode(type, from: response.body)
        }
        #expect(try await page(StatusPage.self, "/api/v1/status").mode == "heal")
        #expect(try await page(NodesPage.self, "/api/v1/nodes").nodes.count == 1)
        #expect(try await page(PartitionsPage.self, "/api/v1/partitions").counts.total == 0)
        #expect(try await page(IncidentsPage.self, "/api/v1/incidents").incidents.count == 1)
        #expect(try await page(IncidentPage.self, "/api/v1/incidents/4-1").incident.code == "brokerDead")
        let check = try await page(
            CheckPage.self, "/api/v1/check", [HTTPRequest.Field("node", "kafka-1")])
        #expect(check.results.map(\.method) == [.socket])
        #expect(try await page(LeadershipPage.self, "/api/v1/leadership").incarnation == Incarnation("life-1"))
        #expect(try await page(Liveness.self, "/livez").alive)
        #expect(try await page(Readiness.self, "/readyz").ready)
    }

    @Test("The first cluster is meant unless another is named, and an unknown one is told the known ones")
    func clusters() async throws {
        func cluster(_ query: [HTTPRequest.Field]) async throws -> ClusterName {
            try AdminJSON.decode(StatusPage.self, from: await self.get("/api/v1/status", query).body).source.cluster
        }
        #expect(try await cluster([]) == ClusterName("main"))
        #expect(try await cluster([HTTPRequest.Field("cluster", "other")]) == ClusterName("other"))
        let unknown = await self.get("/api/v1/status", [HTTPRequest.Field("cluster", "x")])
        #expect(unknown.status == 404)
        #expect(try self.problem(unknown).hint == "This healer looks after: main, other.")
    }

    @Test("What is not there is 404, with a hint", arguments: ["/", "/api/v1/incidents/9-9", "/api/v1/incidents/"])
    func notFound(path: String) async throws {
        let response = await self.get(path)
        #expect(response.status == 404)
        #expect(try !self.problem(response).hint.isEmpty)
    }

    @Test("A check needs a node, and one that there is")
    func check() async throws {
        #expect(await self.get("/api/v1/check").status == 400)
        #expect(await self.get("/api/v1/check", [HTTPRequest.Field("node", "kafka-9")]).status == 404)
        let router = StatusRouter(SampleSource(brokersProblem: "no broker is known: b:1 does not answer"))
        for query in [[], [HTTPRequest.Field("node", "kafka-9")]] {
            let answer = await router.answer(HTTPRequest(method: "GET", path: "/api/v1/check", query: query))
            #expect(String(decoding: answer.body, as: UTF8.self).contains("b:1 does not answer"))
        }
    }

    @Test("Nothing can be written", arguments: ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    func readOnly(method: String) async throws {
        let response = await self.router.answer(HTTPRequest(method: method, path: "/api/v1/status"))
        #expect(response.status == 405)
        #expect(response.headers.contains(HTTPRequest.Field("Allow", "GET, HEAD")))
    }

    @Test("A loop that stands still is not live, and a healer without a session is not ready, but both answer")
    func unwell() async throws {
        let router = StatusRouter(SampleSource(alive: false, reasons: ["no session with ZooKeeper"]))
        #expect(await router.answer(HTTPRequest(method: "GET", path: "/livez")).status == 503)
        let ready = await router.answer(HTTPRequest(method: "GET", path: "/readyz"))
        #expect(ready.status == 503)
        #expect(
            try AdminJSON.decode(Readiness.self, from: ready.body).reasons == ["no session with ZooKeeper"])
    }

    @Test("The listener for metrics has metrics only")
    func metricsOnly() async throws {
        let router = StatusRouter(SampleSource(), pages: .metricsOnly)
        #expect(await router.answer(HTTPRequest(method: "GET", path: "/metrics")).status == 200)
        #expect(await router.answer(HTTPRequest(method: "GET", path: "/api/v1/status")).status == 404)
    }

    @Test("The pages are served over HTTP")
    func served() async throws {
        let router = self.router
        let server = try HTTPServer(host: "127.0.0.1", port: 0) { await router.answer($0) }
        async let running: Void = server.run()
        let client = HTTPClient()
        let status = try? await client.get("http://127.0.0.1:\(server.port)/api/v1/status", timeout: .seconds(60))
        let metrics = try? await client.get("http://127.0.0.1:\(server.port)/metrics", timeout: .seconds(60))
        await client.close()
        await server.stop()
        await running
        #expect(status?.status == 200)
        #expect(metrics?.body.isEmpty == false)
    }
}
