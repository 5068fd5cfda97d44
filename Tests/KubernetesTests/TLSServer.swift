import Cluster
import Foundation
import Testing

@testable import Daemon

/// `openssl s_server`, which answers a path with what is in the file of that name.
struct TLSServer {
    let url: String
    /// Two authorities that know nothing of each other: `ours.pem` has signed the server's certificate, `other.pem` has not.
    let folder: String

    private static let certificates = """
        set -eu
        cd "$1"
        for name in ours other; do
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$name" -keyout "$name.key" -out "$name.pem"
        done
        # As its list of names says, it is nobody but this address.
        printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth\\n' >server.ext
        openssl req -newkey rsa:2048 -nodes -subj /CN=server -keyout server.key -out server.csr
        openssl x509 -req -days 2 -in server.csr -CA ours.pem -CAkey ours.key -CAcreateserial -extfile server.ext \\
            -out server.pem
        """

    /// Runs it around `body`, with these answers by path.
    static func with(_ answers: [String: String], _ body: (TLSServer) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("tls-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let made = await Command(
            arguments: ["/bin/sh", "-c", Self.certificates, "sh", folder],
            environment: CommandSupervisor.cleanEnvironment, limit: .seconds(120)
        ).run()
        try #require(made.succeeded, "\(made.summary)")
        for (path, text) in answers {
            let file = URL(fileURLWithPath: folder + path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            let head = "HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\nConnection: close\r\n\r\n"
            try Data((head + text).utf8).write(to: file)
        }
        var environment = CommandSupervisor.cleanEnvironment
        // For `healer-chaos leftovers`, should we be killed.
        (environment["HEALER_SANDBOX_ID"], environment["HEALER_SANDBOX"]) = (
            URL(fileURLWithPath: folder).lastPathComponent, folder
        )
        let server = try SpawnedProcess(
            [
                "env", "--chdir", folder, "openssl", "s_server", "-HTTP", "-accept", "127.0.0.1:0", "-cert",
                "server.pem", "-key", "server.key",
            ], environment: environment, ownSession: false, pipes: [.input, .output])
        let result: Result<Void, any Error>
        do {
            let address = await Self.address(server.output!)
            try await body(
                TLSServer(url: "https://\(try #require(address, "openssl s_server listens"))", folder: folder))
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await Self.end(server)
        try result.get()
    }

    /// Where it says that it listens; `nil` if it ends, or says nothing for a minute.
    private static func address(_ output: Int32) async -> String? {
        await withCheckedContinuation { continuation in
            runOnOwnThread {
                var (text, buffer) = ("", [UInt8](repeating: 0, count: 4096))
                let end = bootTime() + .seconds(60)
                var found: String?
                while found == nil, bootTime() < end {
                    var ready = pollfd(fd: output, events: Int16(POLLIN), revents: 0)
                    guard poll(&ready, 1, 1000) > 0 else { continue }
                    let count = read(output, &buffer, buffer.count)
                    guard count > 0 else { break }
                    text += String(decoding: buffer[..<count], as: UTF8.self)
                    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                    found = lines.first { $0.hasPrefix("ACCEPT ") }.map { String($0.dropFirst(7)) }
                }
                continuation.resume(returning: found)
            }
        }
    }

    /// On a thread that waits, whether or not this test is cancelled.
    private static func end(_ server: SpawnedProcess) async {
        await withCheckedContinuation { continuation in
            runOnOwnThread {
                server.signalGroup(SIGKILL)
                while server.reap() == nil { usleep(20_000) }
                for descriptor in [server.input, server.output].compactMap(\.self) { close(descriptor) }
                continuation.resume()
            }
        }
    }
}
