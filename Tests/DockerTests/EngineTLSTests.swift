import Cluster
import Curl
import Docker
import Foundation
import Testing

@testable import Daemon

@Suite("An engine behind TLS", .timeLimit(.minutes(5)))
struct EngineTLSTests {
    /// Authority, server and client certificates, made by openssl.
    private static let certificates = """
        set -eu
        cd "$1"
        openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
        for name in server client; do
            openssl req -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout "$name.key" -out "$name.csr"
        done
        printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\\nextendedKeyUsage=serverAuth\\n' >server.ext
        printf 'extendedKeyUsage=clientAuth\\n' >client.ext
        for name in server client; do
            openssl x509 -req -days 2 -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial \\
                -extfile "$name.ext" -out "$name.pem"
        done
        """

    @Test("It is spoken to with a certificate of ours, and only if its own is signed by our authority")
    func tls() async throws {
        // Short: the engine makes sockets deep below it, whose paths may have 107 bytes.
        let name = "tls-\(UUID().uuidString.prefix(8))"
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let environment = CommandSupervisor.cleanEnvironment
        let made = await Command(
            arguments: ["/bin/sh", "-c", Self.certificates, "sh", directory], environment: environment,
            limit: .seconds(60)
        ).run()
        try #require(made.succeeded, "\(made.summary)")

        let port = try freePort()
        // An engine of its own without containers: what is shown is the way to it. Its bridge is its own, too: told to
        // use none, an engine takes away the one that others use.
        let bridge = "kh\(UUID().uuidString.prefix(8).lowercased())"
        func ip(_ arguments: String...) async -> CommandResult {
            await Command(arguments: ["ip"] + arguments, environment: environment, limit: .seconds(20)).run()
        }
        let added = await ip("link", "add", bridge, "type", "bridge")
        try #require(added.succeeded, "\(added.summary)")
        var marked = environment
        // For `healer-chaos leftovers`, should we be killed.
        (marked["HEALER_SANDBOX_ID"], marked["HEALER_SANDBOX"]) = (name, directory)
        let client = HTTPClient()
        let result: Result<Void, any Error>
        do {
            // What an engine mounts outlives it when it is killed, or told to end while it starts. So it gets name
            // spaces of its own, for mounts and for processes: they end with it, and all that is in them.
            let daemon = try SpawnedProcess(
                [
                    "unshare", "--mount-proc", "--pid", "--fork", "--kill-child", "dockerd", "--data-root",
                    "\(directory)/data", "--exec-root", "\(directory)/run", "--pidfile", "\(directory)/pid",
                    "--bridge", bridge, "--iptables=false", "--host", "tcp://127.0.0.1:\(port)", "--tlsverify",
                    "--tlscacert", "\(directory)/ca.pem", "--tlscert", "\(directory)/server.pem", "--tlskey",
                    "\(directory)/server.key", "--log-level", "error",
                ], environment: marked, ownSession: true, pipes: [])
            do {
                result = .success(try await self.speak(port, directory, client))
            } catch {
                result = .failure(error)
            }
            await self.end(daemon)
        } catch {
            result = .failure(error)
        }
        _ = await ip("link", "delete", bridge)
        await client.close()
        try result.get()
    }

    /// On a thread that waits, whether or not this test is cancelled.
    private func end(_ daemon: SpawnedProcess) async {
        await withCheckedContinuation { continuation in
            runOnOwnThread {
                daemon.signalGroup(SIGTERM)
                let limit = bootTime() + .seconds(30)
                while daemon.reap() == nil {
                    if bootTime() >= limit { kill(daemon.pid, SIGKILL) }
                    usleep(50_000)
                }
                continuation.resume()
            }
        }
    }

    private func speak(_ port: UInt16, _ directory: String, _ client: HTTPClient) async throws {
        let address = EngineAddress.tcp(host: "localhost", port: port)
        let ours = HTTPCall.TLS(
            authorities: "\(directory)/ca.pem", certificate: "\(directory)/client.pem", key: "\(directory)/client.key")
        let nobody = ContainerReference("nobody")!
        var reason: EngineError.Reason?
        let end = bootTime() + .seconds(120)
        while bootTime() < end {
            reason = await self.refusal(of: nobody, Engine(address, tls: ours, client: client))
            if reason != .noAnswer(mayHaveArrived: false) { break }
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(reason == .noSuchContainer, "the engine itself answers")

        var anonymous = ours
        (anonymous.certificate, anonymous.key) = (nil, nil)
        var trusting = ours
        trusting.authorities = nil
        for tls in [anonymous, trusting] {
            let refusal = await self.refusal(of: nobody, Engine(address, tls: tls, client: client))
            guard case .noAnswer? = refusal else {
                Issue.record("an answer (\(String(describing: refusal))) with \(tls)")
                continue
            }
        }
        // The same by a step's own process, which is told where the files are.
        let node = Node(name: NodeName("nobody"), role: .zooKeeper, endpoint: Endpoint(host: "localhost", port: 1))
        let supervisor = DockerSupervisor(
            configuration: DockerConfiguration(
                engine: TextTemplate([.text("tcp://"), .placeholder(.host), .text(":\(port)")]),
                container: TextTemplate([.placeholder(.node)]), tls: ours, stopTime: .seconds(5)),
            limit: { _ in .seconds(60) }, client: client, executable: TestEngine.healer)
        let step = try await supervisor.command(.start, node, identity: nil, environment: [:]).run()
        #expect(step.errors.text.contains("No such container: nobody"), "\(step)")
    }

    private func refusal(of container: ContainerReference, _ engine: Engine) async -> EngineError.Reason? {
        do {
            _ = try await engine.inspect(container, within: .seconds(20))
            return nil
        } catch {
            return error.reason
        }
    }
}

/// A port of 127.0.0.1 that nobody listened at a moment ago.
private func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    return try withUnsafeMutablePointer(to: &address) { pointer in
        try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            guard bind(descriptor, $0, length) == 0, getsockname(descriptor, $0, &length) == 0 else {
                throw TestEngine.Failure(description: "no free port")
            }
        }
        return UInt16(bigEndian: pointer.pointee.sin_port)
    }
}
