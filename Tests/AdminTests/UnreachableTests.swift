import Admin
import Foundation
import MicroHTTPD
import Testing

@testable import AdminTool
@testable import ChaosTool

@Suite("healerctl without a ZooKeeper")
struct UnreachableTests {
    @Test("No server in time is an error that says what to check")
    func nobodyThere() async {
        let outcome = await Program(environment: [:], colours: false)
            .run(["status", "--zookeeper", "127.0.0.1:1", "--timeout", "1s"])
        #expect(outcome.code == .error)
        #expect(outcome.errors.contains("no ZooKeeper server of 127.0.0.1:1 answered within"))
        #expect(outcome.errors.contains("Check the addresses"))
        // A healer without its ensemble still tells what it sees.
        #expect(outcome.errors.contains("Ask a healer directly: `healerctl status --healer HOST:PORT`"))
    }

    @Test("Where ZooKeeper has no quorum, that is what is said, and a healer can be asked instead")
    func noQuorum() async throws {
        let folder = "\(NSTemporaryDirectory())healerctl-test-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await Sandbox.during(SandboxOptions(zookeepers: 3, brokers: 0, topics: []), in: "\(folder)/sandbox") {
            sandbox in
            for server in ["zookeeper-1", "zookeeper-2"] { try await sandbox.kill(server) }
            let servers = sandbox.description.zookeeper
            let program = Program(environment: ["HEALER_ZOOKEEPER": servers], colours: false)
            // The one that is left needs a moment to notice.
            let end = ContinuousClock.now + .seconds(60)
            var outcome = await program.run(["status", "--timeout", "1s"])
            while !outcome.errors.contains("has no quorum"), ContinuousClock.now < end {
                outcome = await program.run(["status", "--timeout", "1s"])
            }
            for command in ["status", "leader", "members", "nodes", "incidents", "partitions", "explain 3-1"] {
                let words = command.split(separator: " ").map { String($0) }
                let outcome = await program.run(words + ["--timeout", "1s"])
                #expect(outcome.code == .error)
                #expect(
                    outcome.errors.hasPrefix(
                        "healerctl: ZooKeeper at \(servers) has no quorum: 1 of 3 servers run, and none serves;"),
                    "\(command): \(outcome)")
                #expect(outcome.errors.contains("--healer HOST:PORT"))
            }
        }
    }

    @Test("A healer named on the line answers every command that reads, without any ZooKeeper")
    func direct() async throws {
        var lost = Samples.status
        lost.source.quorum = .lost
        let status = lost
        let server = try HTTPServer(host: "127.0.0.1", port: 0) { request in
            let json: [UInt8]? =
                switch request.path {
                case "/api/v1/status": AdminJSON.encode(status)
                case "/api/v1/nodes": AdminJSON.encode(Samples.nodes)
                case "/api/v1/partitions": AdminJSON.encode(Samples.partitionsPage)
                case "/api/v1/check": AdminJSON.encode(Samples.check)
                case "/api/v1/incidents/3-1": AdminJSON.encode(Samples.explained)
                case "/api/v1/incidents":
                    AdminJSON.encode(IncidentsPage(source: Samples.source, incidents: [Samples.explained]))
                default: nil
                }
            return HTTPResponse(status: json == nil ? 404 : 200, body: json ?? [])
        }
        async let running: Void = server.run()
        let address = "127.0.0.1:\(server.port)"
        let program = Program(environment: [:], colours: false)
        for (command, words) in [
            ("status", "quorum       lost"), ("leader", "healer-1 has no connection to the coordination ensemble"),
            ("members", "healer-2"), ("nodes", "kafka-2"), ("partitions", "3 partitions, 1 offline"),
            ("check kafka-2", "refused"), ("incidents", "brokerDead"), ("explain 3-1", "start, epoch 3"),
        ] {
            let arguments = command.split(separator: " ").map { String($0) }
            let outcome = await program.run(arguments + ["--healer", "http://\(address)/"])
            #expect(outcome.output.contains(words), "\(command): \(outcome)")
            #expect(outcome.errors.isEmpty)
        }
        // Named in the environment it is asked when ZooKeeper does not answer, and that is said.
        let second = await Program(
            environment: ["HEALER_ZOOKEEPER": "127.0.0.1:1", "HEALER_API": address], colours: false
        ).run(["nodes", "--timeout", "1s"])
        #expect(second.output == Samples.nodes.text(.table, colours: false))
        #expect(second.errors.contains("127.0.0.1:1 answered within 1.0 seconds; a healer is asked instead\n"))
        await server.stop()
        await running
        let nobody = await program.run(["nodes", "--healer", address])
        #expect(nobody.code == .error)
        #expect(nobody.errors.contains("Check the address: a healer's log names it as healer.api."))
    }

    @Test("A mistake on the command line is 2, help is 0")
    func usage() async {
        let program = Program(environment: [:], colours: false)
        let mistaken = await program.run(["statsu"])
        #expect(mistaken.code == .usage)
        #expect(mistaken.errors == "healerctl: there is no command statsu\n  Did you mean `healerctl status`?\n")
        let help = await program.run(["--help"])
        #expect(help.code == .healthy)
        #expect(help.output.contains("usage: healerctl COMMAND"))
        let version = await program.run(["--version"])
        #expect(version.code == .healthy)
        #expect(version.output.wholeMatch(of: /healerctl \d+\.\d+\.\d+\n/) != nil, "\(version)")
    }

    @Test("Credentials that are none are an error before anything is sent")
    func credentials() async {
        let outcome = await Program(environment: ["HEALER_ZOOKEEPER_AUTH": "secret"], colours: false)
            .run(["status", "--zookeeper", "127.0.0.1:1", "--timeout", "1s"])
        #expect(outcome.errors == "healerctl: HEALER_ZOOKEEPER_AUTH has no colon\n  Set it to user:password.\n")
    }

    @Test(
        "Files for TLS that are none, too many ways at once, and a library that has neither, are errors too",
        arguments: [
            (["HEALER_ZOOKEEPER_TLS": "ca.pem"], "HEALER_ZOOKEEPER_TLS does not name three files"),
            (["HEALER_ZOOKEEPER_SASL": ":x"], "HEALER_ZOOKEEPER_SASL has no colon"),
            (["HEALER_ZOOKEEPER_TLS": "a,b,c", "HEALER_ZOOKEEPER_SASL": "u:p"], "are both set"),
            // With a library that has TLS it is the first file that is missing.
            (["HEALER_ZOOKEEPER_TLS": "/no/ca,/no/c,/no/key"], "cannot use 127.0.0.1:1: "),
        ])
    func security(environment: [String: String], words: String) async {
        let outcome = await Program(environment: environment, colours: false)
            .run(["status", "--zookeeper", "127.0.0.1:1", "--timeout", "1s"])
        #expect(outcome.code == .error)
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        #expect(outcome.errors.contains("\n  "))
    }
}
