import Cluster
import Foundation
import Testing

@testable import ChaosTool

/// Everything that starts real servers, one test after the other.
@Suite(.serialized) struct RealServers {}

extension RealServers {
    /// The supervisor's verbs on a real process, which is a single ZooKeeper server because it starts quickly.
    @Suite(.serialized) struct SupervisorTests {
        private let name = "zookeeper-1"

        @Test("A killed node has exited by signal 9; started again, it serves at the same port as another life")
        func killed() async throws {
            try await withSandbox { sandbox in
                let before = try sandbox.status(of: name)
                #expect(before.state == .running && before.exit == nil)
                let node = try sandbox.node(name)
                #expect(try await sandbox.kill(name).result == .killed)
                #expect(
                    try sandbox.status(of: name)
                        == ProcessState(state: .exited, identity: before.identity, exit: .signal(9)))
                #expect(try await sandbox.kill(name).result == .notRunning)

                #expect(try await sandbox.start(name).result == .started)
                let after = try sandbox.status(of: name)
                #expect(after.state == .running && after.identity != before.identity)
                try await eventually("it serves again") { sandbox.serves(node) }
                #expect(try Sandbox.open(sandbox.directory).node(name).port == node.port)
                #expect(try await sandbox.start(name).result == .running)
                #expect(try sandbox.status(of: name) == after)
                #expect(try sandbox.requests().map(\.result) == [.killed, .notRunning, .started, .running])
                #expect(try sandbox.requestLog.ends().map(\.verb) == [.kill, .start], "what was not done has no end")
            }
        }

        @Test("A node that was asked to stop is stopped, not exited; restart gives it another life")
        func stopped() async throws {
            try await withSandbox { sandbox in
                let before = try sandbox.status(of: name)
                #expect(try await sandbox.stop(name).result == .stopped)
                #expect(
                    try sandbox.status(of: name)
                        == ProcessState(state: .stopped, identity: before.identity, exit: .code(143)))
                #expect(try await sandbox.stop(name).result == .notRunning)
                #expect(try await sandbox.restart(name).result == .restarted)
                let second = try sandbox.status(of: name)
                #expect(second.state == .running)
                #expect(try await sandbox.restart(name).result == .restarted)
                let third = try sandbox.status(of: name)
                #expect(third.state == .running && third.identity != second.identity)
                // A crash after all that is a crash again.
                #expect(try await sandbox.kill(name).result == .killed)
                #expect(try sandbox.status(of: name).state == .exited)
            }
        }

        @Test("A zombie is dead, though nobody has reaped it")
        func zombie() async throws {
            try await withSandbox { sandbox in
                let node = try sandbox.node(name)
                let life = try #require(AtomicFile.read(NodeLife.self, from: node.state))
                #expect(kill(life.keeper.pid, SIGSTOP) == 0)
                try await eventually("the keeper stands still") { ProcessStat(pid: life.keeper.pid)?.isFrozen == true }
                #expect(kill(life.process.pid, SIGKILL) == 0)
                try await eventually("it is a zombie") { ProcessStat(pid: life.process.pid)?.state == "Z" }
                #expect(try sandbox.status(of: name) == ProcessState(state: .exited, identity: life.identity))
                #expect(kill(life.keeper.pid, SIGCONT) == 0)
                try await eventually("its end is recorded") { try sandbox.status(of: name).exit == .signal(9) }
            }
        }

        @Test("A frozen node runs but is silent, goes on when thawed, and can be killed while frozen")
        func frozen() async throws {
            try await withSandbox { sandbox in
                let node = try sandbox.node(name)
                let life = try #require(AtomicFile.read(NodeLife.self, from: node.state))
                #expect(try await sandbox.freeze(name).result == .frozen)
                try await eventually("it stands still") { ProcessStat(pid: life.process.pid)?.isFrozen == true }
                #expect(try sandbox.status(of: name).state == .running)
                #expect(!sandbox.serves(node))
                #expect(try await sandbox.thaw(name).result == .thawed)
                try await eventually("it serves again") { sandbox.serves(node) }
                #expect(try sandbox.status(of: name).identity == life.identity)
                #expect(try await sandbox.freeze(name).result == .frozen)
                let origin = RequestOrigin(identity: life.identity)
                #expect(try await sandbox.kill(name, from: origin).result == .killed)
                #expect(try sandbox.status(of: name).exit == .signal(9))
                #expect(try await sandbox.freeze(name).result == .notRunning)
            }
        }

        @Test("A request that names another life hits nothing")
        func otherIdentity() async throws {
            try await withSandbox { sandbox in
                let first = try #require(try sandbox.status(of: name).identity)
                let origin = RequestOrigin(identity: first)
                #expect(try await sandbox.kill(name, from: origin).result == .killed)
                // A start that names the last life is served once; its late duplicate finds the node running.
                #expect(try await sandbox.start(name, from: origin).result == .started)
                #expect(try await sandbox.start(name, from: origin).result == .running)
                let second = try #require(try sandbox.status(of: name).identity)

                let arguments = ["sandbox", "node", "kill", name, "--directory", sandbox.directory]
                let refused = try await chaos(arguments + ["--identity", first.rawValue])
                #expect(refused.code == 5)
                #expect(refused.errors.contains("\(second) runs"))
                let byEnvironment = try await chaos(arguments, environment: ["HEALER_IDENTITY": first.rawValue])
                #expect(byEnvironment.code == 5)
                #expect(try await sandbox.stop(name, from: origin).result == .otherIdentity)
                #expect(try await sandbox.restart(name, from: origin).result == .otherIdentity)
                #expect(try sandbox.status(of: name) == ProcessState(state: .running, identity: second))

                // Stopped by somebody's hand meanwhile: the duplicate of the old start leaves it so.
                #expect(try await sandbox.stop(name).result == .stopped)
                #expect(try await sandbox.start(name, from: origin).result == .otherIdentity)
                #expect(try sandbox.status(of: name).state == .stopped)
            }
        }

        @Test(
            "The command line refuses a stale epoch with exit 6, prints the status as one line, and logs every request")
        func contract() async throws {
            try await withSandbox { sandbox in
                func node(_ words: [String], _ environment: [String: String] = [:]) async throws -> Ended {
                    try await chaos(
                        ["sandbox", "node"] + words,
                        environment: environment.merging(["HEALER_SANDBOX": sandbox.directory]) { $1 })
                }
                #expect(
                    try await node(
                        ["restart", name], ["HEALER_EPOCH": "7", "HEALER_ID": "healer-1", "HEALER_INTENT": "i7"]
                    ).code == 0)
                let life = try #require(try sandbox.status(of: name).identity)
                let stale = try await node(
                    ["kill", name], ["HEALER_EPOCH": "6", "HEALER_ID": "healer-2", "HEALER_INTENT": "i6"])
                #expect(stale.code == 6)
                #expect(stale.errors.contains("refused"))
                let status = try await node(["status", name])
                #expect(status.code == 0)
                #expect(status.output == "{\"exit\":null,\"identity\":\"\(life)\",\"state\":\"running\"}\n")
                #expect(try await node(["status", name, "--log-status"]).code == 0)
                #expect(try await node(["kill", name]).code == 0)
                #expect(try await node(["logs", name, "--lines", "5"]).output.split(separator: "\n").count == 5)
                #expect(try await node(["start", "zookeper-1"]).code == 2)

                let requests = try sandbox.requests()
                #expect(requests.map(\.verb) == [.restart, .kill, .status, .kill])
                #expect(requests.map(\.result) == [.restarted, .staleEpoch, .answered, .killed])
                #expect(requests.map(\.healer) == ["healer-1", "healer-2", nil, nil])
                #expect(requests.map(\.intent) == ["i7", "i6", nil, nil])
                #expect(requests.map(\.found) == [requests[0].found, life.rawValue, life.rawValue, life.rawValue])
                #expect(requests.map(\.boottime) == requests.map(\.boottime).sorted())
            }
        }

        @Test("Many starts at once start one process")
        func concurrentStarts() async throws {
            try await withSandbox { sandbox in
                let name = self.name
                #expect(try await sandbox.kill(name).result == .killed)
                let ended = try await withThrowingTaskGroup(of: Ended.self) { group in
                    for _ in 0..<6 {
                        group.addTask {
                            try await chaos(["sandbox", "node", "start", name, "--directory", sandbox.directory])
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(ended.map(\.code) == [0, 0, 0, 0, 0, 0])
                let starts = try sandbox.requests().filter { $0.verb == .start }
                #expect(starts.filter { $0.result == .started }.count == 1)
                #expect(starts.filter { $0.result == .running }.count == 5)
                let nodes = Leftovers.processes { $0["HEALER_SANDBOX_ID"] == sandbox.id }.filter { $0.1 == .node }
                #expect(nodes.count == 1)
            }
        }

        @Test("A thread dump is printed whole, and a frozen node gives none")
        func dump() async throws {
            try await withSandbox { sandbox in
                let text = try await sandbox.dump(name)
                #expect(text.contains("Full thread dump"))
                #expect(text.contains("\"main\""))
                #expect(text.contains("JNI global refs"))
                #expect(try await sandbox.freeze(name).result == .frozen)
                let supervisor = try sandbox.supervisor(of: name)
                await #expect(throws: SandboxError.self) {
                    try await blocking { try supervisor.dump(within: .milliseconds(300)) }
                }
            }
        }

        @Test("A node that cannot be launched says why, and the log has it")
        func notLaunched() async throws {
            try await withSandbox { sandbox in
                #expect(try await sandbox.kill(name).result == .killed)
                let path = "\(sandbox.directory)/sandbox.json"
                let text = try #require(ProcFile.text(path))
                let broken = text.replacingOccurrences(of: sandbox.description.java, with: "/no/such/java")
                try AtomicFile.write(Data(broken.utf8), to: path)
                let ended = try await chaos(["sandbox", "node", "start", name, "--directory", sandbox.directory])
                try AtomicFile.write(Data(text.utf8), to: path)
                #expect(ended.code == 1)
                #expect(ended.errors.contains("cannot start /no/such/java"))
                #expect(try sandbox.requests().map(\.result) == [.killed, .started, .launchFailed])
                #expect(try sandbox.status(of: name).state == .exited)
            }
        }
    }
}
