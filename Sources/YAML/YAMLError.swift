/// What is wrong with a text, and where.
public struct YAMLError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        /// The text is not YAML; in libyaml's words.
        case syntax(String)
        /// A tab where spaces are needed.
        case tab
        case notUTF8
        case duplicateKey(String, first: Mark)
        case keyIsNotText
        /// `<<`, which YAML 1.1 has and YAML 1.2 has not.
        case mergeKey
        /// An explicit type, such as `!!float` or `!vault`.
        case tag(String)
        case unknownAlias(String)
        case aliasWithinItself(String)
        /// A second document in the same text.
        case secondDocument
        case tooLong(bytes: Int)
        case tooDeep(levels: Int)
        case tooManyNodes(count: Int)
    }
    public let reason: Reason
    public let mark: Mark
    public init(_ reason: Reason, at mark: Mark) {
        self.reason = reason
        self.mark = mark
    }

    public var description: String { "\(self.mark): \(self.reason)" }
}

extension YAMLError.Reason: CustomStringConvertible {
    /// The problem, a semicolon, and what would be right.
    public var description: String {
        switch self {
        case .syntax(let problem): "this is not YAML: \(problem); look at the indentation, colons and quotes here"
        case .tab: "a tab stands where YAML wants spaces; indent with spaces"
        case .notUTF8: "these bytes are not text; save the file as UTF-8"
        case .duplicateKey(let key, let first): "`\(key)` is there twice, first at \(first); keep one of them"
        case .keyIsNotText: "a list or a mapping is used as a key; a key is a plain text"
        case .mergeKey: "merge keys (`<<`) are not read; repeat the keys, or use an alias for the whole value"
        case .tag(let tag): "the tag `\(tag)` is not read; leave it out"
        case .unknownAlias(let name): "`*\(name)` has no anchor before it; write `&\(name)` at the value it stands for"
        case .aliasWithinItself(let name): "`*\(name)` stands within its own value; repeat what is meant"
        case .secondDocument: "a second document begins; keep one document in one file"
        case .tooLong(let bytes): "the text is longer than \(bytes) bytes; shorten it"
        case .tooDeep(let levels): "the values are nested deeper than \(levels) levels; flatten them"
        case .tooManyNodes(let count): "there are more than \(count) values, aliases counted in full; use fewer"
        }
    }
}
