import Cluster
import Curl
import Foundation
import Kubernetes
import MicroHTTPD
import Testing

@testable import Daemon

/// An HTTP server that answers as an API server did, and notes what it was asked. The answers in `Samples` were taken
/// from Kubernetes v1.32.0; what only a real one can show is shown by scripts/test-kubernetes.
///
/// `@unchecked Sendable`: what changes is behind the lock.
final class SampleAPI: @unchecked Sendable {
    struct Request: Hashable, Sendable {
        var method: String
        var path: String
        var authorization: String?
        var body: String
    }
    struct Answer: Hashable, Sendable {
        var status = 200
        var body: String
        var retryAfter: String?
    }

    private let lock = NSLock()
    private var answers: [String: [Answer]] = [:]
    private var asked: [Request] = []
    private var port: UInt16 = 0
    let client: HTTPClient
    let directory: String
    var url: String { "http://127.0.0.1:\(self.lock.withLock { self.port })" }
    var tokenFile: String { "\(self.directory)/token" }

    static let pod = "/api/v1/namespaces/kafka/pods/kafka-2"
    static let set = "/apis/apps/v1/namespaces/kafka/statefulsets/kafka"
    static let node = "/api/v1/nodes/node1"
    static let eviction = "\(pod)/eviction"
    static let log = "\(pod)/log"

    private init(directory: String, client: HTTPClient) {
        self.directory = directory
        self.client = client
    }

    /// Runs it around `body`; a set and a node that nobody is at are there from the beginning.
    static func with(_ body: (SampleAPI) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("api-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let api = SampleAPI(directory: directory, client: HTTPClient())
        try api.write(token: "first")
        api.answer(Self.set, .init(body: Samples.set))
        api.answer(Self.node, .init(body: Samples.node))
        let server = try HTTPServer(host: "127.0.0.1", port: 0) { api.respond($0) }
        api.lock.withLock { api.port = server.port }
        async let running: Void = server.run()
        let result: Result<Void, any Error>
        do { result = .success(try await body(api)) } catch { result = .failure(error) }
        await api.client.close()
        await server.stop(grace: .milliseconds(100))
        await running
        try result.get()
    }

    func write(token: String) throws {
        try "\(token)\n".write(toFile: self.tokenFile, atomically: true, encoding: .utf8)
    }

    /// In this order, the last one for ever.
    func answer(_ path: String, _ answers: Answer...) { self.lock.withLock { self.answers[path] = answers } }
    var requests: [Request] { self.lock.withLock { self.asked } }
    func requests(of path: String) -> [Request] { self.requests.filter { $0.path == path } }

    private func respond(_ request: HTTPRequest) -> HTTPResponse {
        let answer = self.lock.withLock {
            self.asked.append(
                Request(
                    method: request.method, path: request.path, authorization: request.header("Authorization"),
                    body: String(decoding: request.body, as: UTF8.self)))
            guard let answers = self.answers[request.path], let first = answers.first else {
                return Answer(status: 404, body: Samples.notFound)
            }
            if answers.count > 1 { self.answers[request.path]!.removeFirst() }
            return first
        }
        var response = HTTPResponse(status: answer.status, type: "application/json", answer.body)
        if let seconds = answer.retryAfter { response.headers.append(HTTPRequest.Field("Retry-After", seconds)) }
        return response
    }

    // MARK: The supervisor

    let kafka = Node(
        name: NodeName("kafka-2"), role: .broker(BrokerID(2)), endpoint: Endpoint(host: "kafka-2.kafka", port: 9092))

    func supervisor(time: any TimeSource = BootClock()) -> KubernetesSupervisor {
        KubernetesSupervisor(
            configuration: KubernetesConfiguration(
                server: self.url, namespace: ObjectName("kafka"), pod: TextTemplate([.placeholder(.node)]),
                container: nil, account: ServiceAccount(tokenFile: self.tokenFile, authorityFile: nil),
                crashLoopTime: .seconds(300), restartsRollout: false),
            // A busy machine may be slow: what is tested here is not how fast it is.
            limit: { _ in .seconds(60) }, client: self.client, executable: "/nonexistent", time: time)
    }

    var server: APIServer {
        APIServer(self.url, as: ServiceAccount(tokenFile: self.tokenFile, authorityFile: nil), client: self.client)
    }

    func step(
        _ verb: SupervisorVerb, _ identity: ProcessIdentity?, rollout: Bool = false, limit: Duration = .seconds(60)
    )
        -> KubernetesStep
    {
        KubernetesStep(
            verb: verb, server: self.url, account: ServiceAccount(tokenFile: self.tokenFile, authorityFile: nil),
            namespace: ObjectName("kafka")!, pod: ObjectName("kafka-2")!, container: nil, identity: identity,
            restartsRollout: rollout, limitMilliseconds: limit.wholeMilliseconds)
    }
}
