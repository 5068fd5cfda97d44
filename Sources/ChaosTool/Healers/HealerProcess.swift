import Cluster
import Foundation
import Synchronization

/// One healer of a sandbox: a real `healer run`, or `healer test`, in a folder of its own, ended with the sandbox at the latest.
final class HealerProcess: Sendable {
    let id: HealerID
    /// Its logs.
    let folder: String
    let process: LocalProcess
    private let exit = Mutex<ExitStatus?>(nil)

    /// - Parameters:
    ///   - configuration: the file, absolute.
    ///   - settings: added to what the file takes from the environment.
    init(
        _ id: HealerID, sandbox: Sandbox, program: String, command: String = "run", configuration: String,
        settings: [String: String], arguments: [String] = []
    ) throws {
        self.id = id
        self.folder = "\(sandbox.directory)/healers/\(id)"
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        let environment = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HEALER_SANDBOX_ID": sandbox.id,
            "SANDBOX_ZOOKEEPER": sandbox.description.zookeeper, "SANDBOX_BOOTSTRAP": sandbox.description.bootstrap,
            "SANDBOX_DIRECTORY": sandbox.directory, "HEALER_CHAOS": try OwnProgram.path, "HEALER_ID": id.rawValue,
            "HEALER_LOGS": self.folder,
            "HEALER_BROKER_SESSION": "\(sandbox.description.sessionTimeout / 1000)",
        ]
        let spawn = Spawn(
            program: program, arguments: [command, "--config", configuration] + arguments,
            environment: environment.merging(settings) { $1 }, folder: self.folder,
            console: "\(self.folder)/console.log")
        let pid = try spawn.start()
        guard let process = LocalProcess(pid: pid) else { throw SandboxError("healer \(id) ended before it began") }
        self.process = process
        let reaper = Thread { [self] in
            var status: Int32 = 0
            while waitpid(pid, &status, 0) < 0, errno == EINTR {}
            let signal = status & 0x7f
            self.exit.withLock { $0 = signal == 0 ? .code((status >> 8) & 0xff) : .signal(signal) }
        }
        reaper.start()
    }

    /// `nil` while it runs.
    var exitStatus: ExitStatus? { self.exit.withLock { $0 } }

    func send(_ signal: Int32) { if self.exitStatus == nil { _ = Glibc.kill(self.process.pid, signal) } }

    /// Returns how it ended, or `nil` if it has not within the limit.
    func ended(within limit: Duration) async -> ExitStatus? {
        let end = HostClock.now + limit
        while self.exitStatus == nil, HostClock.now < end { try? await Task.sleep(for: .milliseconds(20)) }
        return self.exitStatus
    }

    /// The end of what it has said.
    func tail(_ lines: Int = 30) -> String {
        ["application.log", "console.log"].map { name in
            let text = (try? String(contentsOfFile: "\(self.folder)/\(name)", encoding: .utf8)) ?? ""
            return text.split(separator: "\n").suffix(lines).joined(separator: "\n")
        }.joined(separator: "\n")
    }
}
