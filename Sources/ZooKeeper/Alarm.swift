internal import CZooKeeper
internal import Glibc
import Synchronization

/// The one thread that keeps all deadlines of this process's sessions, on CLOCK_BOOTTIME.
///
/// One timer serves all sessions, each of which has at most one alarm set: the earliest of what it waits for.
final class Alarm: Sendable {
    static let shared = Alarm()

    private struct Entry {
        let at: BootTime
        let connection: Connection
    }
    private struct Shared {
        var entries: [ObjectIdentifier: Entry] = [:]
        /// What the timer is set to.
        var next: BootTime?
    }
    private let shared = Mutex(Shared())
    private let timer: Int32

    private init() {
        self.timer = timerfd_create(CLOCK_BOOTTIME, Int32(TFD_CLOEXEC))
        precondition(self.timer >= 0, "the kernel has timers on CLOCK_BOOTTIME since Linux 3.15")
    }

    /// Starts the thread that rings; called once, with the first session.
    private static let started: Bool = runOnOwnThread { Alarm.shared.run() }

    /// Whether there is a thread that keeps deadlines.
    static var isRunning: Bool { Self.started }

    /// Replaces the connection's alarm. The connection is kept until it rings, or is cleared.
    func set(_ connection: Connection, at: BootTime) {
        self.shared.withLock { shared in
            shared.entries[ObjectIdentifier(connection)] = Entry(at: at, connection: connection)
            if shared.next.map({ at < $0 }) ?? true { self.arm(&shared, at) }
        }
    }

    func clear(_ connection: Connection) {
        // Dropped outside the lock.
        let _ = self.shared.withLock { $0.entries.removeValue(forKey: ObjectIdentifier(connection)) }
    }

    private func arm(_ shared: inout Shared, _ at: BootTime) {
        shared.next = at
        var setting = itimerspec()
        // Zero would disarm it.
        let nanoseconds = max(at.nanoseconds, 1)
        setting.it_value.tv_sec = Int(nanoseconds / 1_000_000_000)
        setting.it_value.tv_nsec = Int(nanoseconds % 1_000_000_000)
        timerfd_settime(self.timer, Int32(TFD_TIMER_ABSTIME), &setting, nil)
    }

    private func run() {
        while true {
            var times: UInt64 = 0
            guard read(self.timer, &times, 8) == 8 else { continue }
            let now = BootTime.now
            let due = self.shared.withLock { shared in
                let due = shared.entries.filter { $0.value.at <= now }
                for key in due.keys { shared.entries.removeValue(forKey: key) }
                shared.next = nil
                if let next = shared.entries.values.map(\.at).min() { self.arm(&shared, next) }
                return due
            }
            for entry in due.values { entry.connection.alarmRang(at: now) }
        }
    }
}
