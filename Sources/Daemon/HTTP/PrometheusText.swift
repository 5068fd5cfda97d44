/// Writes the Prometheus text format, version 0.0.4.
///
/// https://prometheus.io/docs/instrumenting/exposition_formats/: each family once, its help and type first.
struct PrometheusText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    enum Kind: String {
        case counter, gauge, summary
        /// For names that users have and that do not follow the rules for their kind.
        case untyped
    }

    typealias Label = (name: String, value: String)

    private(set) var text = ""
    private var family = ""

    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        self.family = name
        self.text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    /// - Parameter suffix: `_sum` and `_count` of a summary.
    mutating func sample(_ labels: [Label], _ value: Double, suffix: String = "") {
        self.text += self.family + suffix
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
            self.text += "{\(pairs.joined(separator: ","))}"
        }
        self.text += " \(Self.number(value))\n"
    }

    mutating func sample(_ labels: [Label], _ value: Int, suffix: String = "") {
        self.sample(labels, Double(value), suffix: suffix)
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // Whole numbers without a point, as far as a Double holds them exactly.
        if value == value.rounded(), value.magnitude < 0x1p53 { return String(Int64(value)) }
        return String(value)
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
