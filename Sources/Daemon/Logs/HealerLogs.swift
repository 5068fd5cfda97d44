import Cluster
import Dispatch
import FoundationEssentials
import Glibc
import Synchronization

/// The three logs of a healer: what happened (`application.log`), what was decided and done (`audit.log`), and how long
/// things took (`performance.log`). Without a directory all three go to standard error.
///
/// Nobody who writes to the first and the last ever waits or fails: what cannot be written is counted. An audit entry is
/// on the disk when ``audit(_:_:)`` returns, or it throws, and then nothing may be done that it was to witness. That a file
/// cannot be written is said on standard error.
final class HealerLogs: Sendable {
    private let application: LineQueue
    private let performance: LineQueue
    private let auditFile: LogFile
    private let auditQueue = DispatchQueue(label: "log audit")
    private let configuration: LoggingConfiguration
    private let now: @Sendable () -> WallTime
    private let healer: HealerID
    private let complaints: LogComplaints?
    private let auditGap = Mutex(AuditGap())

    /// Entries that were refused because they could not be written.
    private struct AuditGap {
        /// Since the last entry that was written.
        var unsaid: Int64 = 0
        var since: WallTime?
        /// In all.
        var refused: Int64 = 0
    }

    /// - Parameter complaints: where it is said that a file cannot be written.
    /// - Throws: when the directory cannot be made or a file not be opened: a healer that cannot log does not start.
    init(
        _ configuration: LoggingConfiguration, healer: HealerID, now: @escaping @Sendable () -> WallTime = { .now },
        complaints: LogComplaints = .onStandardError()
    ) throws(LogFileError) {
        self.configuration = configuration
        self.healer = healer
        self.now = now
        self.complaints = configuration.directory == nil ? nil : complaints
        if let directory = configuration.directory {
            try Self.make(directory)
            func file(_ name: String) throws(LogFileError) -> LogFile {
                try LogFile(
                    "\(directory)/\(name)", maxSize: configuration.maxSize, backups: configuration.backupCount)
            }
            self.auditFile = try file("audit.log")
            self.application = Self.queue(try file("application.log"), configuration, now, complaints)
            self.performance = Self.queue(try file("performance.log"), configuration, now, complaints)
        } else {
            let stream = LogFile(stream: STDERR_FILENO, called: "standard error")
            self.auditFile = stream
            self.application = Self.queue(stream, configuration, now)
            self.performance = Self.queue(stream, configuration, now)
        }
    }

    private static func queue(
        _ file: LogFile, _ configuration: LoggingConfiguration, _ now: @escaping @Sendable () -> WallTime,
        _ complaints: LogComplaints? = nil
    ) -> LineQueue {
        LineQueue(file, complaints: complaints) { count in
            Self.line(
                LogRecord(level: .warning, message: "lines are missing here", fields: ["log.dropped": .integer(count)]),
                configuration, now())
        }
    }

    private static func line(_ record: LogRecord, _ configuration: LoggingConfiguration, _ time: WallTime) -> String {
        switch configuration.format {
        case .text: LogLine.text(record, at: time)
        case .json: LogLine.json(record, at: time)
        }
    }

    /// Writes to the application log, from the configured level on.
    var logger: Logger {
        Logger(level: self.configuration.level) { record in
            self.application.append(Self.line(record, self.configuration, self.now()))
        }
    }

    /// Puts down what is about to be done, or was. Always a JSON line, in the order of the calls that waited for each
    /// other.
    ///
    /// - Throws: when it is not surely on the disk; then it is not to be done.
    func audit(_ event: StaticString, _ fields: [String: LogValue] = [:]) async throws(LogFileError) {
        try await self.putDown(self.auditLine("\(event)", fields))
    }

    /// Tries whether entries can be written again after one could not: by the entry that says how many are missing.
    ///
    /// - Throws: while they cannot. Returns at once when none is missing.
    func auditAgain() async throws(LogFileError) { try await self.putDown(nil) }

    private func auditLine(_ event: String, _ fields: [String: LogValue]) -> String {
        LogLine.json(
            [("event", .string(event)), ("healer.id", .string(self.healer.rawValue))], fields, at: self.now())
    }

    private func putDown(_ line: String?) async throws(LogFileError) {
        try await withCheckedContinuation { (continuation: CheckedContinuation<Result<Void, LogFileError>, Never>) in
            self.auditQueue.async {
                continuation.resume(returning: Result { () throws(LogFileError) in try self.append(line) })
            }
        }.get()
    }

    /// On the queue: one after the other.
    private func append(_ line: String?) throws(LogFileError) {
        do throws(LogFileError) {
            let gap = self.auditGap.withLock { ($0.unsaid, $0.since) }
            var notices: Set<LogFile.Notice> = []
            if let since = gap.1 {
                notices = try self.auditFile.append(
                    self.auditLine(
                        "entries are missing here",
                        ["audit.missing": .integer(gap.0), "audit.since": .string(LogLine.timestamp(since))]),
                    durably: true)
                self.auditGap.withLock { ($0.unsaid, $0.since) = (0, nil) }
            }
            if let line { notices.formUnion(try self.auditFile.append(line, durably: true)) }
            if notices.contains(.removed) {
                try self.auditFile.append(self.auditLine("the file before was removed", [:]), durably: true)
            }
            self.complaints?.wrote(to: self.auditFile.path, notices)
        } catch {
            self.auditGap.withLock { state in
                state.since = state.since ?? self.now()
                if line != nil {
                    state.unsaid += 1
                    state.refused += 1
                }
            }
            self.complaints?.failed(error, so: "no action is taken until the audit trail can be written")
            throw error
        }
    }

    /// Begins all three files anew where they were moved away. Soon, not at once: each after the lines that wait for it.
    func reopen() {
        self.application.reopen()
        self.performance.reopen()
        // What fails now is tried again, and said, with the next entry.
        self.auditQueue.async { try? self.auditFile.reopen(durably: true) }
    }

    /// Audit entries that could not be written, since the start.
    var refusedAudits: Int64 { self.auditGap.withLock { $0.refused } }

    /// Puts down how long something took.
    func performance(_ what: StaticString, took duration: Duration, _ fields: [String: LogValue] = [:]) {
        var fields = fields
        fields["duration.ms"] = .number((duration.inSeconds * 1e6).rounded() / 1e3)
        let record = LogRecord(level: .info, message: "\(what)", fields: fields)
        self.performance.append(Self.line(record, self.configuration, self.now()))
    }

    /// Lines of the application and performance logs that could not be written, since the start.
    var dropped: Int64 { self.application.dropped + self.performance.dropped }
    /// Why the newest line of either is missing; `nil` while both are written.
    var lastError: LogFileError? { self.application.lastError ?? self.performance.lastError }

    /// Returns when all that was logged before is written or dropped: before the program ends.
    func drain() async {
        await self.application.drain()
        await self.performance.drain()
    }

    /// Makes the folder and those above it, for the owner and the group alone.
    private static func make(_ directory: String) throws(LogFileError) {
        var path = ""
        for part in directory.split(separator: "/") {
            path += "/\(part)"
            if mkdir(path, 0o750) != 0, errno != EEXIST, errno != EISDIR, errno != EROFS, errno != EACCES {
                throw LogFileError(path: path, operation: "make folder", number: errno)
            }
        }
        var status = stat()
        guard stat(directory, &status) == 0 else {
            throw LogFileError(path: directory, operation: "make folder", number: errno)
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            throw LogFileError(path: directory, operation: "make folder", number: ENOTDIR)
        }
    }
}

extension LogComplaints {
    /// As `healer: …`, one line each. A standard error that takes nothing is waited for a bounded time.
    static func onStandardError() -> LogComplaints {
        let stream = LogFile(stream: STDERR_FILENO, called: "standard error")
        return LogComplaints(now: BootClock().now) { text in _ = try? stream.append("healer: \(text)") }
    }
}
