/// A command line that makes no sense; its text says what would.
struct UsageError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }

    /// Names the known word that is nearest to the one given.
    static func unknown(_ kind: String, _ word: String, among known: [String]) -> UsageError {
        let nearest = known.map { (word: $0, distance: editDistance($0, word)) }.min { $0.distance < $1.distance }
        guard let nearest, nearest.distance <= max(2, word.count / 2) else {
            return UsageError("unknown \(kind) '\(word)' (known: \(known.joined(separator: ", ")))")
        }
        return UsageError("unknown \(kind) '\(word)': did you mean '\(nearest.word)'?")
    }
}

/// `--help` stood on the line.
struct HelpRequested: Error {}

/// A command line taken apart: words, options with a value (`--name value` or `--name=value`), and flags.
struct Arguments {
    private(set) var words: [String] = []
    private var values: [String: [String]] = [:]
    private var flags: Set<String> = []

    /// - Parameters:
    ///   - options: names with their dashes that take a value.
    ///   - flags: names with their dashes that take none.
    init(_ arguments: [String], options: [String] = [], flags: [String] = []) throws {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--help" || argument == "-h" { throw HelpRequested() }
            guard argument.hasPrefix("--"), argument.count > 2 else {
                self.words.append(argument)
                continue
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0]
            if flags.contains(name) {
                guard parts.count == 1 else { throw UsageError("\(name) takes no value") }
                self.flags.insert(name)
            } else if options.contains(name) {
                guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else {
                    throw UsageError("\(name) needs a value")
                }
                self.values[name, default: []].append(value)
            } else {
                throw UsageError.unknown("option", name, among: (options + flags).sorted())
            }
        }
    }

    func has(_ flag: String) -> Bool { self.flags.contains(flag) }
    /// The last one given.
    func value(_ name: String) -> String? { self.values[name]?.last }
    func all(_ name: String) -> [String] { self.values[name] ?? [] }

    /// A whole number within the range; `standard` when the option is not given.
    func integer(_ name: String, in range: ClosedRange<Int>, standard: Int) throws -> Int {
        guard let text = self.value(name) else { return standard }
        guard let number = Int(text), range.contains(number) else {
            throw UsageError(
                "\(name) takes a whole number from \(range.lowerBound) to \(range.upperBound), not '\(text)'")
        }
        return number
    }

    /// A time in seconds, such as `1` or `0.5`; `nil` when the option is not given.
    func seconds(_ name: String) throws -> Duration? {
        guard let text = self.value(name) else { return nil }
        guard let number = Double(text), number >= 0, number <= 86_400 else {
            throw UsageError("\(name) takes seconds from 0 to 86400, not '\(text)'")
        }
        return .nanoseconds(Int64(number * 1e9))
    }
}

/// How many letters must be put in, taken out or replaced to make one word of the other.
private func editDistance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b))
    var row = Array(0...b.count)
    for i in a.indices {
        var diagonal = row[0]
        row[0] = i + 1
        for j in b.indices {
            let replaced = diagonal + (a[i] == b[j] ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(replaced, diagonal + 1, row[j] + 1)
        }
    }
    return row[b.count]
}
