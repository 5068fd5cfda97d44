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
/// one before `name.2`, and so on. Renaming it from outside (`logrotate`) is noticed; the next line opens a new one.
///
/// What is not a regular file (a pipe, `/dev/stderr`) is written to, never rotated, and waited for a bounded time.
final class LogFile: Sendable {
    /// How long a pipe or a terminal that takes nothing more is waited for.
    static let patience = Duration.seconds(1)

    private struct State {
        var descriptor: Int32 = -1
        var size = 0
        var device: dev_t = 0
        var inode: ino_t = 0
        var isRegular = false
        /// Half a line stands at the end, and could not be taken back.
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

    /// Appends one line, all of it or nothing.
    ///
    /// - Parameter durably: returns only when the line is on the disk.
    func append(_ line: String, durably: Bool = false) throws(LogFileError) {
        let result = self.state.withLock { state in
            Result { () throws(LogFileError) in try self.append(Array((line + "\n").utf8), durably, &state) }
        }
        try result.get()
    }

    private func append(_ bytes: [UInt8], _ durably: Bool, _ state: inout State) throws(LogFileError) {
        if self.ownsDescriptor { try self.prepare(for: bytes.count, &state) }
        do throws(LogFileError) {
            if state.isTorn { try self.write([UInt8(ascii: "\n")], state) }
            state.isTorn = false
            try self.write(bytes, state)
            if durably, fdatasync(state.descriptor) != 0, errno != EINVAL { throw self.error("sync") }
            state.size += bytes.count
        } catch {
            // A line that is refused must not stand there half, nor look like one that was accepted.
            if state.isRegular { state.isTorn = ftruncate(state.descriptor, off_t(state.size)) != 0 }
            throw error
        }
    }

    /// Opens the file if it is not open or has been moved away, and rotates it if the line does not fit any more.
    private func prepare(for count: Int, _ state: inout State) throws(LogFileError) {
        var status = stat()
        let isThere = stat(self.path, &status) == 0
        if state.descriptor < 0 || !isThere || status.st_ino != state.inode || status.st_dev != state.device {
            try Self.open(self.path, &state)
        } else {
            // Somebody may have emptied it.
            state.size = Int(status.st_size)
        }
        guard state.isRegular, state.size > 0, state.size + count > self.maxSize else { return }
        // A file that cannot be moved grows on: a line is worth more than a limit.
        if self.backups == 0 {
            if unlink(self.path) == 0 { try Self.open(self.path, &state) }
        } else {
            for number in stride(from: self.backups - 1, to: 0, by: -1) {
                rename("\(self.path).\(number)", "\(self.path).\(number + 1)")
            }
            if rename(self.path, "\(self.path).1") == 0 { try Self.open(self.path, &state) }
        }
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
        state = State(
            descriptor: descriptor, size: Int(status.st_size), device: status.st_dev, inode: status.st_ino,
            isRegular: status.st_mode & S_IFMT == S_IFREG)
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
