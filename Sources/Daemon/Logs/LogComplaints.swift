import Cluster
import Synchronization

/// Says elsewhere that a log file cannot be written, since that log cannot say it: at once, then at most once a minute for
/// each cause, and when it works again.
final class LogComplaints: Sendable {
    /// Between two words about one cause.
    static let pause = Duration.seconds(60)

    private struct Trouble {
        /// When each cause (`errno`) was said last.
        var said: [Int32: Moment] = [:]
        /// It was said, and not yet that it works again.
        var isOpen = false
    }

    private let troubles = Mutex<[String: Trouble]>([:])
    private let now: @Sendable () -> Moment
    private let say: @Sendable (String) -> Void

    init(now: @escaping @Sendable () -> Moment, say: @escaping @Sendable (String) -> Void) {
        self.now = now
        self.say = say
    }

    /// - Parameter consequence: what follows from it, as the end of the sentence.
    func failed(_ error: LogFileError, so consequence: String) {
        if self.isDue(error, about: error.path, opens: true) { self.say("\(error): \(consequence)") }
    }

    private func isDue(_ error: LogFileError, about subject: String, opens: Bool) -> Bool {
        let now = self.now()
        return self.troubles.withLock { troubles in
            if let last = troubles[subject]?.said[error.number], now - last < Self.pause { return false }
            troubles[subject, default: Trouble()].said[error.number] = now
            troubles[subject]?.isOpen = opens
            return true
        }
    }

    private func works(_ path: String) {
        let wasOpen = self.troubles.withLock { troubles in
            guard troubles[path]?.isOpen == true else { return false }
            troubles[path]?.isOpen = false
            return true
        }
        if wasOpen { self.say("\(path) can be written again") }
    }

    /// A line was written, and what happened to its file beside that.
    func wrote(to path: String, _ notices: Set<LogFile.Notice>) {
        self.works(path)
        for notice in notices {
            switch notice {
            case .removed: self.say("\(path) was removed, and what it held with it; a new one is begun")
            case .notRotated(let error):
                guard self.isDue(error, about: "\(path) rotated", opens: false) else { continue }
                self.say("\(error): \(path) cannot be rotated, and grows beyond its limit")
            }
        }
    }
}
