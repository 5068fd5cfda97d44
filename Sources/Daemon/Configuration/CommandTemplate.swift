/// What a healer fills in for each node.
enum Placeholder: String, Hashable, Sendable, CaseIterable {
    case node, identity, host
    /// The broker's number; only brokers have one.
    case brokerID = "broker_id"
    /// The place of a ZooKeeper server in the connect string, from 1; in names only.
    case number
}

/// A text with placeholders, such as `--identity=${identity}`.
struct TextTemplate: Hashable, Sendable, CustomStringConvertible {
    enum Piece: Hashable, Sendable {
        case text(String)
        case placeholder(Placeholder)
    }
    var pieces: [Piece]
    init(_ pieces: [Piece]) { self.pieces = pieces }

    var placeholders: Set<Placeholder> {
        Set(self.pieces.compactMap { if case .placeholder(let placeholder) = $0 { placeholder } else { nil } })
    }

    /// The text with every placeholder filled in. What is filled in is never looked at again.
    func filled(with values: [Placeholder: String]) throws(MissingPlaceholder) -> String {
        var text = ""
        for piece in self.pieces {
            switch piece {
            case .text(let part): text += part
            case .placeholder(let placeholder):
                guard let value = values[placeholder] else { throw MissingPlaceholder(placeholder: placeholder) }
                text += value
            }
        }
        return text
    }

    var description: String {
        self.pieces.map { piece in
            switch piece {
            case .text(let text): text
            case .placeholder(let placeholder): "${\(placeholder.rawValue)}"
            }
        }.joined()
    }
}

/// Nothing is known that could be put in the place of a placeholder.
struct MissingPlaceholder: Error, Hashable, Sendable {
    let placeholder: Placeholder
}

/// A command as an argument vector: no shell ever reads it.
struct CommandTemplate: Hashable, Sendable, CustomStringConvertible {
    /// The program first, by its absolute path.
    var arguments: [TextTemplate]
    init(_ arguments: [TextTemplate]) { self.arguments = arguments }

    func filled(with values: [Placeholder: String]) throws(MissingPlaceholder) -> [String] {
        var filled: [String] = []
        for argument in self.arguments { filled.append(try argument.filled(with: values)) }
        return filled
    }

    var description: String { "[\(self.arguments.map(\.description).joined(separator: ", "))]" }
}

/// How discovered nodes are named: `kafka-${broker_id}`.
struct NameTemplate: Hashable, Sendable, CustomStringConvertible {
    let prefix: String
    /// The one placeholder.
    let placeholder: Placeholder
    let suffix: String

    func name(_ number: Int) -> String { "\(self.prefix)\(number)\(self.suffix)" }

    /// The number in a name that was made this way, or could have been.
    func number(in name: String) -> Int? {
        guard name.count > self.prefix.count + self.suffix.count, name.hasPrefix(self.prefix),
            name.hasSuffix(self.suffix)
        else { return nil }
        let middle = name.dropFirst(self.prefix.count).dropLast(self.suffix.count)
        guard middle.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int(middle) else { return nil }
        return String(number) == middle ? number : nil
    }

    var description: String { "\(self.prefix)${\(self.placeholder.rawValue)}\(self.suffix)" }
}
