import FoundationEssentials
import Glibc
import Synchronization

/// A write to a log that failed.
struct LogFileError: Error, Hashable, Sendable, CustomStringConvertible {
    let path: String
    /// "write", "open", …
    let operation: String
    /// `errno`.
    let number: Int32

    /// Nothing can be written until somebody makes room.
    var isDiskFull: Bool { self.number == ENOSPC || self.number == EDQUOT }
    var isPermission: Bool { self.number == EACCES || self.number == EPERM || self.number == EROFS }
    var description: String { "\(self.path): \(self.operation): \(String(cString: strerror(self.number)))" }
}

/// A file that whole lines are appended to, and that makes room for itself: at its size limit it becomes `name.1`, the
/// one before `name.2`, and so on. Renaming it from outside (`logrotate`) is noticed; the next line opens a new one. A file
/// that cannot be renamed grows on: a line is worth more than a limit.
///
/// What is not a regular file (a pipe, `/dev/stderr`) is written to, never rotated, and waited for a bounded time.
final class LogFile: Sendable {
    /// How long a pipe or a terminal that takes nothing more is waited for.
    static let patience = Duration.seconds(1)

    /// What happened to the file beside the line that was written.
    enum Notice: Hashable, Sendable {
        /// The file with the lines before has no name any more: somebody removed it. A new one is begun.
        case removed
        /// It is over its limit, and grows on.
        case notRotated(LogFileError)
    }

    private struct State {
        var descriptor: Int32 = -1
        var size = 0
        var device: dev_t = 0
        var inode: ino_t = 0
        var isRegular = false
        /// Half a line stands at the end: it could not be taken back, or whoever wrote it died over it.
        var isTorn = false
    }

    let path: String
    private let maxSize: Int
    private let backups: Int
    private let ownsDescriptor: Bool
    private let state: Mutex<State>

    /// - Parameters:
    ///   - maxSize: in bytes; a single line may exceed it, in a file of its own.
    ///   - backups: how many rotated files are kept.
    init(_ path: String, maxSize: Int, backups: Int) throws(LogFileError) {
        self.path = path
        self.maxSize = maxSize
        self.backups = backups
        self.ownsDescriptor = true
        var state = State()
        try Self.open(path, &state)
        self.state = Mutex(state)
    }

    /// A stream that is open already and stays open, such as standard error.
    init(stream descriptor: Int32, called name: String) {
        self.path = name
        self.maxSize = .max
        self.backups = 0
        self.ownsDescriptor = false
        self.state = Mutex(State(descriptor: descriptor))
    }

    deinit {
        let descriptor = self.state.withLock { $0.descriptor }
        if self.ownsDescriptor, descriptor >= 0 { close(descriptor) }
    }

    /// Lets go of a file that was moved away, and begins one under the name, without waiting for the next line. One that
    /// was removed is left to that line, with which it is said.
    ///
    /// - Parameter durably: returns only when the name is on the disk.
    func reopen(durably: Bool = false) throws(LogFileError) {
        guard self.ownsDescriptor else { return }
        let result = self.state.withLock { state in
            Result { () throws(LogFileError) in
                if state.isRegular, Self.links(state.descriptor) == 0 { return }
                try self.reopen(durably, &state)
            }
        }
        try result.get()
    }

    /// Appends one line, all of it or nothing.
    ///
    /// - Parameter durably: returns only when the line is on the disk, under a name.
    @discardableResult
    func append(_ line: String, durably: Bool = false) throws(LogFileError) -> Set<Notice> {
        let result = self.state.withLock { state in
            Result { () throws(LogFileError) in try self.append(Array((line + "\n").utf8), durably, &state) }
        }
        return try result.get()
    }

    private func append(
        _ bytes: [UInt8], _ durably: Bool, _ state: inout State
    ) throws(LogFileError) -> Set<Notice> {
        guard self.ownsDescriptor else {
            try self.put(bytes, false, &state)
            return []
        }
        var notices: Set<Notice> = []
        try self.prepare(for: bytes.count, durably, &state, &notices)
        try self.put(bytes, durably, &state)
        // Removed since it was looked at: nobody would ever find the line.
        if durably, state.isRegular, Self.links(state.descriptor) == 0 {
            try self.prepare(for: bytes.count, durably, &state, &notices)
            try self.put(bytes, durably, &state)
        }
        return notices
    }

    private func put(_ bytes: [UInt8], _ durably: Bool, _ state: inout State) throws(LogFileError) {
        do throws(LogFileError) {
            if state.isTorn {
                try self.write([UInt8(ascii: "\n")], state)
                state.isTorn = false
                state.size += 1
            }
            try self.write(bytes, state)
            if durably, fdatasync(state.descriptor) != 0, errno != EINVAL { throw self.error("sync") }
            state.size += bytes.count
        } catch {
            // A line that is refused must not stand there half, nor look like one that was accepted.
            var status = stat()
            if state.isRegular, fstat(state.descriptor, &status) == 0, status.st_size > off_t(state.size) {
                state.isTorn = ftruncate(state.descriptor, off_t(state.size)) != 0 || state.isTorn
            }
            throw error
        }
    }

    /// Opens the file if it is not open or has been moved away, and rotates it if the line does not fit any more.
    private func prepare(
        for count: Int, _ durably: Bool, _ state: inout State, _ notices: inout Set<Notice>
    ) throws(LogFileError) {
        var status = stat()
        let isThere = stat(self.path, &status) == 0
        if state.descriptor < 0 || !isThere || status.st_ino != state.inode || status.st_dev != state.device {
            if state.isRegular, Self.links(state.descriptor) == 0 { notices.insert(.removed) }
            try self.reopen(durably, &state)
        } else {
            // Somebody may have emptied it.
            state.size = Int(status.st_size)
        }
        guard state.isRegular, state.size > 0, state.size + count > self.maxSize else { return }
        do throws(LogFileError) { try self.makeRoom() } catch {
            notices.insert(.notRotated(error))
            return
        }
        try self.reopen(durably, &state)
    }

    /// Moves the file out of its name: `name` to `name.1`, and those before it one further, up to a number that is free.
    private func makeRoom() throws(LogFileError) {
        guard self.backups > 0 else {
            if unlink(self.path) != 0 { throw self.error("remove") }
            return
        }
        func backup(_ number: Int) -> String { "\(self.path).\(number)" }
        func isFree(_ number: Int) -> Bool { access(backup(number), F_OK) != 0 && errno == ENOENT }
        // Of a time when more were kept.
        var surplus = self.backups + 1
        while unlink(backup(surplus)) == 0 { surplus += 1 }
        let free = (1...self.backups).first(where: isFree) ?? self.backups
        for number in stride(from: free - 1, to: 0, by: -1)
        where rename(backup(number), backup(number + 1)) != 0 && errno != ENOENT {
            // What stands at this number would be written over by the next.
            throw LogFileError(path: backup(number), operation: "rename", number: errno)
        }
        if rename(self.path, backup(1)) != 0 { throw self.error("rename") }
    }

    private func reopen(_ durably: Bool, _ state: inout State) throws(LogFileError) {
        try Self.open(self.path, &state)
        guard durably, state.isRegular else { return }
        // A file that is on the disk without its name is lost with the power all the same.
        let folder = self.path.lastIndex(of: "/").map { String(self.path[...$0]) } ?? "."
        let descriptor = Glibc.open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw LogFileError(path: folder, operation: "open", number: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || errno == EINVAL else {
            throw LogFileError(path: folder, operation: "sync", number: errno)
        }
    }

    /// How many names an open file has; 1 if that cannot be told.
    private static func links(_ descriptor: Int32) -> Int {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_nlink) : 1
    }

    private static func open(_ path: String, _ state: inout State) throws(LogFileError) {
        // Not blocking, since opening a pipe would wait for its reader.
        let descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o640)
        guard descriptor >= 0 else { throw LogFileError(path: path, operation: "open", number: errno) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let error = LogFileError(path: path, operation: "open", number: errno)
            close(descriptor)
            throw error
        }
        if state.descriptor >= 0 { close(state.descriptor) }
        let isRegular = status.st_mode & S_IFMT == S_IFREG
        state = State(
            descriptor: descriptor, size: Int(status.st_size), device: status.st_dev, inode: status.st_ino,
            isRegular: isRegular, isTorn: isRegular && Self.endsTorn(path, status.st_size))
    }

    /// Whether a file that somebody wrote before us ends without a line's end. `false` if it may not be read.
    private static func endsTorn(_ path: String, _ size: off_t) -> Bool {
        guard size > 0 else { return false }
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var last: UInt8 = 0
        return pread(descriptor, &last, 1, size - 1) == 1 && last != UInt8(ascii: "\n")
    }

    private func write(_ bytes: [UInt8], _ state: State) throws(LogFileError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            if !state.isRegular { try self.awaitRoom(state.descriptor) }
            // A pipe that has room has room for this many.
            let part = state.isRegular ? rest : rest.prefix(4096)
            let count = part.withUnsafeBytes { Glibc.write(state.descriptor, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR || (errno == EAGAIN && !state.isRegular) { continue }
                throw self.error("write")
            }
            guard count > 0 else { throw LogFileError(path: self.path, operation: "write", number: EIO) }
            rest = rest.dropFirst(count)
        }
    }

    private func awaitRoom(_ descriptor: Int32) throws(LogFileError) {
        var wanted = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        switch poll(&wanted, 1, Int32(Self.patience.components.seconds * 1000)) {
        case 0: throw LogFileError(path: self.path, operation: "write", number: EAGAIN)
        case ..<0 where errno != EINTR: throw self.error("write")
        default: return
        }
    }

    private func error(_ operation: String) -> LogFileError {
        LogFileError(path: self.path, operation: operation, number: errno)
    }
}
