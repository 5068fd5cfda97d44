import Cluster
import Dispatch
import Synchronization

/// Writes lines that may get lost to a log file, one after the other on a thread of its own, so that whoever logs never
/// waits for a disk.
final class LineQueue: Sendable {
    /// Lines that may wait; more are dropped.
    static let capacity = 10_000

    private struct State {
        var waiting = 0
        /// In all.
        var dropped: Int64 = 0
        /// Since the last line that was written.
        var unsaid: Int64 = 0
        var lastError: LogFileError?
    }

    private let file: LogFile
    private let queue: DispatchQueue
    private let state = Mutex(State())
    /// The line that says how many are missing.
    private let gap: @Sendable (Int64) -> String
    private let complaints: LogComplaints?

    /// - Parameter complaints: `nil` where the file is the very place that they go to.
    init(_ file: LogFile, complaints: LogComplaints? = nil, gap: @escaping @Sendable (Int64) -> String) {
        self.file = file
        self.queue = DispatchQueue(label: "log \(file.path)")
        self.gap = gap
        self.complaints = complaints
    }

    func append(_ line: String) {
        let hasRoom = self.state.withLock { state in
            if state.waiting >= Self.capacity {
                state.dropped += 1
                state.unsaid += 1
                return false
            }
            state.waiting += 1
            return true
        }
        if hasRoom { self.queue.async { self.write(line) } }
    }

    private func write(_ line: String) {
        let unsaid = self.state.withLock { state in
            state.waiting -= 1
            return state.unsaid
        }
        do throws(LogFileError) {
            if unsaid > 0 {
                try self.file.append(self.gap(unsaid))
                self.state.withLock { $0.unsaid -= unsaid }
            }
            let notices = try self.file.append(line)
            self.state.withLock { $0.lastError = nil }
            self.complaints?.wrote(to: self.file.path, notices)
        } catch {
            self.state.withLock { state in
                state.dropped += 1
                state.unsaid += 1
                state.lastError = error
            }
            self.complaints?.failed(error, so: "its lines are lost until it can be written")
        }
    }

    /// After the lines that wait. What fails now is tried again, and said, with the next line.
    func reopen() { self.queue.async { try? self.file.reopen() } }

    /// How many lines are missing in the file since the start.
    var dropped: Int64 { self.state.withLock { $0.dropped } }
    /// Why the last line could not be written; `nil` if it was.
    var lastError: LogFileError? { self.state.withLock { $0.lastError } }

    /// Returns when all lines that were appended before are written or dropped.
    func drain() async {
        await withCheckedContinuation { continuation in
            self.queue.async { continuation.resume() }
        }
    }
}
