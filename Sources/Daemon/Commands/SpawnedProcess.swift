import Cluster
import Glibc

/// A child process in a group of its own, without a shell and without inherited descriptors.
struct SpawnedProcess: Sendable {
    /// POSIX_SPAWN_SETSID of spawn.h, which Swift does not see: glibc defines it for `_GNU_SOURCE` only.
    private static let newSession: Int32 = 0x80

    enum Pipe: Hashable, Sendable { case input, output, errors }

    struct Failure: Error, CustomStringConvertible {
        let code: Int32
        let program: String
        var description: String { "\(self.program): \(String(cString: strerror(self.code)))" }
    }

    let pid: pid_t
    /// Our ends of the pipes that were asked for; the others are `/dev/null`. Close-on-exec.
    private(set) var input: Int32?
    private(set) var output: Int32?
    private(set) var errors: Int32?

    /// - Parameter ownSession: whether it also leaves our session, so that a terminal's Ctrl-C does not reach it.
    init(
        _ arguments: [String], environment: [String: String], ownSession: Bool, pipes: Set<Pipe>
    ) throws(Failure) {
        guard let program = arguments.first, !program.isEmpty else {
            throw Failure(code: ENOENT, program: "an empty command")
        }
        let path = try Self.resolve(
            program, in: environment["PATH"] ?? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }

        var ours: [Pipe: Int32] = [:]
        var theirs: [Int32] = []
        defer { for descriptor in theirs { close(descriptor) } }
        for (pipe, target) in [(Pipe.input, STDIN_FILENO), (.output, STDOUT_FILENO), (.errors, STDERR_FILENO)] {
            guard pipes.contains(pipe) else {
                posix_spawn_file_actions_addopen(
                    &actions, target, "/dev/null", pipe == .input ? O_RDONLY : O_WRONLY, 0)
                continue
            }
            var ends: [Int32] = [-1, -1]
            guard Glibc.pipe(&ends) == 0 else {
                let code = errno
                for descriptor in ours.values { close(descriptor) }
                throw Failure(code: code, program: program)
            }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            let (mine, other) = pipe == .input ? (ends[1], ends[0]) : (ends[0], ends[1])
            ours[pipe] = mine
            theirs.append(other)
            posix_spawn_file_actions_adddup2(&actions, other, target)
        }
        // libzookeeper's sockets are not close-on-exec in every build: a child that inherits one would hide our death.
        posix_spawn_file_actions_addclosefrom_np(&actions, 3)
        posix_spawn_file_actions_addchdir_np(&actions, "/")

        var defaults = sigset_t()
        sigfillset(&defaults)
        posix_spawnattr_setsigdefault(&attributes, &defaults)
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setpgroup(&attributes, 0)
        let group = ownSession ? Self.newSession : Int32(POSIX_SPAWN_SETPGROUP)
        posix_spawnattr_setflags(&attributes, Int16(group | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))

        var pid = pid_t()
        let argv = ([program] + arguments.dropFirst()).map { strdup($0) } + [nil]
        let envp = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        let code = posix_spawn(&pid, path, &actions, &attributes, argv, envp)
        guard code == 0 else {
            for descriptor in ours.values { close(descriptor) }
            throw Failure(code: code, program: program)
        }
        self.pid = pid
        self.input = ours[.input]
        self.output = ours[.output]
        self.errors = ours[.errors]
    }

    /// How it ended, once; `nil` while it runs.
    func reap() -> ExitStatus? {
        var status: Int32 = 0
        guard waitpid(self.pid, &status, WNOHANG) == self.pid else { return nil }
        let signal = status & 0x7f
        return signal == 0 ? .code((status >> 8) & 0xff) : .signal(signal)
    }

    /// Its whole process group; whoever is no longer there is not hurt.
    func signalGroup(_ signal: Int32) { kill(-self.pid, signal) }

    private static func resolve(_ program: String, in path: String) throws(Failure) -> String {
        if program.contains("/") { return program }
        var denied = false
        for folder in path.split(separator: ":") where folder.hasPrefix("/") {
            let candidate = "\(folder)/\(program)"
            if access(candidate, X_OK) == 0 { return candidate }
            if errno == EACCES { denied = true }
        }
        throw Failure(code: denied ? EACCES : ENOENT, program: program)
    }
}
