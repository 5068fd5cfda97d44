import Foundation
import Testing

@testable import Daemon

@Suite("A log file")
struct LogFileTests {
    let directory = TemporaryDirectory()
    private var path: String { "\(self.directory.path)/a.log" }

    @Test("It makes room at its limit, keeps the newest backups, and loses no line but the oldest")
    func rotation() throws {
        let file = try LogFile(self.path, maxSize: 20, backups: 2)
        for number in 0..<10 { try file.append("line \(number) …") }  // 11 bytes with its end: one fits, two do not.
        #expect(self.directory.names == ["a.log", "a.log.1", "a.log.2"])
        #expect(self.directory.lines("a.log") == ["line 9 …"])
        #expect(self.directory.lines("a.log.1") == ["line 8 …"])
        #expect(self.directory.lines("a.log.2") == ["line 7 …"])
    }

    @Test("A line fills the file to its limit exactly before it is rotated")
    func boundary() throws {
        let file = try LogFile(self.path, maxSize: 12, backups: 1)
        for _ in 0..<3 { try file.append("12345") }
        #expect(self.directory.lines("a.log") == ["12345"])
        #expect(self.directory.lines("a.log.1") == ["12345", "12345"])
    }

    @Test("Without backups it begins anew")
    func noBackups() throws {
        let file = try LogFile(self.path, maxSize: 8, backups: 0)
        for number in 0..<3 { try file.append("line \(number)") }
        #expect(self.directory.names == ["a.log"])
        #expect(self.directory.lines("a.log") == ["line 2"])
    }

    @Test("A size that was there before the start counts")
    func existing() throws {
        self.directory.file("a.log", "before the start\n")
        let file = try LogFile(self.path, maxSize: 20, backups: 1)
        try file.append("after")
        #expect(self.directory.lines("a.log.1") == ["before the start"])
    }

    @Test("When it is moved or emptied from outside, lines go where the name is")
    func moved() throws {
        let file = try LogFile(self.path, maxSize: 1000, backups: 1)
        try file.append("one")
        try FileManager.default.moveItem(atPath: self.path, toPath: "\(self.path).old")
        try file.append("two")
        #expect(self.directory.lines("a.log") == ["two"])
        #expect(truncate(self.path, 0) == 0)
        try file.append("three", durably: true)
        #expect(self.directory.text("a.log") == "three\n")
        #expect(self.directory.lines("a.log.old") == ["one"])
    }

    @Test("A full disk is an error that says so, and the next line is tried again")
    func full() throws {
        symlink("/dev/full", self.path)
        let file = try LogFile(self.path, maxSize: 1000, backups: 1)
        for _ in 0..<2 {
            #expect(throws: LogFileError(path: self.path, operation: "write", number: ENOSPC)) {
                try file.append("x", durably: true)
            }
        }
        unlink(self.path)
        try file.append("there is room")
        #expect(self.directory.lines("a.log") == ["there is room"])
    }

    @Test("A pipe that nobody empties is given up after a bounded wait")
    func stuckPipe() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        defer {
            close(ends[0])
            close(ends[1])
        }
        let file = LogFile(stream: ends[1], called: "pipe")
        let line = String(repeating: "x", count: 1 << 15)
        #expect(throws: LogFileError(path: "pipe", operation: "write", number: EAGAIN)) {
            for _ in 0..<1000 { try file.append(line) }
        }
    }

    @Test("Lines of many writers stay whole")
    func writers() async throws {
        let file = try LogFile(self.path, maxSize: 3000, backups: 100)
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask { for _ in 0..<50 { _ = try? file.append(String(repeating: "\(writer)", count: 40)) } }
            }
        }
        let lines = self.directory.names.flatMap { self.directory.lines($0) }
        #expect(lines.count == 400)
        #expect(lines.allSatisfy { $0.count == 40 && Set($0).count == 1 })
    }

    @Test(
        "Three threads write, it rotates, and others rename it: every line is there once, whole, and in its writer's order"
    )
    func rotatedWhileWritten() throws {
        let file = try LogFile(self.path, maxSize: 5000, backups: 1000)
        let done = DispatchGroup()
        let renamed = DispatchSemaphore(value: 0)
        for writer in ["a", "b", "c"] {
            Thread.detachNewThread(in: done) {
                for number in 0..<2000 {
                    // So that somebody has renamed it in the middle, however busy the machine is.
                    if writer == "a", number == 1000 { renamed.wait() }
                    _ = try? file.append("\(writer) \(number) \(String(repeating: "x", count: number % 60)).")
                }
            }
        }
        // As logrotate does, beside it, at any moment; not so often that there is nothing left to rotate.
        var outside = 0
        while done.wait(timeout: .now() + .milliseconds(1)) == .timedOut {
            guard outside < 20, rename(self.path, "\(self.directory.path)/outside.\(outside)") == 0 else { continue }
            outside += 1
            renamed.signal()
        }
        let number = { (name: String) in Int(name.split(separator: ".").last!) }
        let backups = self.directory.names.filter { $0.hasPrefix("a.log.") }
        #expect(backups.count > 10)
        let lines = self.directory.names.flatMap { self.directory.lines($0) }
        #expect(lines.count == 6000)
        #expect(lines.allSatisfy { $0.wholeMatch(of: /[abc] \d+ x*\./) != nil })
        #expect(Set(lines).count == 6000)
        // The newest backup has the lowest number: within one of them, and from one to the next, the numbers only grow.
        let inOrder = backups.sorted { number($0)! > number($1)! }.flatMap { self.directory.lines($0) }
        for writer in ["a ", "b ", "c "] {
            let numbers = inOrder.filter { $0.hasPrefix(writer) }.map { Int($0.split(separator: " ")[1])! }
            #expect(numbers == numbers.sorted())
        }
    }

    @Test("Half a line that somebody left at the end does not spoil the next one")
    func torn() throws {
        self.directory.file("a.log", "whole\nhal")
        let file = try LogFile(self.path, maxSize: 1000, backups: 1)
        try file.append("next")
        try file.append("and next")
        #expect(self.directory.lines("a.log") == ["whole", "hal", "next", "and next"])
    }

    @Test("Backups of a time when more were kept go; one that is missing is filled before the oldest goes")
    func fewerBackups() throws {
        for number in [1, 3, 4, 5, 7] { self.directory.file("a.log.\(number)", "\(number)\n") }
        self.directory.file("a.log", "now\n")
        let file = try LogFile(self.path, maxSize: 5, backups: 3)
        try file.append("new")
        #expect(self.directory.names == ["a.log", "a.log.1", "a.log.2", "a.log.3", "a.log.7"])
        #expect(
            ["a.log", "a.log.1", "a.log.2", "a.log.3"].map { self.directory.lines($0) } == [
                ["new"], ["now"], ["1"], ["3"],
            ])
    }

    @Test("Its owner and group alone may read it, and what is rotated as well")
    func mode() throws {
        let file = try LogFile(self.path, maxSize: 1, backups: 1)
        for _ in 0..<2 { try file.append("x") }
        #expect(self.directory.names == ["a.log", "a.log.1"])
        for name in self.directory.names {
            var status = stat()
            #expect(stat("\(self.directory.path)/\(name)", &status) == 0)
            #expect(status.st_mode & 0o137 == 0)
        }
    }
}

extension Thread {
    /// A thread of its own, which the group waits for.
    fileprivate static func detachNewThread(in group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
        group.enter()
        Thread.detachNewThread {
            body()
            group.leave()
        }
    }
}
