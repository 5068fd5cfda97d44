import Cluster
import FoundationEssentials
import Glibc

/// Log records as lines. Control characters are escaped, so that no value can begin a line of its own or move a terminal's
/// cursor.
enum LogLine {
    /// A longer value is cut off; the rest is said as a count.
    static let maximumValue = 8192

    /// `2026-11-21T15:36:49.123Z INFO stepping down election.epoch=3 session.silent="2.1 s"`.
    static func text(_ record: LogRecord, at time: WallTime) -> String {
        var line = "\(self.timestamp(time)) \(record.level.rawValue) \(self.escaped(record.message))"
        for (name, value) in record.fields.sorted(by: { $0.key < $1.key }) {
            line += " \(self.bare(name))=\(self.text(value))"
        }
        return line
    }

    /// One JSON object: `time`, `level`, `message`, then the fields by their dotted names.
    static func json(_ record: LogRecord, at time: WallTime) -> String {
        self.json(
            [("level", .string(record.level.rawValue)), ("message", .string(record.message))], record.fields, at: time)
    }

    /// - Parameter fields: a field with a name that is taken gets `field.` before it.
    static func json(
        _ first: [(String, LogValue)], _ fields: [String: LogValue], at time: WallTime
    ) -> String {
        let taken = ["time"] + first.map(\.0)
        let rest = fields.sorted { $0.key < $1.key }.map {
            (taken.contains($0.key) ? "field.\($0.key)" : $0.key, $0.value)
        }
        let members = ([("time", .string(self.timestamp(time)))] + first + rest).map { name, value in
            "\(self.quoted(name)):\(self.json(value))"
        }
        return "{\(members.joined(separator: ","))}"
    }

    /// ISO 8601 in UTC, to the millisecond.
    static func timestamp(_ time: WallTime) -> String {
        // Rounded down, so that milliseconds before 1970 are not negative.
        let milliseconds = time.rawValue - (time.rawValue / 1000) * 1000
        var seconds = time_t(time.rawValue / 1000 - (milliseconds < 0 ? 1 : 0))
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func digits(_ number: Int, _ count: Int) -> String {
            let text = String(number)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        let date =
            "\(digits(Int(parts.tm_year) + 1900, 4))-\(digits(Int(parts.tm_mon) + 1, 2))-\(digits(Int(parts.tm_mday), 2))"
        let clock = "\(digits(Int(parts.tm_hour), 2)):\(digits(Int(parts.tm_min), 2)):\(digits(Int(parts.tm_sec), 2))"
        return "\(date)T\(clock).\(digits(Int(milliseconds < 0 ? milliseconds + 1000 : milliseconds), 3))Z"
    }

    private static func text(_ value: LogValue) -> String {
        switch value {
        case .string(let text): self.bare(text)
        case .integer(let number): String(number)
        case .number(let number): String(number)
        case .boolean(let flag): String(flag)
        }
    }

    private static func json(_ value: LogValue) -> String {
        switch value {
        case .string(let text): self.quoted(text)
        case .integer(let number): String(number)
        // JSON has no other numbers.
        case .number(let number): number.isFinite ? String(number) : self.quoted(String(number))
        case .boolean(let flag): String(flag)
        }
    }

    /// Without quotes where it can be told apart without them.
    private static func bare(_ text: String) -> String {
        let isBare =
            !text.isEmpty
            && text.unicodeScalars.allSatisfy {
                $0.value > 0x20 && $0.value < 0x7f && $0 != "\"" && $0 != "=" && $0 != "\\"
            }
        return isBare && text.utf8.count <= self.maximumValue ? text : self.quoted(text)
    }

    static func quoted(_ text: String) -> String { "\"\(self.escaped(text, quotes: true))\"" }

    private static func escaped(_ text: String, quotes: Bool = false) -> String {
        var line = ""
        var (size, left) = (0, 0)
        for scalar in text.unicodeScalars {
            guard size < self.maximumValue else {
                left += 1
                continue
            }
            size += 1
            switch scalar {
            case "\"" where quotes: line += "\\\""
            case "\\": line += "\\\\"
            case "\n": line += "\\n"
            case "\r": line += "\\r"
            case "\t": line += "\\t"
            default:
                switch scalar.properties.generalCategory {
                // Format characters can turn the direction of a line; the separators are line ends to some readers.
                case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
                    for unit in String(scalar).utf16 {
                        let digits = String(unit, radix: 16)
                        line += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                    }
                default: line.unicodeScalars.append(scalar)
                }
            }
        }
        if left > 0 { line += "… (\(left) more)" }
        return line
    }
}

extension WallTime {
    static var now: WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}
