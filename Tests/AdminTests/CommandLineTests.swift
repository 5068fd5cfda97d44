import Admin
import Cluster
import Testing

@Suite("healerctl's command line")
struct CommandLineTests {
    private func parse(_ arguments: String, environment: [String: String] = ["HEALER_ZOOKEEPER": "zk:2181"]) throws
        -> AdminInvocation
    {
        let request = try AdminRequest(
            arguments: arguments.split(separator: " ").map { String($0) }, environment: environment)
        guard case .perform(let invocation) = request else {
            Issue.record("help instead of a command")
            return AdminInvocation(command: .status, zooKeeper: "")
        }
        return invocation
    }

    private func usageError(_ arguments: String, environment: [String: String] = ["HEALER_ZOOKEEPER": "zk:2181"])
        -> UsageError?
    {
        do {
            _ = try AdminRequest(
                arguments: arguments.split(separator: " ").map { String($0) }, environment: environment)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "Every command is read with its operands and options",
        arguments: [
            ("status", .status), ("leader", .leader), ("members", .members), ("nodes", .nodes),
            ("partitions", .partitions), ("incidents", .incidents), ("check kafka-1", .check(NodeName("kafka-1"))),
            ("explain 3-1", .explain("3-1")), ("pause", .pause(why: "", lasting: nil, everywhere: false)),
            ("pause --why upgrade --for 2h", .pause(why: "upgrade", lasting: .seconds(7200), everywhere: false)),
            ("--everywhere pause --for=30s", .pause(why: "", lasting: .seconds(30), everywhere: true)),
            ("resume", .resume(everywhere: false)), ("resume --everywhere", .resume(everywhere: true)),
            ("maintenance kafka-1 off", .endMaintenance(NodeName("kafka-1"))),
            (
                "maintenance kafka-1 on --why=disk",
                .beginMaintenance(NodeName("kafka-1"), why: "disk", lasting: nil)
            ), ("resign", .resign), ("transfer --to healer-2", .transfer(HealerID("healer-2"))),
        ] as [(String, AdminCommand)])
    func commands(line: String, command: AdminCommand) throws {
        #expect(try self.parse(line).command == command)
    }

    @Test("Options are read wherever they stand, and win over the environment")
    func options() throws {
        let environment = ["HEALER_ZOOKEEPER": "other:1", "HEALER_ROOT": "/other"]
        #expect(
            try self.parse(
                "--zookeeper=a:1,b:2 status --root /r --cluster main -o json --timeout 9s", environment: environment)
                == AdminInvocation(
                    command: .status, zooKeeper: "a:1,b:2", root: "/r", cluster: ClusterName("main"), format: .json,
                    timeout: .seconds(9)))
        #expect(
            try self.parse("status", environment: environment)
                == AdminInvocation(command: .status, zooKeeper: "other:1", root: "/other"))
    }

    @Test("A path after the servers stands before the root")
    func chroot() throws {
        let invocation = try self.parse("status --zookeeper a:1,b:2/teams/one/")
        #expect(invocation.zooKeeper == "a:1,b:2")
        #expect(invocation.root == "/teams/one/kafka-healer")
    }

    @Test(
        "What makes no sense is told what would",
        arguments: [
            ("statsu", "Did you mean `healerctl status`?"),
            ("mainteance kafka-1 on", "Did you mean `healerctl maintenance`?"),
            ("xyzzyplugh", "`healerctl --help` lists the commands."),
            ("status --clutser main", "Did you mean --cluster?"),
            ("", "Try `healerctl status`; `healerctl --help` lists all."), ("check", "Usage: healerctl check NODE"),
            ("status now", "Usage: healerctl status"), ("status -o yaml", "Say -o table or -o json."),
            ("status --why x", "Usage: healerctl status"), ("pause --for 5", "Say it as 30s, 10m, 2h or 1d."),
            ("pause --for 99999999999999999d", "Say it as 30s, 10m, 2h or 1d."),
            ("pause --for", "Say --for VALUE."), ("pause --everywhere=yes", "Leave =… away."),
            ("status --root a", "A root looks like /kafka-healer."), ("status -o json -o json", "Say it once."),
            ("maintenance kafka-1 maybe", "Say on or off."), ("check a/b", "`healerctl nodes` lists them."),
            ("help statsu", "Did you mean `healerctl status`?"),
            ("pause --healer h:1", "Usage: healerctl pause [--why TEXT] [--for SPAN] [--everywhere]"),
            ("status --healer h", "Say HOST:PORT; a healer's log names its own as healer.api."),
            ("status --healer https://h:1", "Say HOST:PORT; a healer's log names its own as healer.api."),
            ("status --healer h:1,", "Say HOST:PORT; a healer's log names its own as healer.api."),
        ])
    func usage(line: String, hint: String) {
        #expect(self.usageError(line)?.hint == hint)
    }

    @Test("A healer named on the line is asked alone; one of the environment when ZooKeeper does not answer")
    func healers() throws {
        let direct = try self.parse("status --healer http://h:1/,[::1]:2")
        #expect(direct.zooKeeper == nil)
        #expect(direct.healers == ["h:1", "[::1]:2"])
        let environment = ["HEALER_ZOOKEEPER": "zk:2181", "HEALER_API": "h:1"]
        let second = try self.parse("status", environment: environment)
        #expect(second.zooKeeper == "zk:2181")
        #expect(second.healers == ["h:1"])
        #expect(try self.parse("nodes", environment: ["HEALER_API": "h:1"]).zooKeeper == nil)
        // What writes goes to ZooKeeper, whoever else is named.
        #expect(try self.parse("pause", environment: environment).healers == [])
        #expect(self.usageError("pause", environment: ["HEALER_API": "h:1"])?.error == "which ZooKeeper?")
    }

    @Test("Without a word about ZooKeeper it asks for one")
    func noZooKeeper() {
        #expect(self.usageError("status", environment: [:])?.hint.contains("HEALER_ZOOKEEPER") == true)
        #expect(self.usageError("status", environment: ["HEALER_ZOOKEEPER": ""]) != nil)
    }

    @Test("Help needs no ZooKeeper, names every command, and says more about one")
    func help() throws {
        func help(_ arguments: [String]) throws -> String {
            guard case .help(let text) = try AdminRequest(arguments: arguments, environment: [:]) else { return "" }
            return text
        }
        let overview = try help(["--help"])
        for command in [
            "status", "leader", "members", "nodes", "check NODE", "partitions", "incidents", "explain ID", "pause",
            "resume", "maintenance NODE on|off", "resign", "transfer",
        ] {
            #expect(overview.contains("\n  \(command) "), "\(command)")
        }
        #expect(try help(["help"]) == overview)
        #expect(try help(["pause", "--help"]).contains("--for SPAN"))
        #expect(try help(["help", "pause"]) == help(["pause", "-h"]))
        #expect(overview.split(separator: "\n").allSatisfy { !$0.hasSuffix(" ") })
    }
}
