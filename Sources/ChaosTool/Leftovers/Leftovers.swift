import Cluster
import Foundation

/// What a sandbox has left behind: processes by its id in their environment, ports that somebody listens on,
/// mounts, files.
struct Leftovers: Sendable {
    enum Scope: Hashable, Sendable {
        case all
        case id(String)
        /// The sandbox in this folder, and those in folders below it. Absolute.
        case directory(String)

        func contains(id: String, directory: String?) -> Bool {
            switch self {
            case .all: true
            case .id(let wanted): id == wanted
            case .directory(let folder): directory == folder || directory?.hasPrefix("\(folder)/") ?? false
            }
        }
    }

    enum ProcessKind: Hashable, Sendable { case node, keeper, other }

    var list = SandboxList()

    /// One line for each leftover, for people.
    func find(_ scope: Scope) -> [String] {
        var lines: [String] = []
        let found = Self.processes { environment in
            guard let id = environment["HEALER_SANDBOX_ID"] else { return false }
            return scope.contains(id: id, directory: environment["HEALER_SANDBOX"])
        }
        for (process, kind) in found {
            lines.append("process \(process.pid) (\(kind)): \(ProcFile.commandLine(of: process.pid).prefix(120))")
        }
        let entries = self.list.entries.filter { scope.contains(id: $0.id, directory: $0.directory) }
        let listening = Self.listeningPorts()
        for entry in entries {
            lines += entry.ports.filter(listening.contains).map { "port \($0): listening, of sandbox \(entry.id)" }
            lines.append("file \(self.list.folder)/\(entry.id).json")
        }
        var directories = Set(entries.map(\.directory))
        if case .directory(let directory) = scope { directories.insert(directory) }
        for directory in directories.sorted() where FileManager.default.fileExists(atPath: directory) {
            lines += Self.mounts(below: directory).map { "mount \($0)" }
            lines.append("file \(directory)")
        }
        return lines
    }

    /// Living processes whose environment fits, without this one and those it descends from. Zombies have no
    /// environment any more, and hold nothing.
    static func processes(where fits: ([String: String]) -> Bool) -> [(LocalProcess, ProcessKind)] {
        let own = ProcFile.ownLine()
        return ProcFile.processes().compactMap { pid in
            guard !own.contains(pid), let process = LocalProcess(pid: pid),
                let environment = ProcFile.environment(of: pid),
                fits(environment), process.isAlive
            else { return nil }
            return (process, self.kind(of: pid))
        }
    }

    private static func kind(of pid: Int32) -> ProcessKind {
        let words = (ProcFile.bytes("/proc/\(pid)/cmdline") ?? []).split(separator: 0)
            .map { String(decoding: $0, as: UTF8.self) }
        if words.contains("kafka.Kafka") || words.contains("org.apache.zookeeper.server.quorum.QuorumPeerMain") {
            return .node
        }
        return words.dropFirst().first == "keeper" ? .keeper : .other
    }

    /// Where file systems are mounted, on this folder or below it, as this process sees it. They keep a folder from
    /// being removed.
    static func mounts(below folder: String) -> [String] {
        let resolved = realpath(folder, nil)
        defer { free(resolved) }
        let folder = resolved.map { String(cString: $0) } ?? folder
        return (ProcFile.text("/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 4 else { return nil }
            let point = self.unescaped(fields[4])
            return point == folder || point.hasPrefix("\(folder)/") ? point : nil
        }
    }

    /// Space, tab, newline and backslash stand there as `\040` and so on (proc_pid_mountinfo(5)).
    static func unescaped(_ field: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = field.utf8
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            if byte == UInt8(ascii: "\\"), digits.count == 3, let code = UInt8(String(Substring(digits)), radix: 8) {
                bytes.append(code)
                rest = rest.dropFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// TCP ports of this network namespace on which somebody listens.
    static func listeningPorts() -> Set<UInt16> {
        var ports: Set<UInt16> = []
        for path in ["/proc/net/tcp", "/proc/net/tcp6"] {
            for line in (ProcFile.text(path) ?? "").split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                // 0A: LISTEN.
                guard fields.count > 3, fields[3] == "0A", let port = fields[1].split(separator: ":").last else {
                    continue
                }
                if let number = UInt16(port, radix: 16) { ports.insert(number) }
            }
        }
        return ports
    }
}

/// `healer-chaos leftovers`.
enum LeftoversCommand: ToolCommand {
    static let summary = "Find what sandboxes have left behind: processes, ports, mounts, files"
    static let usage = """
        usage: healer-chaos leftovers [all | --id ID | --directory DIR]

        Prints what there is, a line each, and exits 1; or prints `none` and exits 0. A sandbox that is up is all
        leftovers. --directory also means all folders below it. Without an argument: of all sandboxes.
        """

    static func run(_ arguments: [String]) async throws -> Int32 {
        let line = try Arguments(arguments, options: ["--id", "--directory"])
        guard line.words.isEmpty || line.words == ["all"] else {
            throw UsageError.unknown("word", line.words[0], among: ["all"])
        }
        let scope: Leftovers.Scope =
            if let id = line.value("--id") {
                .id(id)
            } else if let directory = line.value("--directory") {
                .directory(SandboxDirectory.absolute(directory))
            } else {
                .all
            }
        let found = Leftovers().find(scope)
        Console.print(found.isEmpty ? "none" : found.joined(separator: "\n"))
        return found.isEmpty ? ExitCode.success : ExitCode.failure
    }
}
