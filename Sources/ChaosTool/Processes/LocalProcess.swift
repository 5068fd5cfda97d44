import Cluster
import Foundation

/// One process of this host, named so that a later process with the same number is not taken for it.
struct LocalProcess: Hashable, Sendable, Codable {
    let pid: Int32
    /// When it started, in clock ticks since the host did: field 22 of `/proc/PID/stat`.
    let startTime: UInt64

    init(pid: Int32, startTime: UInt64) {
        self.pid = pid
        self.startTime = startTime
    }

    /// The process that has this number now, a zombie included; `nil` if there is none.
    init?(pid: Int32) {
        guard let stat = ProcessStat(pid: pid) else { return nil }
        self.init(pid: pid, startTime: stat.startTime)
    }

    /// Whether it still runs. A zombie is dead: its sockets are closed, and only its exit status is left.
    var isAlive: Bool {
        guard let stat = ProcessStat(pid: self.pid) else { return false }
        return stat.startTime == self.startTime && !stat.isDead
    }

    /// Boot, number and start time: differs from that of every other process this host has ever run.
    var identity: ProcessIdentity {
        ProcessIdentity("\(Self.boot):\(self.pid):\(self.startTime)")
    }

    /// The first eight digits of the kernel's own name for this boot.
    private static let boot: String = {
        let id = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        return id.map { String($0.prefix(8)) } ?? "boot"
    }()
}

/// What `/proc/PID/stat` says, as far as we ask.
struct ProcessStat: Sendable {
    let state: Character
    let parent: Int32
    let startTime: UInt64

    /// Zombie, or about to vanish.
    var isDead: Bool { self.state == "Z" || self.state == "X" || self.state == "x" }
    /// Stopped by a signal.
    var isFrozen: Bool { self.state == "T" || self.state == "t" }

    init?(pid: Int32) {
        guard let text = ProcFile.text("/proc/\(pid)/stat"), let name = text.lastIndex(of: ")") else { return nil }
        // The name in parentheses may hold anything, so fields are counted from behind it: state is the third.
        let fields = text[text.index(after: name)...].split(separator: " ")
        guard fields.count > 19, let state = fields[0].first, let parent = Int32(fields[1]),
            let startTime = UInt64(fields[19])
        else { return nil }
        self.state = state
        self.parent = parent
        self.startTime = startTime
    }
}

/// Files of `/proc`, which say that they are empty and must be read to their end.
enum ProcFile {
    static func bytes(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0 { return nil }
            if count == 0 { return bytes }
            bytes.append(contentsOf: buffer[..<count])
        }
    }
    static func text(_ path: String) -> String? { self.bytes(path).map { String(decoding: $0, as: UTF8.self) } }

    /// Every process of this host, in order of its number.
    static func processes() -> [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { Int32($0) }.sorted()
    }

    /// The environment a process was started with; `nil` where we may not look.
    static func environment(of pid: Int32) -> [String: String]? {
        guard let bytes = self.bytes("/proc/\(pid)/environ") else { return nil }
        var environment: [String: String] = [:]
        for entry in bytes.split(separator: 0) {
            let parts = entry.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            environment[String(decoding: parts[0], as: UTF8.self)] = String(decoding: parts[1], as: UTF8.self)
        }
        return environment
    }

    /// The argument vector, as one line for people.
    static func commandLine(of pid: Int32) -> String {
        let bytes = self.bytes("/proc/\(pid)/cmdline") ?? []
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }.joined(separator: " ")
    }

    /// This process and those it descends from.
    static func ownLine() -> Set<Int32> {
        var line: Set<Int32> = [getpid()]
        var pid = getppid()
        while pid > 1, line.insert(pid).inserted, let stat = ProcessStat(pid: pid) { pid = stat.parent }
        return line
    }
}
