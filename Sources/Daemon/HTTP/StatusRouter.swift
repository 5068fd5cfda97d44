import Admin
import Cluster
import MicroHTTPD

/// What each path of a healer's HTTP server answers. Read-only: operators' writes go from `healerctl` to ZooKeeper.
struct StatusRouter: Sendable {
    enum Pages: Sendable {
        case all
        /// For the additional listener of `METRICS_PORT`.
        case metricsOnly
    }

    private let source: any StatusSource
    private let pages: Pages

    init(_ source: any StatusSource, pages: Pages = .all) {
        self.source = source
        self.pages = pages
    }

    static let paths = [
        "/livez", "/readyz", "/metrics", "/api/v1/status", "/api/v1/nodes", "/api/v1/partitions", "/api/v1/incidents",
        "/api/v1/incidents/<id>", "/api/v1/check?node=<name>", "/api/v1/leadership",
    ]

    func answer(_ request: HTTPRequest) async -> HTTPResponse {
        guard request.method == "GET" || request.method == "HEAD" else {
            var response = Self.problem(
                405, "\(request.method) is not possible here",
                hint: "The API is read-only: use GET; healerctl writes what is to change.")
            response.headers.append(HTTPRequest.Field("Allow", "GET, HEAD"))
            return response
        }
        do throws(Failure) {
            return try await self.page(request)
        } catch {
            return Self.problem(error.status, error.problem.error, hint: error.problem.hint)
        }
    }

    private struct Failure: Error {
        let status: Int
        let problem: APIProblem
        init(_ status: Int, _ error: String, hint: String) {
            self.status = status
            self.problem = APIProblem(error, hint: hint)
        }
    }

    private func page(_ request: HTTPRequest) async throws(Failure) -> HTTPResponse {
        switch (self.pages, request.path) {
        case (_, "/metrics"):
            let text = MetricsPage.text(await self.source.metrics(), usage: ProcessUsage.now())
            return HTTPResponse(status: 200, type: PrometheusText.contentType, text)
        case (.metricsOnly, _):
            throw Failure(404, "there is no \(request.path) here", hint: "This port has /metrics only.")
        case (.all, "/livez"):
            let liveness = self.source.liveness()
            return Self.json(liveness, status: liveness.alive ? 200 : 503)
        case (.all, "/readyz"):
            let readiness = await self.source.readiness()
            return Self.json(readiness, status: readiness.ready ? 200 : 503)
        case (.all, "/api/v1/status"):
            return Self.json(await self.source.status(of: try self.cluster(request)))
        case (.all, "/api/v1/nodes"):
            return Self.json(await self.source.nodes(of: try self.cluster(request)))
        case (.all, "/api/v1/partitions"):
            return Self.json(await self.source.partitions(of: try self.cluster(request)))
        case (.all, "/api/v1/incidents"):
            return Self.json(await self.source.incidents(of: try self.cluster(request)))
        case (.all, "/api/v1/leadership"):
            return Self.json(self.source.leadership(of: try self.cluster(request)))
        case (.all, "/api/v1/check"):
            return try await self.check(request)
        case (.all, let path) where path.hasPrefix(Self.incident):
            return try await self.incident(String(path.dropFirst(Self.incident.count)), request)
        case (.all, let path):
            throw Failure(404, "there is no \(path) here", hint: "Try one of: \(Self.paths.joined(separator: ", ")).")
        }
    }

    private static let incident = "/api/v1/incidents/"

    private func incident(_ id: String, _ request: HTTPRequest) async throws(Failure) -> HTTPResponse {
        let cluster = try self.cluster(request)
        guard let page = await self.source.incident(id, of: cluster) else {
            throw Failure(
                404, "no incident \(id) is remembered in cluster \(cluster)",
                hint: "/api/v1/incidents lists those that are.")
        }
        return Self.json(page)
    }

    private func check(_ request: HTTPRequest) async throws(Failure) -> HTTPResponse {
        let cluster = try self.cluster(request)
        guard let node = request.query("node"), !node.isEmpty else {
            throw Failure(
                400, "which node?",
                hint: await self.hint("Say it as /api/v1/check?node=<name>; /api/v1/nodes lists them.", cluster))
        }
        guard let page = await self.source.check(NodeName(node), of: cluster) else {
            throw Failure(
                404, "there is no node \(node) in cluster \(cluster)",
                hint: await self.hint("`healerctl nodes` and /api/v1/nodes list those that are.", cluster))
        }
        return Self.json(page)
    }

    /// While no broker is known, whoever asks for one is told why.
    private func hint(_ hint: String, _ cluster: ClusterName) async -> String {
        await self.source.missingBrokers(of: cluster).map { "\($0). \(hint)" } ?? hint
    }

    /// The cluster named by `?cluster=`, or the first one.
    private func cluster(_ request: HTTPRequest) throws(Failure) -> ClusterName {
        let known = self.source.clusters
        guard let name = request.query("cluster") else { return known[0] }
        guard let cluster = known.first(where: { $0.rawValue == name }) else {
            let names = known.map { $0.rawValue }.joined(separator: ", ")
            throw Failure(404, "there is no cluster \(name) here", hint: "This healer looks after: \(names).")
        }
        return cluster
    }

    private static func json(_ page: some Encodable, status: Int = 200) -> HTTPResponse {
        HTTPResponse(
            status: status,
            headers: [
                HTTPRequest.Field("Content-Type", "application/json"), HTTPRequest.Field("Cache-Control", "no-store"),
            ], body: AdminJSON.encode(page) + [UInt8(ascii: "\n")])
    }

    private static func problem(_ status: Int, _ error: String, hint: String) -> HTTPResponse {
        Self.json(APIProblem(error, hint: hint), status: status)
    }
}
