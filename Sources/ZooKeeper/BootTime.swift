internal import Glibc

/// Nanoseconds on CLOCK_BOOTTIME, which never steps and goes on while the host sleeps, as a session does on its servers.
struct BootTime: Hashable, Comparable, Sendable {
    let nanoseconds: Int64

    static var now: BootTime {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return BootTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }
    static func + (a: Self, b: Duration) -> Self { BootTime(nanoseconds: a.nanoseconds + b.wholeNanoseconds) }
    static func - (a: Self, b: Self) -> Duration { .nanoseconds(a.nanoseconds - b.nanoseconds) }
}

extension Duration {
    /// Rounded towards zero.
    var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = self.components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
    var seconds: Double { Double(self.wholeNanoseconds) / 1e9 }
}
