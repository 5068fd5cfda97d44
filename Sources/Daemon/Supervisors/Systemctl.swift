import Cluster

/// One unit of one systemd, and how it is asked and told: `systemctl` and `journalctl` as child processes, here or on the
/// unit's host through the OpenSSH client.
///
/// What is asked is the same in both places and of these forms only, so that a forced command on the other side can allow
/// them and nothing else (`deploy/systemd/ssh-command`).
struct Systemctl: Hashable, Sendable, Codable {
    var unit: UnitName
    /// `nil` means this machine.
    var ssh: SSH?

    struct SSH: Hashable, Sendable, Codable {
        var destination: SSHDestination
        var port: UInt16?
        var identityFile: String?
        var knownHostsFile: String?
        /// Where the sockets of connections lie that are used again; ours alone.
        var socketDirectory: String
    }

    enum Request: Hashable, Sendable {
        case show
        case start, stop, restart, resetFailed
        /// To all processes of the unit.
        case kill
        /// SIGQUIT to the main process, by which a JVM writes the stacks of its threads.
        case dump
        case journal(lines: Int)
    }

    /// The argument vector.
    func arguments(_ request: Request) -> [String] {
        let words = self.words(request)
        guard let ssh = self.ssh else { return words }
        var arguments = ["ssh", "-T"]
        for option in Self.options(ssh) { arguments += ["-o", option] }
        if let port = ssh.port { arguments += ["-p", "\(port)"] }
        if let file = ssh.identityFile { arguments += ["-i", file] }
        // No word has a character that a shell reads.
        return arguments + ["--", ssh.destination.description, words.joined(separator: " ")]
    }

    private func words(_ request: Request) -> [String] {
        let unit = self.unit.description
        switch request {
        case .show: return ["systemctl", "show", "--property=\(UnitState.properties.joined(separator: ","))", unit]
        case .start: return ["systemctl", "start", unit]
        case .stop: return ["systemctl", "stop", unit]
        case .restart: return ["systemctl", "restart", unit]
        case .resetFailed: return ["systemctl", "reset-failed", unit]
        case .kill: return ["systemctl", "kill", "--signal=KILL", unit]
        case .dump: return ["systemctl", "kill", "--kill-whom=main", "--signal=QUIT", unit]
        case .journal(let lines): return ["journalctl", "--no-pager", "--lines=\(lines)", "--unit=\(unit)"]
        }
    }

    /// Seconds that a connection stays open without being used.
    private static let reuse = 60

    private static func options(_ ssh: SSH) -> [String] {
        var options = [
            // Nobody is there to be asked, and an unknown host is no host of ours.
            "BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=3",
            // A connection to a host that is gone must not be used again for long.
            "ServerAliveInterval=2", "ServerAliveCountMax=2",
            "ControlMaster=auto", "ControlPath=\(ssh.socketDirectory)/%C", "ControlPersist=\(Self.reuse)",
            "ForwardAgent=no", "ForwardX11=no", "ClearAllForwardings=yes",
        ]
        if let file = ssh.knownHostsFile { options.append("UserKnownHostsFile=\"\(file)\"") }
        return options
    }

    /// Where it is, for people: `kafka.service`, `kafka.service on healer@kafka-1`.
    var place: String { self.ssh.map { "\(self.unit) on \($0.destination)" } ?? "\(self.unit)" }

    func command(_ request: Request, limit: Duration) -> Command {
        Command(arguments: self.arguments(request), environment: CommandSupervisor.cleanEnvironment, limit: limit)
    }

    /// One look.
    func look(within limit: Duration) async throws(SupervisorFailure) -> UnitState {
        let result = await self.command(.show, limit: limit).run()
        guard result.succeeded else { throw self.failure(of: "show", result) }
        return try UnitState(result.output.text)
    }

    /// ssh's own exit status for a connection that failed.
    private static let connectionFailed = CommandResult.End.exited(.code(255))

    func failure(of what: String, _ result: CommandResult) -> SupervisorFailure {
        if let ssh = self.ssh, result.end == Self.connectionFailed {
            return SupervisorFailure(reason: "ssh to \(ssh.destination) \(result.summary)")
        }
        return SupervisorFailure(reason: "systemctl \(what) \(self.place) \(result.summary)")
    }
}
