/// One value that is in effect, and where it comes from: what `healer validate --print` shows.
struct ConfigurationEntry: Hashable, Sendable, CustomStringConvertible {
    enum Source: Hashable, Sendable, CustomStringConvertible {
        case standard
        case file(line: Int)
        case environment([String], line: Int?)
        case secretFile(String, line: Int)

        var description: String {
            switch self {
            case .standard: "default"
            case .file(let line): "line \(line)"
            case .environment(let names, let line):
                "environment \(names.joined(separator: ", "))" + (line.map { ", line \($0)" } ?? "")
            case .secretFile(let path, let line): "file \(path), line \(line)"
            }
        }
    }

    /// `clusters[0].supervisor.limits.start_seconds`.
    let path: String
    /// As it may be shown: secrets are `***`.
    let value: String
    let source: Source

    var description: String { "\(self.path): \(self.value)  # \(self.source)" }
}

/// What healers compare to learn whether they were told the same.
///
/// FNV-1a, 64 bits, over every value in effect but those that are one healer's own: its name, its addresses, its logs and
/// its folders. Secrets take part as `***` only, since the digest is read by everybody. A difference is reported, never
/// trusted: nobody's safety rests on this number.
enum ConfigurationDigest {
    private static let own = ["healer_id", "api.", "logging."]

    static func of(_ entries: [ConfigurationEntry]) -> String {
        let lines = entries.filter { entry in !Self.own.contains { entry.path.hasPrefix($0) } }
            .map { "\($0.path)\u{0}\($0.value)\n" }.sorted()
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in lines.joined().utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
