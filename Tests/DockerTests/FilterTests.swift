import Cluster
import Curl
import Docker
import Foundation
import MicroHTTPD
import Testing

@testable import Daemon
@testable import DockerFilter

@Suite("The filter before an engine's socket", .serialized, .timeLimit(.minutes(5)))
struct FilterTests {
    /// Runs a filter on a socket of its own around `body`.
    private func withFilter(
        _ engine: TestEngine, _ containers: [String],
        verbs: Set<EngineRequest.Verb> = [.inspect, .logs, .start, .kill],
        _ body: (_ socket: String, _ said: @escaping @Sendable () -> [String]) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("filter-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let socket = directory.appendingPathComponent("f.sock").path
        let lines = Lines()
        let filter = Filter(
            rules: FilterRules(containers: Set(containers.compactMap { ContainerReference($0) }), verbs: verbs),
            engine: Engine(engine.address, tls: nil, client: engine.client), say: { lines.add($0) })
        var limits = HTTPServer.Limits()
        limits.bodyBytes = 0
        let server = try HTTPServer(unixSocket: socket, mode: 0o600, limits: limits) { await filter.answer($0) }
        async let running: Void = server.run()
        let result: Result<Void, any Error>
        do { result = .success(try await body(socket) { lines.all }) } catch { result = .failure(error) }
        await server.stop(grace: .milliseconds(100))
        await running
        try result.get()
    }

    private final class Lines: @unchecked Sendable {
        private let lock = NSLock()
        private var lines: [String] = []
        func add(_ line: String) { self.lock.withLock { self.lines.append(line) } }
        var all: [String] { self.lock.withLock { self.lines } }
    }

    @Test("A supervisor does through it all that it does without it, on the containers that are listed")
    func passes() async throws {
        try await TestEngine.with { engine in
            let node = try await engine.container(
                "kafka", "trap 'exit 143' TERM; echo up; while :; do sleep 0.1; done", options: ["-e", "PASSWORD=hush"])
            try await self.withFilter(engine, [node.name.rawValue], verbs: Set(EngineRequest.Verb.allCases)) {
                socket, said in
                let direct = engine.supervisor()
                let supervisor = engine.supervisor(at: .unix(path: socket))
                let first = try await supervisor.status(of: node)
                #expect(first.state == .running)
                #expect(try await direct.status(of: node) == first)
                #expect(await supervisor.probe(.kill, node, identity: first.identity) == .notStarted)
                #expect(try await engine.carryOut(.kill, node, first.identity, by: supervisor).succeeded)
                #expect(try await direct.status(of: node).exit == .signal(9))
                let permission = ["HEALER_ID": "healer-2", "HEALER_EPOCH": "5", "HEALER_INTENT": "5-1 x"]
                #expect(
                    try await supervisor.command(.start, node, identity: first.identity, environment: permission).run()
                        .succeeded)
                let second = try await supervisor.status(of: node).identity
                #expect(try await engine.carryOut(.logs, node, second, by: supervisor).output.text.contains("up"))
                #expect(try await engine.carryOut(.restart, node, second, by: supervisor).succeeded)
                let third = try await supervisor.status(of: node).identity
                #expect(try await engine.carryOut(.stop, node, third, by: supervisor).succeeded)
                #expect(try await supervisor.status(of: node).state == .stopped)
                // Its witness: what was done through it, one line each.
                let acts = said().filter { $0.hasPrefix("passed on: POST") }
                #expect(acts.count == 4 && acts.allSatisfy { $0.contains(node.name.rawValue) }, "\(said())")
                // By their own word, as far as it is one.
                let life = try #require(first.identity)
                #expect(acts[1].hasSuffix(", for healer=healer-2 epoch=5 identity=\(life)"), "\(acts)")
                // What stands in the environment stays there.
                let call = HTTPCall(.get, "http://f/containers/\(node.name)/json", unixSocket: socket)
                let text = String(
                    decoding: try await engine.client.send(call, timeout: .seconds(60)).body, as: UTF8.self)
                #expect(text.contains("StartedAt") && !text.contains("hush") && !text.contains("Env"), "\(text)")
            }
        }
    }

    @Test(
        "It refuses other verbs, other containers under any name, other requests, and bodies; the engine hears nothing")
    func refuses() async throws {
        try await TestEngine.with { engine in
            let script = "trap 'exit 143' TERM; while :; do sleep 0.1; done"
            let node = try await engine.container("kafka", script)
            let other = try await engine.container("other", script)
            let otherID = try await engine.docker("inspect", "-f", "{{.Id}}", other.name.rawValue)
            let id = try await engine.docker("inspect", "-f", "{{.Id}}", node.name.rawValue)
            // Listed, but not there: its name is the beginning of another container's id.
            let short = String(otherID.prefix(12))
            try await self.withFilter(engine, [node.name.rawValue, short]) { socket, said in
                func status(_ method: HTTPCall.Method, _ target: String, body: [UInt8] = []) async throws -> Int {
                    let call = HTTPCall(method, "http://f\(target)", unixSocket: socket, body: body)
                    return try await engine.client.send(call, timeout: .seconds(60)).status
                }
                #expect(try await status(.get, "/_ping") == 200)
                #expect(try await status(.get, "/containers/\(id)/json") == 200)
                for target in [
                    "/containers/\(other.name)/json", "/containers/\(otherID)/json", "/containers/\(short)/json",
                    "/containers/\(id.prefix(12))/json", "/containers/json", "/info", "/images/json", "/v1.41/info",
                    "/containers/\(node.name)/../\(other.name)/json",
                    "/containers/\(node.name)%2F..%2F\(other.name)/json",
                    "/containers/\(node.name)/archive?path=/etc", "/containers/\(node.name)/export", "/events",
                ] { #expect(try await status(.get, target) == 403, "GET \(target)") }
                for target in [
                    "/containers/create", "/containers/\(other.name)/kill?signal=KILL",
                    "/containers/\(otherID)/kill?signal=KILL",
                    "/containers/\(short)/kill?signal=KILL", "/containers/\(node.name)/stop?t=5",
                    "/containers/\(node.name)/restart?t=5", "/containers/\(node.name)/kill?signal=STOP",
                    "/containers/\(node.name)/exec", "/containers/\(node.name)/update",
                    "/containers/\(node.name)/pause",
                    "/exec/\(id)/start", "/build", "/containers/prune", "/session", "/grpc",
                ] { #expect(try await status(.post, target) == 403, "POST \(target)") }
                // A body is never ours, whatever it says.
                let start = "/containers/\(node.name)/start"
                #expect(try await status(.post, start, body: Array(#"{"Binds":["/:/host"]}"#.utf8)) == 413)
                #expect(try await status(.post, start) == 304, "without one it passes")
                #expect(!said().contains { $0.hasPrefix("passed on") && !$0.contains("/start") }, "\(said())")
                let states = try await engine.docker(
                    "ps", "--filter", "name=^\(engine.prefix)", "--format", "{{.State}}")
                #expect(states == "running\nrunning")
                // A step that is refused is refused for good.
                let supervisor = engine.supervisor(at: .unix(path: socket))
                let identity = try await supervisor.status(of: node).identity
                let refused = try await engine.carryOut(.stop, node, identity, by: supervisor)
                #expect(refused.isPermissionProblem, "\(refused)")
                #expect(refused.errors.text.contains("stop is not allowed here"), "\(refused)")
            }
        }
    }

    @Test("Without its engine it says so, and does not take it for a missing container")
    func noEngine() async throws {
        try await TestEngine.with { engine in
            let absent = TestEngine(address: .unix(path: "/nonexistent/docker.sock"), client: engine.client)
            try await self.withFilter(absent, ["kafka-1"]) { socket, _ in
                let call = HTTPCall(.get, "http://f/containers/kafka-1/json", unixSocket: socket)
                let answer = try await engine.client.send(call, timeout: .seconds(60))
                #expect(answer.status == 502)
            }
        }
    }

    @Test("Its command line lists what it lets through, and says what is wrong")
    func settings() throws {
        let kafka = ContainerReference("kafka-1")!
        #expect(
            try FilterSettings(["--container", "kafka-1"])
                == .serve(
                    listen: .unix(path: "/run/healer/docker.sock"), engine: .standard,
                    FilterRules(containers: [kafka], verbs: [.inspect, .logs, .start, .kill])))
        #expect(
            try FilterSettings([
                "--container=kafka-1", "--verb=inspect", "--listen", "tcp://0.0.0.0:2375", "--engine",
                "unix:///e.sock",
            ])
                == .serve(
                    listen: .tcp(host: "0.0.0.0", port: 2375), engine: .unix(path: "/e.sock"),
                    FilterRules(containers: [kafka], verbs: [.inspect])))
        #expect(try FilterSettings(["--check"]) == .check(.unix(path: "/run/healer/docker.sock")))
        for wrong in [
            [], ["--container"], ["--container", "a/b"], ["--container", "a", "--verb", "exec"],
            ["--listen", "nowhere"],
            ["--all"], ["--check=yes"], ["--container="],
        ] {
            #expect(throws: FilterSettings.Problem.self, "\(wrong)") { try FilterSettings(wrong) }
        }
    }
}
