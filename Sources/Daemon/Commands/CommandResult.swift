import Cluster

/// How one command went: what a timeline, a page and the next decision need to know of it.
struct CommandResult: Hashable, Sendable, Codable {
    enum End: Hashable, Sendable, Codable {
        case exited(ExitStatus)
        /// It was still running at its limit, and its process group was ended.
        case timedOut
        /// It was ended before its limit, as was asked.
        case interrupted
        /// It could not be started: `errno` and its text (not found, not executable, …).
        case notStarted(errno: Int32, reason: String)
    }
    let end: End
    let milliseconds: Int64
    /// Standard output, within the cap.
    let output: CappedText
    /// Standard error, within the cap.
    let errors: CappedText

    var succeeded: Bool { self.end == .exited(.code(0)) }

    /// Not found, not allowed, not executable: trying again will not help, a person must look.
    var isPermissionProblem: Bool {
        switch self.end {
        case .notStarted: true
        // What shells and exec wrappers end with when a command cannot be executed, or is not found.
        case .exited(.code(126)), .exited(.code(127)): true
        default: false
        }
    }
}

/// The first and the last bytes of an output, as text.
struct CappedText: Hashable, Sendable, Codable {
    let head: String
    /// Empty when nothing was left out.
    let tail: String
    /// Bytes between head and tail that were read and dropped.
    let dropped: Int

    var text: String {
        self.dropped == 0 ? self.head : "\(self.head)\n… \(self.dropped) bytes left out …\n\(self.tail)"
    }
}

/// Keeps the first and the last `cap / 2` bytes of all that is appended.
struct CappedBuffer {
    private let half: Int
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    private var dropped = 0

    init(cap: Int) { self.half = max(cap / 2, 1) }

    mutating func append(_ bytes: some Collection<UInt8>) {
        var rest = Array(bytes)
        if self.head.count < self.half {
            let taken = min(self.half - self.head.count, rest.count)
            self.head += rest.prefix(taken)
            rest.removeFirst(taken)
        }
        self.tail += rest
        if self.tail.count > self.half {
            self.dropped += self.tail.count - self.half
            self.tail.removeFirst(self.tail.count - self.half)
        }
    }

    var text: CappedText {
        if self.dropped == 0 {
            return CappedText(head: String(decoding: self.head + self.tail, as: UTF8.self), tail: "", dropped: 0)
        }
        return CappedText(
            head: String(decoding: self.head, as: UTF8.self), tail: String(decoding: self.tail, as: UTF8.self),
            dropped: self.dropped)
    }
}
