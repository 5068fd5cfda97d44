/// The one document of a YAML text, as a tree.
public struct YAMLDocument: Sendable {
    /// What a text may take, so that no text can take a program's memory or stack.
    public struct Limits: Hashable, Sendable {
        public var bytes: Int
        public var levels: Int
        /// Aliases count as much as what they stand for.
        public var nodes: Int
        public init(bytes: Int = 1 << 20, levels: Int = 64, nodes: Int = 100_000) {
            self.bytes = bytes
            self.levels = levels
            self.nodes = nodes
        }
    }

    /// `nil` for a text without a value (empty, or comments alone), or when reading could not go on.
    public let root: YAMLNode?
    /// In the order of the text. With errors the tree holds what could be read all the same, for further checks.
    public let errors: [YAMLError]

    public init(parsing bytes: [UInt8], limits: Limits = Limits()) {
        guard bytes.count <= limits.bytes else {
            self.root = nil
            self.errors = [YAMLError(.tooLong(bytes: limits.bytes), at: Mark(line: 1, column: 1))]
            return
        }
        (self.root, self.errors) = bytes.withUnsafeBufferPointer { buffer in
            var builder = TreeBuilder(events: EventParser(buffer), limits: limits)
            return builder.build()
        }
    }

    public init(parsing text: String, limits: Limits = Limits()) {
        self.init(parsing: Array(text.utf8), limits: limits)
    }
}
