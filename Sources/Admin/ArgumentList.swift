/// Arguments sorted into words and options. Options may stand anywhere, as `--name value` or `--name=value`.
struct ArgumentList {
    /// In their order.
    private(set) var words: [String] = []
    private var options: [(name: String, value: String?)] = []

    /// Options without a value.
    static let flags: Set<String> = ["help", "everywhere", "version"]
    /// Options with a value.
    static let valued: Set<String> = [
        "zookeeper", "healer", "root", "cluster", "output", "timeout", "why", "for", "to",
    ]
    private static let short = ["-o": "output", "-h": "help"]

    init(_ arguments: [String]) throws(UsageError) {
        var rest = arguments[...]
        var onlyWords = false
        while let argument = rest.popFirst() {
            if onlyWords || !argument.hasPrefix("-") || argument == "-" {
                self.words.append(argument)
                continue
            }
            if argument == "--" {
                onlyWords = true
                continue
            }
            let name: String
            var value: String?
            if let long = Self.short[argument] {
                name = long
            } else if argument.hasPrefix("--") {
                let parts = argument.dropFirst(2).split(
                    separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                name = String(parts[0])
                value = parts.count > 1 ? String(parts[1]) : nil
            } else {
                throw Self.unknown(argument)
            }
            switch (Self.flags.contains(name), Self.valued.contains(name)) {
            case (true, _):
                guard value == nil else { throw UsageError("--\(name) takes no value", hint: "Leave =… away.") }
            case (_, true):
                guard let given = value ?? rest.popFirst() else {
                    throw UsageError("--\(name) needs a value", hint: "Say --\(name) VALUE.")
                }
                value = given
            default:
                throw Self.unknown("--\(name)")
            }
            guard !self.options.contains(where: { $0.name == name }) else {
                throw UsageError("--\(name) is there twice", hint: "Say it once.")
            }
            self.options.append((name, value))
        }
    }

    private static func unknown(_ option: String) -> UsageError {
        let known = Self.flags.union(Self.valued).map { "--\($0)" }.sorted()
        let nearest = NearestWord.to(option, among: known)
        return UsageError(
            "there is no option \(option)",
            hint: nearest.map { "Did you mean \($0)?" } ?? "`healerctl --help` lists the options.")
    }

    mutating func takeFlag(_ name: String) -> Bool { self.remove(name) != nil }

    mutating func take(_ name: String) throws(UsageError) -> String? {
        guard let option = self.remove(name), let value = option.value else { return nil }
        guard !value.isEmpty else { throw UsageError("--\(name) is empty", hint: "Say --\(name) VALUE.") }
        return value
    }

    private mutating func remove(_ name: String) -> (name: String, value: String?)? {
        self.options.firstIndex { $0.name == name }.map { self.options.remove(at: $0) }
    }

    /// What nobody has taken does not belong to this command.
    func finish(knownTo specification: CommandSpecification) throws(UsageError) {
        guard let option = self.options.first else { return }
        throw UsageError(
            "\(specification.name) does not take --\(option.name)", hint: "Usage: \(specification.usage)")
    }
}

/// Which known word somebody may have meant.
enum NearestWord {
    /// `nil` if none is near: more than a third of the letters, and more than two, would have to change.
    static func to(_ word: String, among known: [String]) -> String? {
        let nearest = known.map { (Self.distance(word, $0), $0) }.min { $0 < $1 }
        guard let (distance, candidate) = nearest, distance <= max(2, candidate.count / 3) else { return nil }
        return candidate
    }

    /// How many letters must be inserted, removed or replaced (Levenshtein).
    static func distance(_ a: String, _ b: String) -> Int {
        let b = Array(b)
        var row = Array(0...b.count)
        for (line, letter) in a.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, other) in b.enumerated() {
                let replaced = diagonal + (letter == other ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, row[column] + 1, diagonal + 1)
            }
        }
        return row[b.count]
    }
}

/// Spans on the command line: `30s`, `10m`, `2h`, `1d`.
enum SpanText {
    private static let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
    /// Ten years: far enough, and far from any overflow.
    private static let limit: Int64 = 10 * 366 * 86_400

    static func duration(_ text: String, option: String) throws(UsageError) -> Duration {
        guard let unit = text.last.flatMap({ Self.units[$0] }), let number = Int64(text.dropLast()), number > 0,
            number <= Self.limit / unit
        else {
            throw UsageError("--\(option) \(text) is no span", hint: "Say it as 30s, 10m, 2h or 1d.")
        }
        return .seconds(number * unit)
    }
}
