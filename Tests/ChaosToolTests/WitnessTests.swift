import Cluster
import Foundation
import Testing

@testable import ChaosTool

/// The log of requests, processes and ports, without any server.
@Suite struct WitnessTests {
    private let life = ProcessIdentity("boot:7:9")

    @Test("An acting request of an older epoch is refused, one without an epoch is served")
    func fencing() async throws {
        try await withFolder { folder in
            let log = RequestLog(directory: folder)
            func ask(_ verb: NodeVerb, _ epoch: Int64?, _ wanted: NodeResult) throws -> NodeResult {
                let origin = RequestOrigin(epoch: epoch.map { Epoch($0) }, healer: "healer-1")
                return try log.admit(verb, node: "kafka-1", origin: origin, found: life, wanted: wanted)
            }
            #expect(try ask(.start, 3, .started) == .started)
            #expect(try ask(.start, 2, .started) == .staleEpoch)
            #expect(try ask(.kill, 2, .killed) == .staleEpoch)
            #expect(try ask(.stop, 3, .stopped) == .stopped)
            #expect(try ask(.dump, 2, .dumped) == .dumped)
            #expect(try ask(.restart, nil, .restarted) == .restarted)
            // Evidence that is asked for under a newer leadership ends the older one too.
            #expect(try ask(.dump, 4, .dumped) == .dumped)
            #expect(try ask(.start, 3, .started) == .staleEpoch)
            #expect(try log.requests().map(\.code) == [0, 6, 6, 0, 0, 0, 0, 6])
            #expect(try log.requests().map(\.epoch) == [3, 2, 2, 3, 2, nil, 4, 3])
            try log.forgetEpochs()
            #expect(try ask(.start, 1, .started) == .started)
        }
    }

    @Test("A request is one line with all that was said and found")
    func oneLine() async throws {
        try await withFolder { folder in
            let origin = try RequestOrigin(
                environment: [
                    "HEALER_EPOCH": "5", "HEALER_INTENT": "i-1", "HEALER_INCIDENT": "n-1", "HEALER_ID": "healer-2",
                    "HEALER_IDENTITY": "boot:1:1", "HEALER_START_BY": "123456789",
                ], identity: nil)
            let log = RequestLog(directory: folder)
            _ = try log.admit(.kill, node: "kafka-1", origin: origin, found: life, wanted: .otherIdentity)
            let text = try String(contentsOfFile: log.path, encoding: .utf8)
            #expect(text.hasSuffix("\n") && text.filter { $0 == "\n" }.count == 1)
            let request = try #require(try log.requests().first)
            #expect(request.node == "kafka-1" && request.verb == .kill && request.result == .otherIdentity)
            #expect(request.identity == "boot:1:1" && request.found == "boot:7:9" && request.code == 5)
            #expect(request.intent == "i-1" && request.incident == "n-1" && request.healer == "healer-2")
            #expect(request.epoch == 5 && request.startBy == 123_456_789)
            #expect(request.time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
            #expect(abs(request.boottime - HostClock.now.nanoseconds) < 60_000_000_000)
        }
    }

    @Test("Requests at the same time are all written, each whole")
    func manyAtOnce() async throws {
        try await withFolder { folder in
            let log = RequestLog(directory: folder)
            let life = self.life
            try await withThrowingTaskGroup(of: Void.self) { group in
                for epoch in Int64(1)...40 {
                    group.addTask {
                        _ = try await blocking {
                            try log.admit(
                                .start, node: "kafka-1", origin: RequestOrigin(epoch: Epoch(epoch)), found: life,
                                wanted: .running)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let requests = try log.requests()
            #expect(Set(requests.compactMap(\.epoch)) == Set(1...40))
            // Served exactly if no higher epoch was served before.
            var highest = Int64.min
            for request in requests {
                let epoch = try #require(request.epoch)
                #expect(request.result == (epoch < highest ? .staleEpoch : .running))
                highest = max(highest, epoch)
            }
        }
    }

    @Test("A number that is none is refused, not read as no epoch")
    func notANumber() {
        #expect(throws: UsageError.self) { try RequestOrigin(environment: ["HEALER_EPOCH": "3x"], identity: nil) }
    }

    @Test("The option names the life before the environment does; an empty variable is no variable")
    func origins() throws {
        let environment = ["HEALER_IDENTITY": "a", "HEALER_EPOCH": ""]
        #expect(try RequestOrigin(environment: environment, identity: "b").identity == ProcessIdentity("b"))
        #expect(try RequestOrigin(environment: environment, identity: nil).identity == ProcessIdentity("a"))
        #expect(try RequestOrigin(environment: environment, identity: nil).epoch == nil)
    }

    @Test(
        "The status is one line with the three keys, whatever is known",
        arguments: [
            (
                ProcessState(state: .running, identity: ProcessIdentity("b:1:2")),
                #"{"exit":null,"identity":"b:1:2","state":"running"}"#
            ),
            (
                ProcessState(state: .exited, identity: ProcessIdentity("b:1:2"), exit: .signal(9)),
                #"{"exit":{"signal":9},"identity":"b:1:2","state":"exited"}"#
            ),
            (
                ProcessState(state: .stopped, identity: ProcessIdentity("b:1:2"), exit: .code(143)),
                #"{"exit":{"code":143},"identity":"b:1:2","state":"stopped"}"#
            ),
            (ProcessState(state: .stopped, identity: nil), #"{"exit":null,"identity":null,"state":"stopped"}"#),
        ])
    func statusLine(state: ProcessState, line: String) {
        #expect(StatusLine.json(StatusLine(state)) == line)
    }

    @Test("A process that has ended is dead before anybody has reaped it, and a later one with its number is another")
    func zombie() async throws {
        try await withFolder { folder in
            let pid = try Spawn(program: "/bin/sh", arguments: ["-c", "exit 3"], folder: "/", console: "\(folder)/out")
                .start()
            let process = try #require(LocalProcess(pid: pid))
            try await eventually("it ends") { ProcessStat(pid: pid)?.isDead == true }
            #expect(!process.isAlive)
            #expect(LocalProcess(pid: pid) == process)
            var status: Int32 = 0
            #expect(waitpid(pid, &status, 0) == pid)
            #expect(ExitRecord(waitStatus: status).status == .code(3))
            #expect(LocalProcess(pid: pid) == nil)
            let other = LocalProcess(pid: getpid(), startTime: 1)
            #expect(!other.isAlive)
            #expect(other.identity != LocalProcess(pid: getpid())?.identity)
        }
    }

    @Test("A child gets a session of its own, the environment given, and no file of ours")
    func spawned() async throws {
        try await withFolder { folder in
            let leak = open("/dev/null", O_RDONLY)
            defer { close(leak) }
            let script = "env; echo session $(cut -d' ' -f6 /proc/$$/stat) $$; for f in /proc/$$/fd/*; do echo $f; done"
            let pid = try Spawn(
                program: "/bin/sh", arguments: ["-c", script],
                environment: ["COLOUR": "green", "PATH": "/usr/bin:/bin"],
                folder: "/", console: "\(folder)/out"
            ).start()
            var status: Int32 = 0
            #expect(waitpid(pid, &status, 0) == pid && status == 0)
            let lines = try String(contentsOfFile: "\(folder)/out", encoding: .utf8).split(separator: "\n").map(
                String.init)
            #expect(lines.contains("COLOUR=green"))
            #expect(!lines.contains { $0.hasPrefix("HOME=") })
            #expect(lines.contains("session \(pid) \(pid)"))
            #expect(!lines.contains("/proc/\(pid)/fd/\(leak)"))
        }
    }

    @Test("Sandboxes that choose their ports at the same time choose different ones")
    func ports() async throws {
        try await withFolder { folder in
            let list = SandboxList(folder: "\(folder)/list")
            try FileManager.default.createDirectory(atPath: "\(folder)/box", withIntermediateDirectories: true)
            let ports = try await withThrowingTaskGroup(of: [UInt16].self) { group in
                for number in 0..<8 {
                    group.addTask {
                        try await blocking { try list.enter(id: "s\(number)", directory: "\(folder)/box", ports: 12) }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(ports.count == 96 && Set(ports).count == 96)
            #expect(list.entries.count == 8)
            list.leave(id: "s3")
            #expect(list.entries.map(\.id) == ["s0", "s1", "s2", "s4", "s5", "s6", "s7"])
        }
    }

    @Test("A planted process, a listening port and a folder are found; then nothing is")
    func leftovers() async throws {
        try await withFolder { folder in
            let leftovers = Leftovers(list: SandboxList(folder: "\(folder)/list"))
            let id = "planted-\(getpid())"
            #expect(leftovers.find(.id(id)) == [])
            let pid = try Spawn(
                program: "/bin/sleep", arguments: ["300"], environment: ["HEALER_SANDBOX_ID": id], folder: "/",
                console: "\(folder)/out"
            ).start()
            try FileManager.default.createDirectory(atPath: "\(folder)/box", withIntermediateDirectories: true)
            _ = try leftovers.list.enter(id: id, directory: "\(folder)/box", ports: 2)
            let found = leftovers.find(.id(id))
            #expect(found.count == 3)
            #expect(found.first == "process \(pid) (other): /bin/sleep 300")
            #expect(found.last == "file \(folder)/box")
            // By the program, whose list is another.
            let ended = try await chaos(["leftovers", "--id", id])
            #expect(ended.code == 1 && ended.output == "process \(pid) (other): /bin/sleep 300\n")

            kill(pid, SIGKILL)
            var status: Int32 = 0
            #expect(waitpid(pid, &status, 0) == pid)
            leftovers.list.leave(id: id)
            #expect(leftovers.find(.id(id)) == [])
            let none = try await chaos(["leftovers", "--id", id])
            #expect(none.code == 0 && none.output == "none\n")
        }
    }
}
