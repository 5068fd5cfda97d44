/// Where something stands in a text. Both numbers count from 1, columns in characters.
public struct Mark: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let line: Int
    public let column: Int
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
    public var description: String { "\(self.line):\(self.column)" }
    public static func < (a: Self, b: Self) -> Bool { (a.line, a.column) < (b.line, b.column) }
}

/// A value in a YAML text, and where it stands. What an alias stands for keeps the place of its anchor.
public struct YAMLNode: Hashable, Sendable {
    public enum Content: Hashable, Sendable {
        case scalar(Scalar)
        case sequence([YAMLNode])
        /// In the order of the text; no key twice.
        case mapping([Entry])
    }
    public struct Entry: Hashable, Sendable {
        public let key: String
        public let keyMark: Mark
        public let value: YAMLNode
        public init(key: String, keyMark: Mark, value: YAMLNode) {
            self.key = key
            self.keyMark = keyMark
            self.value = value
        }
    }
    public let mark: Mark
    public let content: Content
    public init(mark: Mark, content: Content) {
        self.mark = mark
        self.content = content
    }

    public var scalar: Scalar? { if case .scalar(let scalar) = self.content { scalar } else { nil } }
    public var sequence: [YAMLNode]? { if case .sequence(let items) = self.content { items } else { nil } }
    public var mapping: [Entry]? { if case .mapping(let entries) = self.content { entries } else { nil } }
    public subscript(key: String) -> YAMLNode? { self.mapping?.first { $0.key == key }?.value }
}
