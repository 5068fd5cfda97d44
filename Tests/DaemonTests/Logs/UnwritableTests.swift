import Cluster
import Foundation
import Synchronization
import Testing

@testable import Daemon

@Suite("Logs that cannot be written")
struct UnwritableTests {
    /// What was said elsewhere, and the time by which it was.
    private final class Ear: Sendable {
        let state = Mutex<(now: Moment, said: [String])>((.zero, []))
        var said: [String] { self.state.withLock { $0.said } }
        func pass(_ duration: Duration) { self.state.withLock { $0.now = $0.now + duration } }
        var complaints: LogComplaints {
            LogComplaints(
                now: { self.state.withLock { $0.now } }, say: { text in self.state.withLock { $0.said.append(text) } })
        }
    }

    private let ear = Ear()

    private func logs(in directory: String, maxSize: Int = 1_000_000) throws -> HealerLogs {
        try HealerLogs(
            LoggingConfiguration(
                level: .info, directory: directory, maxSize: maxSize, backupCount: 2, format: .text),
            healer: HealerID("h1"), now: { WallTime(0) }, complaints: self.ear.complaints)
    }

    private func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

    @Test("A full disk takes no audit entry, not even half of one, and that is said once a minute, and when it is over")
    func full() async throws {
        let disk = try SmallDisk()
        let logs = try self.logs(in: disk.path)
        let path = "\(disk.path)/audit.log"
        try await logs.audit("first")
        try disk.fill()
        // The page of the first entry still has room.
        var written = 1
        while true {
            do { try await logs.audit("more") } catch { break }
            written += 1
            try #require(written < 1000)
        }
        let error = LogFileError(path: path, operation: "write", number: ENOSPC)
        for _ in 0..<5 { await #expect(throws: error) { try await logs.audit("lost") } }
        let complaint =
            "\(path): write: No space left on device: no action is taken until the audit trail can be written"
        #expect(self.ear.said == [complaint])
        #expect(logs.refusedAudits == 6)
        self.ear.pass(.seconds(60))
        await #expect(throws: error) { try await logs.auditAgain() }
        #expect(self.ear.said == [complaint, complaint])
        disk.empty()
        try await logs.auditAgain()
        try await logs.auditAgain()
        try await logs.audit("last")
        #expect(self.ear.said == [complaint, complaint, "\(path) can be written again"])
        let lines = try self.text(path).split(separator: "\n").map(String.init)
        #expect(lines.count == written + 2)
        for line in lines { #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) } }
        #expect(lines[written].contains(#""event":"entries are missing here","#))
        #expect(lines[written].contains(#""audit.missing":6,"#))
        #expect(lines[written + 1].contains("last"))
    }

    @Test("A folder that has become read-only is said with its cause, and what is lost in it")
    func readOnly() async throws {
        let disk = try SmallDisk()
        let logs = try self.logs(in: disk.path)
        try await logs.audit("first")
        logs.logger.info("first")
        await logs.drain()
        try disk.coverReadOnly()
        await #expect(throws: LogFileError(path: "\(disk.path)/audit.log", operation: "open", number: EROFS)) {
            try await logs.audit("lost")
        }
        logs.logger.info("lost")
        await logs.drain()
        #expect(
            self.ear.said == [
                "\(disk.path)/audit.log: open: Read-only file system: "
                    + "no action is taken until the audit trail can be written",
                "\(disk.path)/application.log: open: Read-only file system: its lines are lost until it can be written",
            ])
        try disk.uncover()
        try await logs.audit("last")
        logs.logger.info("last")
        await logs.drain()
        #expect(try self.text("\(disk.path)/audit.log").split(separator: "\n").count == 3)
        #expect(try self.text("\(disk.path)/application.log").contains("log.dropped=1"))
        #expect(self.ear.said.count == 4)
    }

    @Test("An audit file that is removed is begun anew, which stands in it; without its folder no entry is taken")
    func removed() async throws {
        let directory = TemporaryDirectory()
        let folder = "\(directory.path)/logs"
        let logs = try self.logs(in: folder)
        let path = "\(folder)/audit.log"
        try await logs.audit("first")
        unlink(path)
        try await logs.audit("second")
        #expect(self.ear.said == ["\(path) was removed, and what it held with it; a new one is begun"])
        let lines = directory.lines("logs/audit.log")
        #expect(lines.count == 2 && lines[0].contains("second") && lines[1].contains("the file before was removed"))
        try FileManager.default.moveItem(atPath: folder, toPath: "\(folder).old")
        await #expect(throws: LogFileError(path: path, operation: "open", number: ENOENT)) {
            try await logs.audit("third")
        }
        try FileManager.default.moveItem(atPath: "\(folder).old", toPath: folder)
        try await logs.audit("fourth")
        #expect(directory.lines("logs/audit.log").count == 4)
        #expect(self.ear.said.last == "\(path) can be written again")
    }

    @Test("Another cause is said at once; the same one only after a minute, however often it comes and goes")
    func causes() {
        let complaints = self.ear.complaints
        let full = LogFileError(path: "/a", operation: "write", number: ENOSPC)
        for _ in 0..<10 {
            complaints.failed(full, so: "x")
            complaints.wrote(to: "/a", [])
        }
        #expect(self.ear.said == ["/a: write: No space left on device: x", "/a can be written again"])
        complaints.failed(LogFileError(path: "/a", operation: "open", number: EROFS), so: "x")
        complaints.failed(LogFileError(path: "/b", operation: "write", number: ENOSPC), so: "x")
        #expect(self.ear.said.count == 4)
        self.ear.pass(.seconds(60))
        complaints.failed(full, so: "x")
        complaints.wrote(to: "/c", [])
        #expect(self.ear.said.count == 5)
    }

    @Test("A file that cannot be rotated grows on, loses nothing, and says so")
    func notRotated() async throws {
        let directory = TemporaryDirectory()
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/audit.log.2/x", withIntermediateDirectories: true)
        let logs = try self.logs(in: directory.path, maxSize: 100)
        for number in 0..<6 { try await logs.audit("entry", ["n": .integer(Int64(number))]) }
        // The first went to the free number; nothing was ever written over it.
        #expect(directory.lines("audit.log.1").count == 1)
        #expect(directory.lines("audit.log").count == 5)
        #expect(
            self.ear.said == [
                "\(directory.path)/audit.log.1: rename: Is a directory: "
                    + "\(directory.path)/audit.log cannot be rotated, and grows beyond its limit"
            ])
        try FileManager.default.removeItem(atPath: "\(directory.path)/audit.log.2")
        try await logs.audit("entry", ["n": 6])
        #expect(directory.lines("audit.log.1").count == 5)
        #expect(directory.lines("audit.log.2").count == 1)
    }
}
