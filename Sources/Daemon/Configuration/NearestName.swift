/// Which of some names was probably meant.
enum NearestName {
    /// `nil` if none is near: more than a third of the letters, and more than two, would have to change.
    static func of(_ name: String, among names: some Sequence<String>) -> String? {
        let bound = max(2, name.count / 3)
        return names.map { ($0, self.distance(self.folded(name), self.folded($0))) }
            .filter { $0.1 <= bound && $0.1 < max(name.count, $0.0.count) }
            .min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
    }

    /// "did you mean `port`?", or all there is.
    static func hint(for name: String, among names: some Sequence<String>) -> String {
        if let nearest = self.of(name, among: names) { return "did you mean `\(nearest)`?" }
        return "known here: \(names.sorted().map { "`\($0)`" }.joined(separator: ", "))"
    }

    private static func folded(_ name: String) -> [Character] {
        Array(name.lowercased()).map { $0 == "-" ? "_" : $0 }
    }

    /// The fewest insertions, deletions, replacements and swaps of neighbours from one to the other (optimal string
    /// alignment).
    static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var best = min(row[j] + 1, last[j + 1] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
                row.append(best)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
