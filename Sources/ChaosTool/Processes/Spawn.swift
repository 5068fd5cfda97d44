import Foundation

/// Starts programs as detached processes: a session of their own, no terminal, default signals, exactly the
/// environment given, and no file of ours but those named here.
struct Spawn {
    var program: String
    var arguments: [String] = []
    var environment: [String: String] = [:]
    var folder: String
    /// Where standard output and standard error are appended.
    var console: String
    /// A descriptor of ours that the child gets as number 3.
    var third: Int32?

    /// `POSIX_SPAWN_SETSID` of `<spawn.h>`, which Swift does not see because it stands behind `_GNU_SOURCE`.
    private static let newSession: Int16 = 0x80

    /// Returns the number of the child, which the caller must wait for.
    func start() throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, self.console, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        if let third { posix_spawn_file_actions_adddup2(&actions, third, 3) }
        // Whatever else this program has open, such as pipes to other children, stays here.
        posix_spawn_file_actions_addclosefrom_np(&actions, self.third == nil ? 3 : 4)
        posix_spawn_file_actions_addchdir_np(&actions, self.folder)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        let flags = Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF) | Self.newSession
        posix_spawnattr_setflags(&attributes, flags)

        var argv: [UnsafeMutablePointer<CChar>?] = ([self.program] + self.arguments).map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = self.environment.map { strdup("\($0)=\($1)") } + [nil]
        defer { for pointer in argv + envp { free(pointer) } }
        var pid: pid_t = 0
        let code = posix_spawn(&pid, self.program, &actions, &attributes, &argv, &envp)
        guard code == 0 else {
            throw SandboxError("cannot start \(self.program): \(String(cString: strerror(code)))")
        }
        return pid
    }
}

/// What could not be done, in words for people.
struct SandboxError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
    /// With the reason that the last system call left.
    static func system(_ what: String) -> SandboxError {
        SandboxError("\(what): \(String(cString: strerror(errno)))")
    }
}
