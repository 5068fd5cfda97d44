import Cluster
import Foundation
import Glibc

@testable import ChaosTool

/// A real ZooKeeper server that is spoken to over TLS, with SASL, or in the clear by the test itself. It ends, and its
/// folder goes, with the standard input of the shell that it is a child of: nothing stays behind however a test ends.
///
/// Beside its own files its folder has those of two authorities, `ours` and `theirs`, and of a client that each has signed.
struct SecureServer {
    let folder: String
    /// Without any protection.
    let port: UInt16
    let securePort: UInt16

    static let user = "healer", password = "only-between-us"

    static func during(_ body: (SecureServer) async throws -> Void) async throws {
        let folder = "\(NSTemporaryDirectory())secure-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let made = try await output(
            of: "/bin/sh", ["-c", self.certificates, "sh", folder], environment: Self.environment)
        guard made.code == 0 else { throw SandboxError("no certificates: \(made.text)") }
        let ports = try (0..<2).map { _ in try freePort() }
        let server = SecureServer(folder: folder, port: ports[0], securePort: ports[1])
        try server.configure()
        let lifeline = try server.launch()
        let result: Result<Void, any Error>
        do {
            try await server.answers()
            result = .success(try await body(server))
        } catch {
            result = .failure(error)
        }
        try lifeline.fileHandleForWriting.close()
        try result.get()
    }

    /// What it says, for a test that fails.
    var said: String { (try? String(contentsOfFile: "\(self.folder)/out", encoding: .utf8)) ?? "" }

    func file(_ name: String) -> String { "\(self.folder)/\(name)" }

    /// Where a library lies that can speak to it; made once, and kept.
    static func library() async throws -> String {
        let script = try OwnProgram.above("scripts/zookeeper-library")
        let made = try await output(
            of: "/bin/sh", ["-c", "exec \"$0\" 2>/dev/null", script], environment: Self.environment)
        let folder = made.text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard made.code == 0, folder.hasPrefix("/") else {
            throw SandboxError("there is no library with TLS: run scripts/zookeeper-library, which says why")
        }
        return folder
    }

    private static var environment: [String: String] { ProcessInfo.processInfo.environment }

    private static let certificates = """
        set -eu
        cd "$1"
        for name in ours theirs; do
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=$name" -keyout "$name.key" -out "$name.pem"
        done
        sign() {
            openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
            openssl x509 -req -days 2 -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -out "$1.pem"
        }
        sign server ours
        sign client ours
        sign stranger theirs
        cat server.key server.pem >store.pem
        openssl rsa -in client.key -aes256 -passout pass:open-sesame -out locked.key
        """

    private func configure() throws {
        let settings = """
            tickTime=500
            maxSessionTimeout=600000
            maxClientCnxns=0
            admin.enableServer=false
            forceSync=no
            4lw.commands.whitelist=srvr
            dataDir=\(self.folder)/data
            clientPortAddress=127.0.0.1
            clientPort=\(self.port)
            secureClientPortAddress=127.0.0.1
            secureClientPort=\(self.securePort)
            serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory
            ssl.keyStore.location=\(self.folder)/store.pem
            ssl.keyStore.type=PEM
            ssl.trustStore.location=\(self.folder)/ours.pem
            ssl.trustStore.type=PEM
            ssl.clientAuth=need
            authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider

            """
        try Data(settings.utf8).write(to: URL(fileURLWithPath: "\(self.folder)/zoo.cfg"))
        let users = """
            Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_\(Self.user)="\(Self.password)"; };

            """
        try Data(users.utf8).write(to: URL(fileURLWithPath: "\(self.folder)/jaas.conf"))
    }

    private func launch() throws -> Pipe {
        let shell = Process()
        let lifeline = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/bin/bash")
        shell.arguments = [
            "-c",
            """
            trap '' INT TERM
            exec 3<&0
            java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.security.auth.login.config="$2/jaas.conf" \
                -cp "$1:$2" org.apache.zookeeper.server.ZooKeeperServerMain "$2/zoo.cfg" </dev/null >"$2/out" 2>&1 3<&- &
            read end <&3
            kill -KILL $!
            wait $! 2>/dev/null
            rm -rf "$2"
            """,
            "secure", "\(try KafkaHome.jars())/*", self.folder,
        ]
        shell.standardInput = lifeline
        try shell.run()
        return lifeline
    }

    private func answers() async throws {
        let end = HostClock.now + HealedCluster.patience
        while FourLetterWord.mode(port: self.port) == nil {
            guard HostClock.now < end else { throw SandboxError("the server does not answer: \(self.said)") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
