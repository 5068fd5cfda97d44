public import Cluster

/// Times and spans as people read them.
public enum TimeText {
    /// `2026-11-21 15:44:26.123Z`.
    public static func utc(_ time: WallTime) -> String {
        let (days, inDay) = time.rawValue.flooredDivision(by: 86_400_000)
        let date = Self.date(days)
        let (seconds, milliseconds) = (inDay / 1000, inDay % 1000)
        let day = "\(Self.padded(date.year, 4))-\(Self.padded(date.month, 2))-\(Self.padded(date.day, 2))"
        let clock = [seconds / 3600, seconds / 60 % 60, seconds % 60].map { Self.padded($0, 2) }.joined(separator: ":")
        return "\(day) \(clock).\(Self.padded(milliseconds, 3))Z"
    }

    /// `420 ms`, `1.5 s`, `3m 20s`, `2h 5m`, `4d 3h`.
    /// - Parameter milliseconds: negative is shown as zero: two clocks may differ a little.
    public static func span(_ milliseconds: Int64) -> String {
        let milliseconds = max(0, milliseconds)
        let seconds = milliseconds / 1000
        return switch milliseconds {
        case ..<1000: "\(milliseconds) ms"
        case ..<60_000: "\(seconds).\(milliseconds / 100 % 10) s"
        case ..<3_600_000: "\(seconds / 60)m \(seconds % 60)s"
        case ..<86_400_000: "\(seconds / 3600)h \(seconds / 60 % 60)m"
        default: "\(seconds / 86_400)d \(seconds / 3600 % 24)h"
        }
    }

    /// How long before `now`, as `1.5 s ago`; `never` for `nil`.
    public static func ago(_ time: WallTime?, now: WallTime) -> String {
        time.map { "\(Self.span(now.rawValue - $0.rawValue)) ago" } ?? "never"
    }

    /// `+0.310 s` since the start of something.
    public static func offset(_ milliseconds: Int64) -> String {
        let magnitude = milliseconds.magnitude
        return "\(milliseconds < 0 ? "-" : "+")\(magnitude / 1000).\(Self.padded(Int64(magnitude % 1000), 3)) s"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// The Gregorian date of a day counted from 1970-01-01, by eras of 400 years that begin on a first of March, so that
    /// the leap day is the last of its year.
    private static func date(_ day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, inEra) = (day + 719_468).flooredDivision(by: 146_097)
        let year = (inEra - inEra / 1460 + inEra / 36_524 - inEra / 146_096) / 365
        let inYear = inEra - (365 * year + year / 4 - year / 100)
        let month = (5 * inYear + 2) / 153
        let calendarMonth = month < 10 ? month + 3 : month - 9
        return (era * 400 + year + (calendarMonth <= 2 ? 1 : 0), calendarMonth, inYear - (153 * month + 2) / 5 + 1)
    }
}

extension Int64 {
    /// The quotient rounded down, and the rest, which is never negative.
    fileprivate func flooredDivision(by divisor: Int64) -> (Int64, Int64) {
        let (quotient, rest) = self.quotientAndRemainder(dividingBy: divisor)
        return rest < 0 ? (quotient - 1, rest + divisor) : (quotient, rest)
    }
}
