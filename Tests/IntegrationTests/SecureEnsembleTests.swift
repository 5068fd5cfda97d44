import Cluster
import Foundation
import Glibc
import Testing
import ZooKeeper

@testable import ChaosTool

@Suite("An ensemble behind TLS or SASL, through a library that has both", .serialized)
struct SecureEnsembleTests {
    private static let plain = "  zookeeper: ${SANDBOX_ZOOKEEPER}\n  root"
    private static let leads = "INFO leading "

    /// The lines of `coordination`.
    private static func tls(
        _ server: SecureServer, servers: String? = nil, authority: String = "ours", client: String = "client",
        key: String? = nil, more: String = ""
    ) -> String {
        """
          zookeeper: \(servers ?? "127.0.0.1:\(server.securePort)")
          tls:
            ca_file: \(server.file("\(authority).pem"))
            certificate_file: \(server.file("\(client).pem"))
            key_file: \(server.file(key ?? "\(client).key"))
            \(more)
          root
        """
    }

    @Test("Over TLS healers elect, heal, put down what becomes of a dead leader's step, and take over")
    func heals() async throws {
        let library = try await SecureServer.library()
        let supervisor = try SlowSupervisor()
        defer { supervisor.remove() }
        try await SecureServer.during { server in
            try await HealedCluster.during(
                SandboxOptions(zookeepers: 1, brokers: 2), healers: 2,
                settings: ["LD_LIBRARY_PATH": library, "HEALER_CHAOS": supervisor.path],
                changes: [Self.plain: Self.tls(server)], coordination: "127.0.0.1:\(server.port)"
            ) { cluster in
                let first = try await cluster.claim()
                #expect(cluster.healers.values.allSatisfy { $0.tail(10_000).contains("zookeeper.tls=true") })
                let files = ["ours.pem", "client.pem", "client.key"].map { server.file($0) }.joined(separator: ",")
                let status = try await output(
                    of: OwnProgram.beside("healerctl"), ["leader", "--zookeeper", "127.0.0.1:\(server.securePort)"],
                    environment: ["LD_LIBRARY_PATH": library, "HEALER_ZOOKEEPER_TLS": files])
                #expect(status.text.contains("epoch \(first.epoch)"), "\(status.text)")
                try await cluster.killAndAwaitHealed("kafka-1")

                // Its runner outlives it, and says over TLS what became of the step.
                try supervisor.beSlow()
                let leader = try await cluster.leader()
                try await cluster.sandbox.kill("kafka-2")
                try await cluster.until("a start of kafka-2 begun") { supervisor.hasBegun }
                leader.send(SIGKILL)
                let second = try await cluster.awaitLeader(after: first.epoch)
                let incident = try await cluster.awaitClosed("kafka-2")
                #expect(incident.closing == .healed)
                // A look at the broker alone would not know the exit status.
                #expect(incident.results(of: .start).map(\.exit) == [.code(0)])
                #expect(incident.timeline.contains { $0.what == .adopted(second.epoch) })
                #expect(try cluster.steps().map(\.verb) == [.start, .start])
            }
        }
    }

    @Test("A server that another authority has signed is not believed, and the log says why")
    func strangeServer() async throws {
        try await self.withServer { server, sandbox, library in
            let healer = try self.healer("wary", sandbox, Self.tls(server, authority: "theirs"), library)
            try await self.until(healer, "it says why") { healer.tail(1000).contains("certificate verify failed") }
            #expect(!healer.tail(1000).contains(Self.leads))
            try await self.end(healer)
        }
    }

    @Test("Servers that never answer a handshake, or at all, are left for one that does")
    func muteServers() async throws {
        try await self.withServer { server, sandbox, library in
            let mutes = try MuteServers()
            defer { mutes.close() }
            let more = try MuteServers()
            defer { more.close() }
            let servers = (mutes.ports + more.ports + [server.securePort]).map { "127.0.0.1:\($0)" }.joined(
                separator: ",")
            // The library begins anywhere in the list. A session is given up far too late to help.
            for number in 1...3 {
                let lines = Self.tls(server, servers: servers)
                    .replacing("  root", with: "  timing: {session_seconds: 300}\n  root: /mute-\(number) #")
                let healer = try self.healer("patient-\(number)", sandbox, lines, library)
                try await self.until(healer, "it leads") { healer.tail(1000).contains(Self.leads) }
                try await self.end(healer)
            }
        }
    }

    @Test("A session that is closed while a handshake hangs is closed all the same")
    func closedInHandshake() async throws {
        try await self.withServer { server, sandbox, library in
            let mutes = try MuteServers()
            defer { mutes.close() }
            // A healer gives a session up that is not connected for five times its length.
            let lines = Self.tls(server, servers: "127.0.0.1:\(mutes.ports[0])")
                .replacing("  root", with: "  timing: {session_seconds: 2}\n  root")
            let healer = try self.healer("in-vain", sandbox, lines, library)
            func closed() -> Int { healer.tail(100_000).ranges(of: "Freeing zookeeper resources").count }
            func threads() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc/\(healer.process.pid)/task").count
            }
            try await self.until(healer, "one is closed") { closed() >= 1 }
            let before = try threads()
            try await self.until(healer, "two more are closed") { closed() >= 3 }
            // Each that hangs keeps three.
            #expect(try threads() <= before + 5)
            try await self.end(healer)
        }
    }

    @Test("healerctl is not ended by servers that never answer a handshake, and says what was wrong")
    func healerctl() async throws {
        let library = try await SecureServer.library()
        try await SecureServer.during { server in
            let mutes = try MuteServers()
            defer { mutes.close() }
            let servers = mutes.ports.map { "127.0.0.1:\($0)" }.joined(separator: ",")
            let files = ["ours.pem", "client.pem", "client.key"].map { server.file($0) }.joined(separator: ",")
            let answer = try await output(
                of: OwnProgram.beside("healerctl"), ["leader", "--zookeeper", servers, "--timeout", "8s"],
                environment: ["LD_LIBRARY_PATH": library, "HEALER_ZOOKEEPER_TLS": files])
            #expect(answer.code == 1)
            #expect(answer.text.contains("no ZooKeeper server of \(servers) answered"), "\(answer.text)")
        }
    }

    @Test("Many sessions that log in at once do not disturb each other")
    func manyLogins() async throws {
        try await self.withServer { server, sandbox, library in
            let proxy = try FaultProxy(to: Endpoint(host: "127.0.0.1", port: server.port))
            let secret = server.file("password")
            try Self.write(SecureServer.password, to: secret)
            let sasl = "{username: \(SecureServer.user), password: \"file:\(secret)\"}"
            let clusters = (1...24).map { number in
                """
                  - name: c\(number)
                    kafka: {bootstrap.servers: 127.0.0.1:9}
                    zookeeper: \(proxy.endpoint)/c\(number)
                    zookeeper_sasl: \(sasl)
                """
            }
            let text = """
                healer_id: many
                coordination: {zookeeper: \(proxy.endpoint), profile: fast, sasl: \(sasl)}
                clusters:
                \(clusters.joined(separator: "\n"))
                api: {host: 127.0.0.1, port: 0}
                logging: {level: DEBUG, directory: "${HEALER_LOGS}"}

                """
            let healer = try self.start("many", sandbox, text, library)
            let isIn = "session establishment complete"
            for round in 0..<30 {
                let before = round == 0 ? 0 : healer.tail(100_000).ranges(of: isIn).count
                // Two sessions a cluster.
                try await self.until(healer, "most are in") {
                    healer.exitStatus != nil || healer.tail(100_000).ranges(of: isIn).count >= before + 30
                }
                #expect(healer.exitStatus == nil, "round \(round): \(healer.tail())")
                guard healer.exitStatus == nil else { break }
                try await proxy.order(.reset)
            }
            try await self.end(healer)
            await proxy.close()
        }
    }

    @Test(
        "A key with a passphrase is opened with it; one that goes bad while it runs is named, and taken again when mended"
    )
    func keyGoesBad() async throws {
        try await self.withServer { server, sandbox, library in
            let secret = server.file("passphrase")
            try Self.write("open-sesame", to: secret)
            let proxy = try FaultProxy(to: Endpoint(host: "127.0.0.1", port: server.securePort))
            // That a session is lost by its time alone would take too long.
            let lines = Self.tls(
                server, servers: proxy.endpoint.description, key: "locked.key", more: "key_password: file:\(secret)"
            ).replacing("  root", with: "  timing: {session_seconds: 300}\n  root")
            let healer = try self.healer("changing", sandbox, lines, library)
            try await self.until(healer, "it leads") { healer.tail(1000).contains(Self.leads) }
            let path = server.file("locked.key")
            let key = try Data(contentsOf: URL(fileURLWithPath: path))
            try Data("no key".utf8).write(to: URL(fileURLWithPath: path))
            try await proxy.order(.reset)
            try await self.until(healer, "it names the key") {
                healer.tail(100_000).contains("no ZooKeeper session can be opened error=\"\(path): ")
            }
            let before = healer.tail(100_000).ranges(of: Self.leads).count
            try key.write(to: URL(fileURLWithPath: path))
            try await self.until(healer, "it leads again") {
                healer.tail(100_000).ranges(of: Self.leads).count > before
            }
            try await self.end(healer)
            await proxy.close()
        }
    }

    @Test(
        "With SASL it leads, and what it creates is for its user alone; with a wrong password it says so, and does not")
    func sasl() async throws {
        try await self.withServer { server, sandbox, library in
            func lines(_ password: String) throws -> String {
                let secret = server.file("password-\(password)")
                try Self.write(password, to: secret)
                return """
                      zookeeper: 127.0.0.1:\(server.port)
                      sasl: {username: \(SecureServer.user), password: "file:\(secret)"}
                      root
                    """
            }
            let healer = try self.healer("known", sandbox, lines(SecureServer.password), library)
            try await self.until(healer, "it leads") { healer.tail(1000).contains(Self.leads) }
            #expect(!healer.tail(1000).contains("others may change"))
            #expect(!healer.tail(1000).contains("open to everybody"))
            let stranger = try await CoordinationTree(zookeeper: "127.0.0.1:\(server.port)")
            await #expect(throws: ZooKeeperError.self) {
                _ = try await stranger.session.get(stranger.layout.leader)
            }
            await stranger.close()
            try await self.end(healer)

            let wrong = try self.healer("unknown", sandbox, lines("guessed"), library)
            try await self.until(wrong, "it says so") { wrong.tail(1000).contains("refuses our credentials") }
            try await Task.sleep(for: .seconds(3))
            #expect(!wrong.tail(1000).contains(Self.leads))
            try await self.end(wrong)
        }
    }

    @Test(
        "From digest to SASL healers go by having both; with SASL alone they are told that the old znodes are not theirs"
    )
    func moves() async throws {
        try await self.withServer { server, sandbox, library in
            let secret = server.file("password")
            try Self.write(SecureServer.password, to: secret)
            let digest = "digest: {username: old, password: \"file:\(secret)\"}"
            let sasl = "sasl: {username: \(SecureServer.user), password: \"file:\(secret)\"}"
            func lines(_ access: String...) -> String {
                (["  zookeeper: 127.0.0.1:\(server.port)"] + access.map { "  \($0)" } + ["  root"])
                    .joined(separator: "\n")
            }
            for (name, text) in [("before", lines(digest)), ("between", lines(digest, sasl))] {
                let healer = try self.healer(name, sandbox, text, library)
                try await self.until(healer, "it leads") { healer.tail(1000).contains(Self.leads) }
                #expect(!healer.tail(1000).contains("others may change"), "\(healer.tail(100))")
                try await self.end(healer)
            }
            let early = try self.healer("early", sandbox, lines(sasl), library)
            try await self.until(early, "it says so") {
                early.tail(1000).contains("not allowed in the coordination tree")
            }
            #expect(!early.tail(1000).contains(Self.leads))
            try await self.end(early)

            // As docs/operations.md has it.
            let commands =
                "addauth digest old:\(SecureServer.password)\n"
                + "setAcl -R /kafka-healer auth::cdrwa,sasl:\(SecureServer.user):cdrwa\nquit\n"
            let answer = try await output(
                of: "/bin/sh",
                [
                    "-c", #"printf %s "$1" | java -cp "$2" org.apache.zookeeper.ZooKeeperMain -server "$3""#, "sh",
                    commands, "\(try KafkaHome.jars())/*", "127.0.0.1:\(server.port)",
                ], environment: ProcessInfo.processInfo.environment)
            #expect(answer.code == 0, "\(answer.text)")
            let after = try self.healer("after", sandbox, lines(sasl), library)
            try await self.until(after, "it leads") { after.tail(1000).contains(Self.leads) }
            try await self.until(after, "it names whom else they belong to") {
                after.tail(1000).contains("others may change") && after.tail(1000).contains("digest:old:")
            }
            try await self.end(after)
        }
    }

    @Test("A key that is not the certificate's, a missing file, and a library without TLS are errors of the file")
    func refused() async throws {
        try await self.withServer { server, sandbox, library in
            let cases = [
                (Self.tls(server, key: "stranger.key"), library, "stranger.key: key values mismatch"),
                (Self.tls(server, key: "locked.key"), library, "locked.key: "),
                (Self.tls(server, authority: "nobody"), library, "nobody.pem: No such file or directory"),
                (Self.tls(server), "/nowhere", "the loaded libzookeeper_mt has no TLS"),
            ]
            for (number, (lines, library, reason)) in cases.enumerated() {
                let healer = try self.healer("refused-\(number)", sandbox, lines, library)
                #expect(await healer.ended(within: HealedCluster.patience) == .code(2))
                let said = healer.tail()
                #expect(said.contains("`coordination.tls` cannot be used: ") && said.contains(reason), "\(said)")
            }
        }
    }

    // MARK: Around them

    /// For its owner alone.
    private static func write(_ secret: String, to path: String) throws {
        try #require(
            FileManager.default.createFile(
                atPath: path, contents: Data(secret.utf8), attributes: [.posixPermissions: 0o600]))
    }

    private func withServer(
        _ body: (_ server: SecureServer, _ sandbox: Sandbox, _ library: String) async throws -> Void
    ) async throws {
        let library = try await SecureServer.library()
        try await SecureServer.during { server in
            try await Sandbox.during(
                SandboxOptions(zookeepers: 1, brokers: 0, topics: []), in: HealedCluster.newDirectory()
            ) { try await body(server, $0, library) }
        }
    }

    private func healer(
        _ name: String, _ sandbox: Sandbox, _ coordination: String, _ library: String
    ) throws -> HealerProcess {
        let example = try String(contentsOfFile: OwnProgram.example("config_development.yaml"), encoding: .utf8)
        let text = example.replacing(Self.plain, with: coordination)
        try #require(text != example)
        return try self.start(name, sandbox, text, library)
    }

    /// With this text for a configuration.
    private func start(
        _ name: String, _ sandbox: Sandbox, _ text: String, _ library: String
    ) throws -> HealerProcess {
        let file = "\(sandbox.directory)/\(name).yaml"
        try AtomicFile.write(Data(text.utf8), to: file)
        return try HealerProcess(
            HealerID(name), sandbox: sandbox, program: OwnProgram.beside("healer"), configuration: file,
            settings: ["LD_LIBRARY_PATH": library, "HEALER_COUNT": "1", "HEALER_PROFILE": "fast"])
    }

    private func until(_ healer: HealerProcess, _ what: String, _ holds: () async throws -> Bool) async throws {
        let end = HostClock.now + HealedCluster.patience
        while try await !holds() {
            guard HostClock.now < end else { throw SandboxError("never came: \(what)\n\(healer.tail(60))") }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func end(_ healer: HealerProcess) async throws {
        healer.send(SIGTERM)
        #expect(await healer.ended(within: HealedCluster.patience) == .code(0), "\(healer.tail())")
    }
}
