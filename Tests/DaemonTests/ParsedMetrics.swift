/// Reads the Prometheus text format strictly: every sample belongs to the family announced last, no family comes twice,
/// no series comes twice.
struct ParsedMetrics {
    struct Sample {
        let name: String
        let labels: [String: String]
        let value: Double
    }
    struct Malformed: Error { let line: String }

    private(set) var samples: [Sample] = []

    init(_ text: String) throws {
        guard text.hasSuffix("\n") else { throw Malformed(line: "no end of line at the end") }
        var families: Set<String> = []
        var seen: Set<String> = []
        var family = ""
        var helped = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map { String($0) }
            if line.hasPrefix("# HELP ") {
                guard words.count == 4, families.insert(words[2]).inserted else { throw Malformed(line: String(line)) }
                helped = words[2]
            } else if line.hasPrefix("# TYPE ") {
                guard words.count == 4, words[2] == helped,
                    ["counter", "gauge", "summary", "untyped"].contains(words[3])
                else { throw Malformed(line: String(line)) }
                family = words[2]
            } else {
                let sample = try Self.sample(line)
                guard [family, family + "_sum", family + "_count"].contains(sample.name),
                    seen.insert("\(sample.name)\(sample.labels.sorted { $0.key < $1.key })").inserted
                else { throw Malformed(line: String(line)) }
                self.samples.append(sample)
            }
        }
    }

    /// The value of the series with exactly these labels; `nil` if there is none.
    subscript(name: String, labels: [String: String]) -> Double? {
        self.samples.first { $0.name == name && $0.labels == labels }?.value
    }

    private static func sample(_ line: Substring) throws -> Sample {
        func isNameCharacter(_ character: Character) -> Bool {
            character.isASCII && (character.isLetter || character.isNumber || character == "_" || character == ":")
        }
        var rest = line
        let name = rest.prefix(while: isNameCharacter)
        rest = rest.dropFirst(name.count)
        var labels: [String: String] = [:]
        if rest.first == "{" {
            rest = rest.dropFirst()
            while rest.first != "}" {
                let label = rest.prefix(while: isNameCharacter)
                rest = rest.dropFirst(label.count)
                guard !label.isEmpty, rest.hasPrefix("=\"") else { throw Malformed(line: String(line)) }
                rest = rest.dropFirst(2)
                var value = ""
                while let next = rest.popFirst(), next != "\"" {
                    guard next == "\\" else {
                        value.append(next)
                        continue
                    }
                    switch rest.popFirst() {
                    case "n": value.append("\n")
                    case "\\": value.append("\\")
                    case "\"": value.append("\"")
                    default: throw Malformed(line: String(line))
                    }
                }
                guard labels.updateValue(value, forKey: String(label)) == nil else {
                    throw Malformed(line: String(line))
                }
                if rest.first == "," { rest = rest.dropFirst() }
            }
            rest = rest.dropFirst()
        }
        guard !name.isEmpty, rest.first == " ", let value = Self.number(rest.dropFirst()) else {
            throw Malformed(line: String(line))
        }
        return Sample(name: String(name), labels: labels, value: value)
    }

    private static func number(_ text: Substring) -> Double? {
        switch text {
        case "NaN": .nan
        case "+Inf": .infinity
        case "-Inf": -.infinity
        default: Double(text)
        }
    }
}
