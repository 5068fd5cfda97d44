import Cluster
import Curl
import Docker
import Foundation
import Testing

@testable import Daemon

/// A real Docker engine, held while a test runs: the machine's own, or one that `scripts/docker-engine` starts as root.
struct TestEngine: Sendable {
    let address: EngineAddress
    let client: HTTPClient
    /// What every container of this test is called first.
    let prefix = "healer-test-\(UUID().uuidString.prefix(8).lowercased())"

    /// A shell and `sleep`, from this machine.
    static let image = "kafka-healer-test:1"

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    static var repository: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
    }

    /// Holds an engine around `body`; what it made under its prefix is taken away on both ways out.
    static func with(_ body: (TestEngine) async throws -> Void) async throws {
        let holder = Process()
        holder.executableURL = URL(fileURLWithPath: "\(self.repository)/scripts/docker-engine")
        holder.arguments = ["hold"]
        let (input, output, errors) = (Pipe(), Pipe(), Pipe())
        holder.standardInput = input
        holder.standardOutput = output
        holder.standardError = errors
        try holder.run()
        defer {
            try? input.fileHandleForWriting.close()
            holder.waitUntilExit()
        }
        var said = LineReader(output.fileHandleForReading.fileDescriptor)
        let line = said.next(until: bootTime() + .seconds(120))
        guard let address = line.flatMap({ EngineAddress(String(decoding: $0, as: UTF8.self)) }) else {
            try? input.fileHandleForWriting.close()
            let reason = String(decoding: errors.fileHandleForReading.availableData, as: UTF8.self)
            throw Failure(description: "these tests need a Docker engine: \(reason)")
        }
        let engine = TestEngine(address: address, client: HTTPClient())
        let result: Result<Void, any Error>
        do {
            try await engine.makeImage()
            result = .success(try await body(engine))
        } catch {
            result = .failure(error)
        }
        await engine.takeAway()
        await engine.client.close()
        try result.get()
    }

    /// Runs `docker …`; fails unless it succeeds.
    @discardableResult
    func docker(_ arguments: String...) async throws -> String {
        try await self.run(["docker"] + arguments)
    }

    /// Faster than ``docker(_:)``, for what is done often.
    func post(_ target: String) async throws {
        let way =
            switch self.address {
            case .unix(let path): HTTPCall(.post, "http://engine\(target)", unixSocket: path)
            case .tcp(let host, let port): HTTPCall(.post, "http://\(host):\(port)\(target)")
            }
        let answer = try await self.client.send(way, timeout: .seconds(60))
        guard 200..<300 ~= answer.status else { throw Failure(description: "\(target): status \(answer.status)") }
    }

    private func run(_ arguments: [String]) async throws -> String {
        var environment = CommandSupervisor.cleanEnvironment
        environment["DOCKER_HOST"] = self.address.description
        let result = await Command(arguments: arguments, environment: environment, limit: .seconds(120)).run()
        guard result.succeeded else { throw Failure(description: "\(arguments): \(result.summary)") }
        return result.output.text.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// A container that runs this shell script; `options` go before the image.
    func container(_ name: String, _ script: String, options: [String] = [], run: Bool = true) async throws -> Node {
        let full = "\(self.prefix)-\(name)"
        let begin = run ? ["docker", "run", "-d"] : ["docker", "create"]
        _ = try await self.run(
            begin + ["--name", full, "--network", "none"] + options + [Self.image, "/bin/sh", "-c", script])
        return Node(name: NodeName(full), role: .broker(BrokerID(1)), endpoint: Endpoint(host: "127.0.0.1", port: 1))
    }

    private func makeImage() async throws {
        guard try await self.docker("images", "-q", Self.image).isEmpty else { return }
        let script = """
            set -eu
            work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
            mkdir -p "$work/bin"; cp -L /bin/dash "$work/bin/sh"; cp -L /bin/sleep "$work/bin/sleep"
            for library in $(ldd /bin/dash /bin/sleep | grep -o '/[^ ]*\\.so[^ ]*' | sort -u); do
                mkdir -p "$work$(dirname "$library")"; cp -L "$library" "$work$library"
            done
            tar -C "$work" -c . | docker import - \(Self.image)
            """
        _ = try await self.run(["/bin/sh", "-c", script])
    }

    private func takeAway() async {
        let names = try? await self.docker("ps", "-aq", "--filter", "name=^\(self.prefix)")
        for id in (names ?? "").split(whereSeparator: \.isNewline) { _ = try? await self.docker("rm", "-f", "\(id)") }
    }

    // MARK: The supervisor

    /// The program that was built beside the tests.
    static var healer: String {
        let own = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("healer").path
    }

    func supervisor(
        at address: EngineAddress? = nil, tls: HTTPCall.TLS? = nil, stopTime: Duration = .seconds(5),
        limits: [SupervisorVerb: Duration] = [:]
    ) -> DockerSupervisor {
        let configuration = DockerConfiguration(
            engine: TextTemplate([.text((address ?? self.address).description)]),
            container: TextTemplate([.placeholder(.node)]), tls: tls, stopTime: stopTime)
        // A busy machine may be slow: what is tested here is not how fast it is.
        return DockerSupervisor(
            configuration: configuration, limit: { limits[$0] ?? .seconds(60) }, client: self.client,
            executable: Self.healer)
    }

    /// Waits until the supervisor says so.
    func state(
        of node: Node, _ supervisor: DockerSupervisor, until holds: (ProcessState) -> Bool
    ) async throws -> ProcessState {
        let end = bootTime() + .seconds(60)
        while true {
            let state = try await supervisor.status(of: node)
            if holds(state) { return state }
            guard bootTime() < end else { throw Failure(description: "\(node.name) stays \(state)") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    func carryOut(
        _ verb: SupervisorVerb, _ node: Node, _ identity: ProcessIdentity?, by supervisor: DockerSupervisor
    ) async throws -> CommandResult {
        try await supervisor.command(verb, node, identity: identity, environment: [:]).run()
    }
}
