import Cluster
import Foundation

/// An advisory lock between processes, held as long as this value lives. A process that dies gives it back.
struct LockedFile: ~Copyable {
    let descriptor: Int32

    /// Waits for the lock, for at most `limit`.
    init(_ path: String, limit: Duration = .seconds(30)) throws {
        // Close-on-exec, or a child would hold the lock for as long as it lives.
        let descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw SandboxError.system("cannot open \(path)") }
        let end = HostClock.now + limit
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR, HostClock.now < end else {
                let error = SandboxError.system("cannot lock \(path)")
                close(descriptor)
                throw error
            }
            usleep(2_000)
        }
        self.descriptor = descriptor
    }

    /// One write at the end of the file: whole, or an error.
    func append(_ line: String) throws {
        let bytes = Array((line + "\n").utf8)
        guard write(self.descriptor, bytes, bytes.count) == bytes.count else {
            throw SandboxError.system("cannot write")
        }
    }

    deinit { close(self.descriptor) }
}

/// Files that are read while they are written: a reader sees the old or the new content, never a part.
enum AtomicFile {
    static func write(_ data: Data, to path: String) throws {
        let partial = "\(path).\(getpid()).\(UInt32.random(in: 0...UInt32.max)).partial"
        guard FileManager.default.createFile(atPath: partial, contents: data), rename(partial, path) == 0 else {
            let error = SandboxError.system("cannot write \(path)")
            unlink(partial)
            throw error
        }
    }
    static func write(_ value: some Encodable, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try self.write(encoder.encode(value) + Data("\n".utf8), to: path)
    }
    /// `nil` if there is no such file, or it is not of that form.
    static func read<Value: Decodable>(_ type: Value.Type, from path: String) -> Value? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return try? JSONDecoder().decode(type, from: data)
    }
}

/// This host's clocks.
enum HostClock {
    /// CLOCK_BOOTTIME.
    static var now: Moment {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Moment(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// CLOCK_REALTIME.
    static var wall: WallTime { WallTime(Int64(Date().timeIntervalSince1970 * 1000)) }

    /// UTC with milliseconds, as ISO 8601 writes it: `2026-11-21T15:04:05.678Z`.
    static var iso8601: String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000).iso8601
    }
}

/// Asks again until the answer is there, for at most `limit`: for facts of other processes that send no event.
func poll<Answer>(
    for limit: Duration, every pause: Duration = .milliseconds(5), _ ask: () throws -> Answer?
) rethrows -> Answer? {
    let end = HostClock.now + limit
    while true {
        if let answer = try ask() { return answer }
        guard HostClock.now < end else { return nil }
        usleep(UInt32(pause.wholeNanoseconds / 1000))
    }
}

extension WallTime {
    /// As ``HostClock/iso8601`` writes the present.
    var iso8601: String {
        var seconds = Int(self.rawValue / 1000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ number: some BinaryInteger, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let date = "\(digits(parts.tm_year + 1900, 4))-\(digits(parts.tm_mon + 1, 2))-\(digits(parts.tm_mday, 2))"
        let clock = "\(digits(parts.tm_hour, 2)):\(digits(parts.tm_min, 2)):\(digits(parts.tm_sec, 2))"
        return "\(date)T\(clock).\(digits(self.rawValue % 1000, 3))Z"
    }
}
