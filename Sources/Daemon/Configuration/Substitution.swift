/// Puts the environment into a text.
///
/// `${NAME}` is the variable's value, and an error if it is not set; `${NAME:-text}` is the text if it is not set or
/// empty; `$${` is a literal `${`. Placeholders that the reader of the text knows, such as `${node}`, are kept. What is
/// put in is never looked at again.
struct Substitution {
    let environment: [String: String]
    /// The placeholders that have a meaning in this text.
    var placeholders: Set<Placeholder> = []

    struct Outcome {
        var pieces: [TextTemplate.Piece] = []
        /// The variables whose values stand in the text.
        var variables: [String] = []
        /// Whether anything was there to put in, a default included.
        var changed = false
        /// Variables that are not set and have no default, in the order of the text.
        fileprivate var missing: [Substring] = []

        /// For texts without placeholders.
        var text: String { TextTemplate(self.pieces).description }
    }

    func apply(to text: String) throws(Complaint) -> Outcome {
        var outcome = Outcome()
        var rest = text[...]
        var literal = ""
        while let start = rest.firstIndex(of: "$") {
            literal += rest[..<start]
            rest = rest[start...]
            if rest.hasPrefix("$${") {
                literal += "${"
                rest = rest.dropFirst(3)
                outcome.changed = true
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else {
                    throw Complaint("has a `${` without its `}`", "close it, or write `$${` for a literal `${`")
                }
                let inside = rest[rest.index(start, offsetBy: 2)..<end]
                rest = rest[rest.index(after: end)...]
                if let placeholder = Placeholder(rawValue: String(inside)), self.placeholders.contains(placeholder) {
                    if !literal.isEmpty { outcome.pieces.append(.text(literal)) }
                    literal = ""
                    outcome.pieces.append(.placeholder(placeholder))
                } else {
                    literal += try self.value(of: inside, &outcome)
                    outcome.changed = true
                }
            } else {
                literal += "$"
                rest = rest.dropFirst()
            }
        }
        literal += rest
        if !literal.isEmpty { outcome.pieces.append(.text(literal)) }
        guard let first = outcome.missing.first else { return outcome }
        if outcome.missing.count == 1 {
            throw Complaint(
                "needs the environment variable \(first), which is not set", "set it, or write `${\(first):-text}`")
        }
        throw Complaint(
            "needs the environment variables \(outcome.missing.joined(separator: ", ")), which are not set",
            "set them, or write `${\(first):-text}`")
    }

    private func value(of expression: Substring, _ outcome: inout Outcome) throws(Complaint) -> String {
        let name: Substring
        let otherwise: Substring?
        if let colon = expression.firstIndex(of: ":") {
            name = expression[..<colon]
            let after = expression[expression.index(after: colon)...]
            guard after.hasPrefix("-"), !after.contains("${") else {
                throw Complaint("has `${\(expression)}`, which is not understood", "write `${NAME}` or `${NAME:-text}`")
            }
            otherwise = after.dropFirst()
        } else {
            (name, otherwise) = (expression, nil)
        }
        let letters = name.utf8
        guard let first = letters.first, !(0x30...0x39).contains(first),
            letters.allSatisfy({
                (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x5f
            })
        else {
            throw Complaint("has `${\(expression)}`, which is not understood", "write `${NAME}` or `${NAME:-text}`")
        }
        if let value = self.environment[String(name)], !(value.isEmpty && otherwise != nil) {
            outcome.variables.append(String(name))
            return value
        }
        if let otherwise { return String(otherwise) }
        if Placeholder(rawValue: String(name)) != nil {
            let allowed = self.placeholders.map { "`${\($0.rawValue)}`" }.sorted().joined(separator: ", ")
            throw Complaint(
                "has `${\(name)}`, which has no meaning here",
                allowed.isEmpty
                    ? "placeholders stand in supervisor commands and names" : "what can stand here: \(allowed)")
        }
        if !outcome.missing.contains(name) { outcome.missing.append(name) }
        return ""
    }
}
