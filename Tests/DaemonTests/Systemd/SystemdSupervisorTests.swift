import Cluster
import Foundation
import Glibc
import Testing

@testable import Daemon

@Suite("The systemd supervisor")
struct SystemdSupervisorTests {
    private let broker = Node(
        name: NodeName("kafka-1"), role: .broker(BrokerID(1)), endpoint: Endpoint(host: "k1.example", port: 9092))
    private let server = Node(
        name: NodeName("zookeeper-1"), role: .zooKeeper, endpoint: Endpoint(host: "z1.example", port: 2181))

    private func supervisor(_ yaml: String, sockets: SSHSockets? = nil) throws -> SystemdSupervisor {
        let configuration = try Sample.read(Sample.cluster("zookeeper: z\nsupervisor: {\(yaml)}"))
        let supervisor = try #require(configuration.clusters[0].supervisor)
        return SystemdSupervisor(
            configuration: try #require(supervisor.systemd), limit: supervisor.limit(for:), sockets: sockets,
            executable: "/usr/bin/healer")
    }

    @Test("Brokers and ZooKeeper servers have units of their own, in which placeholders are filled in")
    func units() throws {
        let plain = try self.supervisor("type: systemd")
        #expect(try plain.systemctl(for: self.broker).arguments(.start) == ["systemctl", "start", "kafka.service"])
        #expect(try plain.systemctl(for: self.server).arguments(.start) == ["systemctl", "start", "zookeeper.service"])
        let named = try self.supervisor(
            #"type: systemd, unit: "kafka@${broker_id}.service", zookeeper_unit: "zk-${host}""#)
        #expect(try named.systemctl(for: self.broker).unit.description == "kafka@1.service")
        #expect(try named.systemctl(for: self.server).unit.description == "zk-z1.example.service")
    }

    @Test("Over ssh nobody is asked, an unknown host is refused, and connections are used again")
    func ssh() throws {
        let directory = TemporaryDirectory()
        let sockets = try #require(SSHSockets(environment: ["RUNTIME_DIRECTORY": directory.path]))
        let supervisor = try self.supervisor(
            "type: systemd, transport: {ssh: \"healer@${host}\", port: 2222, identity_file: /k/id, "
                + "known_hosts_file: /k/known hosts}", sockets: sockets)
        let arguments = try supervisor.systemctl(for: self.broker).arguments(.kill)
        #expect(arguments.first == "ssh")
        for option in [
            "BatchMode=yes", "StrictHostKeyChecking=yes", "ControlMaster=auto", "UserKnownHostsFile=\"/k/known hosts\"",
            "ControlPath=\(directory.path)/ssh/%C",
        ] {
            #expect(arguments.contains(option))
        }
        #expect(
            arguments.suffix(7) == [
                "-p", "2222", "-i", "/k/id", "--", "healer@k1.example", "systemctl kill --signal=KILL kafka.service",
            ])
        var status = stat()
        #expect(stat(sockets.directory, &status) == 0 && status.st_mode & 0o777 == 0o700)
    }

    @Test("A step is a process of this program, told the life that is meant; what only asks goes at once")
    func commands() throws {
        let supervisor = try self.supervisor("type: systemd, limits: {kill_seconds: 7}")
        let command = try supervisor.command(
            .kill, self.broker, identity: ProcessIdentity("abc"), environment: ["HEALER_START_BY": "5"])
        #expect(command.arguments.prefix(2) == ["/usr/bin/healer", "systemd-step"])
        let step = try JSONDecoder().decode(SystemdStep.self, from: Data(command.arguments[2].utf8))
        #expect(
            step
                == SystemdStep(
                    verb: .kill, systemctl: Systemctl(unit: UnitName("kafka")!), identity: ProcessIdentity("abc"),
                    limitMilliseconds: 7000))
        #expect(command.environment["HEALER_START_BY"] == "5")
        #expect(command.limit == .seconds(8))
        let logs = try supervisor.command(.logs, self.broker, identity: nil, environment: [:])
        #expect(logs.arguments == ["journalctl", "--no-pager", "--lines=300", "--unit=kafka.service"])
    }

    @Test(
        "Names that a shell or an option parser would read in a way of its own are none",
        arguments: ["-kafka", "a b", "a;b", "$(id)", "a/b", "", ".service", "ka\u{e9}", "a\nb"])
    func names(text: String) {
        #expect(UnitName(text) == nil)
        #expect(SSHDestination(text == ".service" ? "a@-b" : text) == nil)
    }

    @Test("What is denied is told apart by what systemd's clients say")
    func denied() {
        #expect(SystemdStep.isDenied("Failed to start a.service: Access denied\n"))
        #expect(SystemdStep.isDenied("Failed to kill unit a.service: Interactive authentication required.\n"))
        #expect(!SystemdStep.isDenied("Job for a.service failed."))
    }
}

@Suite("The forced command of the other side")
struct SSHCommandTests {
    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
    private let directory = TemporaryDirectory()

    /// Runs the script with programs in place of systemctl and journalctl that print how they were called.
    private func ask(_ line: String) async -> CommandResult {
        for name in ["systemctl", "journalctl", "logger"] {
            let body = name == "logger" ? "exit 0" : "echo \(name) \"$@\""
            _ = self.directory.file(name, "#!/bin/sh\n\(body)\n", mode: 0o755)
        }
        return await Command(
            arguments: ["/bin/bash", "\(Self.repository)/deploy/systemd/ssh-command", "kafka.service", "zk@1.service"],
            environment: ["PATH": "\(self.directory.path):/usr/bin:/bin", "SSH_ORIGINAL_COMMAND": line],
            limit: .seconds(60)
        ).run()
    }

    @Test("Every request that a healer makes is let through as it is, for the units that are named")
    func allowed() async throws {
        let requests: [Systemctl.Request] = [
            .show, .start, .stop, .restart, .resetFailed, .kill, .dump, .journal(lines: 300), .journal(lines: 10_000),
        ]
        for unit in ["kafka", "zk@1"] {
            for request in requests {
                let line = Systemctl(unit: try #require(UnitName(unit))).arguments(request).joined(separator: " ")
                let result = await self.ask(line)
                #expect(result.succeeded, "\(line): \(result.summary)")
                #expect(result.output.text == line + "\n")
            }
        }
    }

    @Test(
        "Anything else is refused",
        arguments: [
            "", "systemctl", "systemctl start sshd.service", "systemctl start", "systemctl disable kafka.service",
            "systemctl start kafka.service sshd.service", "systemctl start sshd.service kafka.service",
            "systemctl start  kafka.service", "systemctl kill --signal=TERM kafka.service", "bash kafka.service",
            "systemctl show --property=A;id kafka.service", "systemctl show --property=A --all kafka.service",
            "journalctl --no-pager --lines=300 --unit=sshd.service",
            "journalctl --no-pager --lines=-1 --unit=kafka.service",
            "journalctl --no-pager --lines=1 --file=/etc/shadow --unit=kafka.service",
            "systemctl start kafka.service;id",
            "systemctl start $(id).service", "systemctl start kafka.service\nid", "systemctl start *",
        ])
    func refused(line: String) async {
        let result = await self.ask(line)
        #expect(result.end == .exited(.code(126)), "\(line): \(result.output.text)")
        #expect(result.output.text.isEmpty)
        #expect(result.isPermissionProblem)
    }
}
