import Cluster
import Glibc

/// What a healer that runs as a service tells systemd: that it has started, in one line how it is, and, where the unit has a
/// watchdog, that its loops turn.
struct ServiceNotices: Sendable {
    private let socket: NotifySocket
    /// After this long without a sign of life the service is ended (`WatchdogSec=`); `nil` without a watchdog.
    let watchdog: Duration?

    /// How often the line is looked at.
    private static let interval = Duration.seconds(2)

    /// - Parameters:
    ///   - environment: the process's own.
    ///   - process: its id, which the watchdog may be meant for.
    /// - Returns: `nil` where nobody listens.
    init?(environment: [String: String], process: pid_t = getpid()) {
        guard let socket = environment["NOTIFY_SOCKET"].flatMap({ NotifySocket($0) }) else { return nil }
        self.socket = socket
        let isMeant = environment["WATCHDOG_PID"].map { $0 == "\(process)" } ?? true
        let microseconds = environment["WATCHDOG_USEC"].flatMap { Int64($0) } ?? 0
        self.watchdog = isMeant && microseconds > 0 ? .microseconds(microseconds) : nil
    }

    /// Says that it has started, then goes on until cancelled.
    ///
    /// - Parameters:
    ///   - isAlive: whether the loops turn. While they do not, the watchdog is told nothing.
    ///   - line: how it is, for people.
    func run(isAlive: @Sendable () -> Bool, line: @Sendable () -> String, time: any TimeSource) async {
        var said = line()
        self.socket.send("READY=1", "STATUS=\(said)")
        // A third of what is allowed: two signs may be late.
        let interval = min(self.watchdog.map { $0 / 3 } ?? Self.interval, Self.interval)
        while !Task.isCancelled {
            if self.watchdog != nil, isAlive() { self.socket.send("WATCHDOG=1") }
            let now = line()
            if now != said, self.socket.send("STATUS=\(now)") { said = now }
            try? await time.sleep(for: interval)
        }
    }

    func stopping() { self.socket.send("STOPPING=1", "STATUS=stopping") }
}

extension ServiceNotices {
    func run(_ status: HealerStatus) async {
        await self.run(
            isAlive: { status.liveness().alive }, line: { status.line }, time: BootClock())
    }
}
