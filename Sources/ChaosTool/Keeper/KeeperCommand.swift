import Foundation

/// The small process above each node: starts `java`, writes down which life that is, waits for its end, writes down how
/// it ended, and goes.
///
/// It holds no opinion: it never starts anything again. Its parent is whoever asked for the start, so it starts itself
/// once more, detached, and the first copy ends: then nobody has to wait for it.
enum KeeperCommand: ToolCommand {
    static let summary = ""
    static let usage = "usage: healer-chaos keeper --directory DIR --node NAME   (started by `sandbox node start`)"

    /// The file descriptor on which the keeper answers one line: empty, or why it could not start the node.
    private static let answer: Int32 = 3

    static func run(_ arguments: [String]) async throws -> Int32 {
        let line = try Arguments(arguments, options: ["--directory", "--node"], flags: ["--detached"])
        guard let directory = line.value("--directory"), let name = line.value("--node") else {
            throw UsageError("--directory and --node are needed")
        }
        let sandbox = try Sandbox.open(directory)
        let node = try sandbox.node(name)
        guard line.has("--detached") else {
            _ = try sandbox.keeper(of: node, answer: self.answer, detached: true).start()
            return ExitCode.success
        }
        // The node must not hold the pipe open.
        _ = fcntl(self.answer, F_SETFD, FD_CLOEXEC)
        do {
            let pid = try sandbox.program(of: node).start()
            guard let process = LocalProcess(pid: pid), let keeper = LocalProcess(pid: getpid()) else {
                throw SandboxError("cannot read /proc/\(pid)/stat")
            }
            var life = NodeLife(process: process, keeper: keeper, started: HostClock.iso8601)
            try AtomicFile.write(life, to: node.state)
            self.reply("")
            try self.keep(&life, of: node)
            return ExitCode.success
        } catch {
            self.reply("\(error)")
            throw error
        }
    }

    private static func reply(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = write(self.answer, bytes, bytes.count)
        close(self.answer)
    }

    /// Waits for the end of the process, and reaps it only while nobody is about to send it a signal.
    private static func keep(_ life: inout NodeLife, of node: SandboxNode) throws {
        var information = siginfo_t()
        let pid = life.process.pid
        while waitid(P_PID, id_t(pid), &information, WEXITED | WNOWAIT) != 0 {
            guard errno == EINTR else { throw SandboxError.system("cannot wait for \(pid)") }
        }
        // Even without the lock the end is recorded: a stuck signaller must not make a dead node look alive.
        let lock = try? LockedFile(node.signalLock, limit: .seconds(5))
        var status: Int32 = 0
        guard waitpid(pid, &status, 0) == pid else { throw SandboxError.system("cannot reap \(pid)") }
        life.exit = ExitRecord(waitStatus: status)
        life.ended = HostClock.iso8601
        // `down` may have taken the folder away already.
        if FileManager.default.fileExists(atPath: node.folder) {
            try AtomicFile.write(life, to: node.state)
        }
        _ = consume lock
    }
}
