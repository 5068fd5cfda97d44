import Cluster
import Foundation
import Testing

@testable import ChaosTool

extension RealServers {
    @Suite(.serialized) struct SandboxTests {
        @Test(
            "A whole cluster comes up with the session time-out asked for and goes without a trace",
            arguments: [6000, 18000])
        func upAndDown(sessionTimeout: Int) async throws {
            try await withSandbox(zookeepers: 3, brokers: 3, sessionTimeout: sessionTimeout) { sandbox in
                #expect(
                    sandbox.description.nodes.map(\.name) == [
                        "zookeeper-1", "zookeeper-2", "zookeeper-3", "kafka-1", "kafka-2", "kafka-3",
                    ])
                #expect(sandbox.description.brokers.map(\.broker) == [1, 2, 3])
                let modes = sandbox.description.zookeepers.map { FourLetterWord.mode(port: $0.port) }
                #expect(modes.filter { $0 == "leader" }.count == 1 && modes.filter { $0 == "follower" }.count == 2)
                for broker in sandbox.description.brokers {
                    #expect(sandbox.negotiatedSessionTimeout(of: broker) == sessionTimeout)
                    let metadata = try #require(sandbox.metadata(from: broker))
                    #expect(metadata.brokers.count == 3 && metadata.partitions.count == 4)
                    #expect(metadata.partitions.allSatisfy { $0.inSyncReplicas.count == 3 && $0.leader != nil })
                }
                // In the ensemble's own words: every broker's session there has that time-out.
                let connections = try sandbox.description.zookeepers.map {
                    try FourLetterWord.ask("cons", port: $0.port)
                }
                let limits = connections.joined().matches(of: /sid=0x[0-9a-f]+.*?,to=(\d+),/).map {
                    String($0.output.1)
                }
                #expect(limits == Array(repeating: String(sessionTimeout), count: 3))

                let again = try await chaos(["sandbox", "up", "--directory", sandbox.directory])
                #expect(again.code == 1 && again.errors.contains("there is a sandbox in"))
                let found = Leftovers().find(.id(sandbox.id))
                #expect(found.filter { $0.hasPrefix("process") }.count == 12)
                #expect(
                    found.contains("port \(sandbox.description.brokers[0].port): listening, of sandbox \(sandbox.id)"))
            }
        }

        @Test(
            "Up and down by the command line, twice in the same place: Java's classes are prepared once, logs are kept")
        func commandLine() async throws {
            try await withFolder { folder in
                let place = ["--directory", "\(folder)/sandbox"]
                let home = URL(fileURLWithPath: try KafkaHome.jars()).deletingLastPathComponent().path
                let environment = ["HEALER_CACHE": "\(folder)/cache", "KAFKA_HOME": home]
                for round in 1...2 {
                    let up = try await chaos(
                        [
                            "sandbox", "up", "--zookeepers", "1", "--brokers", "1", "--topic", "a:2", "--topic", "b:1",
                            "--json",
                        ] + place, environment: environment)
                    #expect(up.code == 0, "\(up.errors)")
                    #expect(up.errors.contains("preparing Java's classes") == (round == 1))
                    #expect(!up.errors.contains("going on without"))
                    let description = try JSONDecoder().decode(SandboxDescription.self, from: Data(up.output.utf8))
                    #expect(description.topics.map(\.name) == ["a", "b"])
                    #expect(description.bootstrap == "127.0.0.1:\(description.brokers[0].port)")
                    #expect(description.archive?.flags(for: .broker).count == 1)
                    let status = try await chaos(["sandbox", "status"] + place)
                    #expect(status.output.split(separator: "\n").filter { $0.contains("serves") }.count == 2)
                    let leftovers = try await chaos(["leftovers"] + place)
                    #expect(leftovers.code == 1)
                    let healer = "\(folder)/sandbox/healers/healer-1"
                    try FileManager.default.createDirectory(atPath: healer, withIntermediateDirectories: true)
                    try AtomicFile.write(Data("\(round)".utf8), to: "\(healer)/application.log")
                    let down = try await chaos(["sandbox", "down", "--keep-logs", "\(folder)/logs"] + place)
                    #expect(down.code == 0, "\(down.errors)")
                    #expect(ProcFile.text("\(folder)/logs/healers/healer-1/application.log") == "\(round)")
                    let log = ProcFile.text("\(folder)/logs/kafka-1/server.log") ?? ""
                    #expect(log.contains("[KafkaServer id=1] started"))
                    #expect(try await chaos(["sandbox", "down"] + place).code == 0)
                    let none = try await chaos(["leftovers"] + place)
                    #expect(none.code == 0 && none.output == "none\n", "\(none.output)")
                }
                let cached = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/cache")
                #expect(cached.count == 2 && cached.contains("classes.lock"), "\(cached)")
            }
        }

        @Test("Ctrl-C in the middle of up leaves nothing", arguments: ["sandbox", "ZooKeeper servers serve"])
        func interrupted(after step: String) async throws {
            try await withFolder { folder in
                let process = Process()
                process.executableURL = URL(fileURLWithPath: try OwnProgram.path)
                process.arguments = [
                    "sandbox", "up", "--zookeepers", "1", "--brokers", "1", "--directory", "\(folder)/sandbox",
                ]
                let steps = Pipe()
                process.standardOutput = FileHandle.nullDevice
                process.standardError = steps
                try process.run()
                let reader = steps.fileHandleForReading
                let seen = try await blocking {
                    var text = ""
                    while !text.contains(step) {
                        let data = reader.availableData
                        if data.isEmpty { break }
                        text += String(decoding: data, as: UTF8.self)
                    }
                    return text
                }
                #expect(seen.contains(step))
                #expect(kill(process.processIdentifier, SIGINT) == 0)
                try await eventually("up ends") { !process.isRunning }
                #expect(process.terminationStatus == 130)
                #expect(Leftovers().find(.directory("\(folder)/sandbox")) == [])
                #expect(!FileManager.default.fileExists(atPath: "\(folder)/sandbox-failed"))
            }
        }

        @Test("A node that does not come up is named with its last lines, and its logs are kept")
        func failed() async throws {
            try await withFolder { folder in
                // A heap that no broker can live in is what a bad machine looks like: here, a java that is none.
                let java = "\(folder)/java"
                try AtomicFile.write(Data("#!/bin/sh\necho no memory for you >&2\nexit 7\n".utf8), to: java)
                #expect(chmod(java, 0o755) == 0)
                let ended = try await chaos(
                    ["sandbox", "up", "--directory", "\(folder)/sandbox"],
                    environment: ["JAVA_HOME": "", "PATH": "\(folder):/usr/bin:/bin"])
                #expect(ended.code == 1)
                #expect(ended.errors.contains("exit code 7"))
                #expect(ended.errors.contains("no memory for you"))
                #expect(ended.errors.contains("logs: \(folder)/sandbox-failed"))
                #expect(ProcFile.text("\(folder)/sandbox-failed/zookeeper-1/console.log") == "no memory for you\n")
                #expect(Leftovers().find(.directory("\(folder)/sandbox")) == [])
            }
        }

        @Test("Down ends whatever carries the sandbox's id, and nothing starts behind its back")
        func downEndsAll() async throws {
            try await withFolder { folder in
                let options = SandboxOptions(zookeepers: 1, brokers: 0)
                let sandbox = try await Sandbox.up(options, in: "\(folder)/sandbox")
                let pid = try Spawn(
                    program: "/bin/sleep", arguments: ["300"], environment: ["HEALER_SANDBOX_ID": sandbox.id],
                    folder: "/", console: "\(folder)/out"
                ).start()
                #expect(try await sandbox.freeze("zookeeper-1").result == .frozen)
                try await sandbox.down()
                defer { kill(pid, SIGKILL) }
                var status: Int32 = 0
                try await eventually("the planted process ends", within: .seconds(10)) {
                    waitpid(pid, &status, WNOHANG) == pid
                }
                #expect(ExitRecord(waitStatus: status).status == .signal(SIGTERM))
                #expect(Leftovers().find(.id(sandbox.id)) == [])
                #expect(sandbox.isClosing)
                await #expect(throws: (any Error).self) { try await sandbox.start("zookeeper-1") }
                #expect(Leftovers().find(.id(sandbox.id)) == [])
            }
        }

        @Test("What is left of a sandbox whose directory is gone can still be taken down")
        func lost() async throws {
            try await withFolder { folder in
                let sandbox = try await Sandbox.up(SandboxOptions(zookeepers: 1, brokers: 0), in: "\(folder)/sandbox")
                // By rename, because the server goes on writing.
                #expect(rename(sandbox.directory, "\(folder)/gone") == 0)
                let found = Leftovers().find(.directory(sandbox.directory))
                #expect(found.filter { $0.hasPrefix("process") }.count == 2)
                let down = try await chaos(["sandbox", "down", "--directory", sandbox.directory])
                #expect(down.code == 0 && down.output.contains(sandbox.id))
                #expect(Leftovers().find(.id(sandbox.id)) == [])
            }
        }

        @Test("A plain restart loop starts the broker into its own old registration: NodeExists")
        func restartLoop() async throws {
            // Long enough that a start on a busy machine still meets the session of the life before.
            try await withSandbox(zookeepers: 1, brokers: 1, sessionTimeout: 18_000) { sandbox in
                let broker = try sandbox.node("kafka-1")
                let loop = RestartLoop(supervisor: try sandbox.supervisor(of: broker.name), delay: .zero)
                let running = Task { try await loop.run(for: .seconds(120)) }
                #expect(ProcFile.text(broker.log)?.contains("NodeExists") == false)
                #expect(try await sandbox.kill(broker.name).result == .killed)
                try await eventually("the broker meets its own registration") {
                    ProcFile.text(broker.log)?.contains("NodeExists") == true
                }
                try await eventually("it comes back once the session has expired") {
                    sandbox.metadata(from: broker)?.brokers.isEmpty == false
                }
                running.cancel()
                let starts = try await running.value
                #expect(starts >= 2)
                #expect(try sandbox.requests().filter { $0.result == .started }.count == starts)
            }
        }
    }
}
