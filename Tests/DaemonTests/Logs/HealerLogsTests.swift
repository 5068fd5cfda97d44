import Cluster
import Foundation
import Testing

@testable import Daemon

@Suite("The logs of a healer")
struct HealerLogsTests {
    let directory = TemporaryDirectory()

    private func logs(_ format: LoggingConfiguration.Format = .text, level: LogLevel = .info) throws -> HealerLogs {
        try HealerLogs(
            LoggingConfiguration(
                level: level, directory: "\(self.directory.path)/deep/logs", maxSize: 1_000_000, backupCount: 1,
                format: format),
            healer: HealerID("h1"), now: { WallTime(0) })
    }

    @Test("Each of the three has its file, in a folder that is made")
    func three() async throws {
        let logs = try self.logs()
        logs.logger.with(["cluster": "main"]).info("started", ["node": "kafka-1"])
        logs.logger.debug("not this")
        logs.performance("metadata", took: .microseconds(1500), ["topics": 3])
        try await logs.audit("step permitted", ["election.epoch": 4])
        await logs.drain()
        #expect(
            self.directory.lines("deep/logs/application.log") == [
                "1970-01-01T00:00:00.000Z INFO started cluster=main node=kafka-1"
            ])
        #expect(
            self.directory.lines("deep/logs/performance.log") == [
                "1970-01-01T00:00:00.000Z INFO metadata duration.ms=1.5 topics=3"
            ])
        #expect(
            self.directory.lines("deep/logs/audit.log") == [
                #"{"time":"1970-01-01T00:00:00.000Z","event":"step permitted","healer.id":"h1","election.epoch":4}"#
            ])
    }

    @Test("As JSON every line of every log is an object")
    func json() async throws {
        let logs = try self.logs(.json, level: .debug)
        logs.logger.debug("looked", ["n": 1])
        logs.performance("look", took: .seconds(1))
        await logs.drain()
        for name in ["application.log", "performance.log"] {
            let line = try #require(self.directory.lines("deep/logs/\(name)").first)
            #expect(try JSONSerialization.jsonObject(with: Data(line.utf8)) is [String: Any])
        }
    }

    @Test("Files that were moved away are begun anew when that is asked for, without a line to write")
    func reopened() async throws {
        let logs = try self.logs()
        let names = ["application.log", "audit.log", "performance.log"]
        logs.logger.info("before")
        try await logs.audit("before")
        logs.performance("before", took: .seconds(1))
        await logs.drain()
        let folder = "\(self.directory.path)/deep/logs"
        for name in names { try #require(rename("\(folder)/\(name)", "\(folder)/\(name)-1") == 0) }
        logs.reopen()
        await logs.drain()
        for name in ["application.log", "performance.log"] { #expect(self.directory.text("deep/logs/\(name)") == "") }
        try await logs.audit("after")
        #expect(self.directory.lines("deep/logs/audit.log").count == 1)
        for name in names { #expect(self.directory.lines("deep/logs/\(name)-1").count == 1) }
        // One that was removed is for the next entry to tell of.
        try #require(unlink("\(folder)/audit.log") == 0)
        logs.reopen()
        try await logs.audit("again")
        #expect(self.directory.lines("deep/logs/audit.log").last?.contains("the file before was removed") == true)
    }

    @Test("When an audit entry cannot be written, the caller is told, and may not act")
    func audit() async throws {
        let path = "\(self.directory.path)/deep/logs/audit.log"
        mkdir("\(self.directory.path)/deep", 0o700)
        mkdir("\(self.directory.path)/deep/logs", 0o700)
        symlink("/dev/full", path)
        let logs = try self.logs()
        await #expect(throws: LogFileError(path: path, operation: "write", number: ENOSPC)) {
            try await logs.audit("step permitted")
        }
    }

    @Test("A full disk loses application lines and counts them; when there is room again the gap is said")
    func dropped() async throws {
        let path = "\(self.directory.path)/deep/logs/application.log"
        mkdir("\(self.directory.path)/deep", 0o700)
        mkdir("\(self.directory.path)/deep/logs", 0o700)
        symlink("/dev/full", path)
        let logs = try self.logs()
        for _ in 0..<5 { logs.logger.info("lost") }
        await logs.drain()
        #expect(logs.dropped == 5)
        #expect(logs.lastError?.isDiskFull == true)
        unlink(path)
        logs.logger.info("back")
        await logs.drain()
        #expect(logs.lastError == nil)
        #expect(
            self.directory.lines("deep/logs/application.log") == [
                "1970-01-01T00:00:00.000Z WARNING lines are missing here log.dropped=5",
                "1970-01-01T00:00:00.000Z INFO back",
            ])
    }

    @Test("A queue that is full drops what does not fit, counts it, and whoever logs goes on at once")
    func overflow() async throws {
        signal(SIGPIPE, SIG_IGN)  // As the program does.
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer { close(ends[1]) }
        let queue = LineQueue(LogFile(stream: ends[1], called: "pipe"), gap: { "missing \($0)" })
        // The pipe holds 64 KiB, so the queue's thread soon waits, and all these come in meanwhile.
        let line = String(repeating: "x", count: 4095)
        for _ in 0..<(LineQueue.capacity + 2000) { queue.append(line) }
        #expect(queue.dropped > 1000)
        close(ends[0])  // No reader any more: the rest fails at once.
        await queue.drain()
        #expect(queue.dropped > LineQueue.capacity)
        #expect(queue.lastError?.number == EPIPE)
    }

    @Test("A folder that cannot be made is an error at the start, with its path")
    func noFolder() {
        self.directory.file("deep", "a file where the folder should be")
        #expect(throws: LogFileError.self) { try self.logs() }
    }
}
