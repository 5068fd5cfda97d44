import Cluster
import YAML

/// A mapping of the file while it is read: every key that is asked for is a known one, all others are errors.
///
/// What is wrong is reported to the reader and a stand-in returned, so that reading goes on to the next error. A key with
/// nothing after it, or `null`, counts as absent.
final class Section {
    let reader: ConfigurationReader
    /// Where it is in this file: `clusters[0].supervisor`; empty for the whole.
    let path: String
    /// Where it is in any file: `clusters[].supervisor`.
    let pattern: String
    /// Of the key, or of the mapping itself where it has none.
    let mark: Mark
    private let entries: [YAMLNode.Entry]
    private var asked: Set<String> = []
    private var refused: Set<String> = []
    private var later: [String: String] = [:]

    init(_ reader: ConfigurationReader, path: String, pattern: String, mark: Mark, node: YAMLNode?) {
        self.reader = reader
        self.path = path
        self.pattern = pattern
        self.mark = mark
        self.entries = node?.mapping ?? []
        if let node, node.mapping == nil, !(node.scalar?.isNull ?? false) {
            self.complain(Complaint("is not a mapping", "write keys and values, `key: value`"), at: node.mark)
        }
    }

    /// Whether the file says anything of this key.
    func has(_ key: String) -> Bool { self.find(key) != nil }
    /// Whether the key is there with nothing after it, which elsewhere is as good as no key.
    func isNull(_ key: String) -> Bool { !self.has(key) && self.entries.contains { $0.key == key } }
    var isEmpty: Bool { self.entries.isEmpty }
    var keys: [String] { self.entries.map(\.key) }
    /// Whether none of these was refused. What stands in for a refused value is nobody's word, so it is not held against
    /// others.
    func areSound(_ keys: String...) -> Bool { self.refused.isDisjoint(with: keys) }
    /// For a value that is read in a way of its own and was complained of: see ``areSound(_:)``.
    func refuse(_ key: String) { self.refused.insert(key) }
    /// Where the key's value stands, or where it would belong.
    func mark(of key: String) -> Mark { self.find(key)?.value.mark ?? self.mark }

    // MARK: Single values

    func value<Value>(_ key: String, _ kind: ConfigurationKind<Value>, default standard: Value) -> Value {
        switch self.read(key, kind) {
        case .value(let value): return value
        case .refused: return standard
        case .absent:
            self.reader.record(self.pathOf(key), kind.show(standard), .standard)
            return standard
        }
    }

    /// - Parameters:
    ///   - absent: what stands in the printed configuration when there is none.
    ///   - variable: the environment variable that is read in place of an absent key.
    func optional<Value>(
        _ key: String, _ kind: ConfigurationKind<Value>, absent: String = "none", variable: String? = nil
    ) -> Value? {
        switch self.read(key, kind) {
        case .value(let value): return value
        case .refused: return nil
        case .absent:
            if let variable, let text = self.reader.surroundings.environment[variable], !text.isEmpty {
                return self.read(key, kind, variable: variable, text)
            }
            self.reader.record(self.pathOf(key), absent, .standard)
            return nil
        }
    }

    /// - Parameter standIn: goes on in its place after the problem is reported.
    func required<Value>(_ key: String, _ kind: ConfigurationKind<Value>, standIn: Value) -> Value {
        self.required(key, kind) ?? standIn
    }

    /// `nil` after the problem is reported.
    func required<Value>(_ key: String, _ kind: ConfigurationKind<Value>) -> Value? {
        switch self.read(key, kind) {
        case .value(let value): return value
        case .refused: return nil
        case .absent:
            self.missing(key, kind.wanted)
            return nil
        }
    }

    func missing(_ key: String, _ wanted: String) {
        self.reader.report("`\(self.pathOf(key))` is missing; write \(wanted)", at: self.mark)
    }

    func secret(_ key: String) -> Secret? {
        self.know(key)
        guard let node = self.find(key)?.value else {
            self.missing(key, "`file:PATH` or `${NAME}`")
            return nil
        }
        return self.attempt(key, node) { scalar throws(Complaint) in
            let (secret, source) = try self.reader.secret(scalar, at: node.mark)
            self.reader.record(self.pathOf(key), secret.description, source)
            return secret
        }
    }

    // MARK: Lists and mappings

    /// Single values in order; `nil` if the key is absent.
    func list<Value>(_ key: String, _ kind: ConfigurationKind<Value>, absent: String) -> [Value]? {
        self.know(key)
        guard let node = self.find(key)?.value else {
            self.reader.record(self.pathOf(key), absent, .standard)
            return nil
        }
        guard let items = node.sequence else {
            self.complain(Complaint("is not a list", "write `[first, second]`"), key, at: node.mark)
            return nil
        }
        let values = items.compactMap { item in
            self.attempt(key, item) { scalar throws(Complaint) in
                try kind.read(self.reader.resolve(scalar, at: item.mark).0)
            }
        }
        let shown = "[\(values.map(kind.show).joined(separator: ", "))]"
        self.reader.record(self.pathOf(key), shown, .file(line: node.mark.line))
        return values
    }

    /// A text with placeholders; `nil` if the key is absent or wrong.
    func template(_ key: String, _ node: YAMLNode, _ placeholders: Set<Placeholder>) -> TextTemplate? {
        self.attempt(key, node) { scalar throws(Complaint) in
            let environment = self.reader.surroundings.environment
            let outcome = try Substitution(environment: environment, placeholders: placeholders).apply(to: scalar.text)
            guard !outcome.text.contains("\0") else { throw Complaint("has a NUL character", "leave it out") }
            return TextTemplate(outcome.pieces)
        }
    }

    /// The value of a key that is read in a way of its own; `nil` if absent.
    func node(_ key: String) -> YAMLNode? {
        self.know(key)
        return self.find(key)?.value
    }

    /// Reads a mapping below this one; an absent one is read as empty, so that its defaults hold.
    func section<Value>(_ key: String, pattern: String? = nil, _ body: (Section) -> Value) -> Value {
        self.asked.insert(key)
        self.reader.know(self.patternOf(pattern ?? key))
        let entry = self.find(key)
        let section = Section(
            self.reader, path: self.pathOf(key), pattern: self.patternOf(pattern ?? key),
            mark: entry?.keyMark ?? self.mark, node: entry?.value)
        let value = body(section)
        section.finish()
        return value
    }

    /// Reads a mapping whose key is not a known one, as it would be read under a key that is.
    func aside(_ key: String, pattern: String, _ body: (Section) -> Void) {
        guard let entry = self.find(key), entry.value.mapping != nil else { return }
        let section = Section(
            self.reader, path: self.pathOf(key), pattern: self.patternOf(pattern), mark: entry.keyMark,
            node: entry.value)
        body(section)
        section.finish()
    }

    /// Reads a mapping below this one if it is there.
    func optionalSection<Value>(_ key: String, _ body: (Section) -> Value) -> Value? {
        self.know(key)
        return self.has(key) || self.reader.isDescribing ? self.section(key, body) : nil
    }

    /// Reads each mapping of a list.
    func sections<Value>(_ key: String, _ body: (Section) -> Value) -> [Value] {
        self.know(key)
        var nodes: [YAMLNode] = []
        if let node = self.find(key)?.value {
            if let items = node.sequence {
                nodes = items
            } else {
                self.complain(Complaint("is not a list", "begin each element with `- `"), key, at: node.mark)
            }
        }
        if self.reader.isDescribing, nodes.isEmpty { nodes = [YAMLNode(mark: self.mark, content: .mapping([]))] }
        return nodes.enumerated().map { index, node in
            let section = Section(
                self.reader, path: "\(self.pathOf(key))[\(index)]", pattern: "\(self.patternOf(key))[]",
                mark: node.mark, node: node)
            let value = body(section)
            section.finish()
            return value
        }
    }

    // MARK: Names

    /// Keys of versions to come, and why they are not here yet.
    func later(_ keys: String..., reason: String = "is not available in this version; leave it out") {
        for key in keys { self.later[key] = reason }
    }

    /// All keys that nobody asked for are errors.
    func finish() {
        for entry in self.entries where !self.asked.contains(entry.key) {
            let place = self.pathOf(entry.key)
            if let reason = self.later[entry.key] {
                self.reader.report("`\(place)` \(reason)", at: entry.keyMark)
            } else {
                let hint = NearestName.hint(for: entry.key, among: self.asked)
                self.reader.report("`\(place)` is not a known key; \(hint)", at: entry.keyMark)
            }
        }
    }

    // MARK: Reporting

    func complain(_ complaint: Complaint, _ key: String? = nil, at mark: Mark? = nil) {
        let place = key.map { self.pathOf($0) } ?? self.path
        let subject = place.isEmpty ? "the file" : "`\(place)`"
        let message = "\(subject) \(complaint.problem); \(complaint.remedy)"
        self.reader.report(message, at: mark ?? key.map { self.mark(of: $0) } ?? self.mark)
    }

    func pathOf(_ key: String) -> String { self.path.isEmpty ? key : "\(self.path).\(key)" }
    private func patternOf(_ key: String) -> String { self.pattern.isEmpty ? key : "\(self.pattern).\(key)" }

    func know(_ key: String) {
        self.asked.insert(key)
        self.reader.know(self.patternOf(key))
    }

    func find(_ key: String) -> YAMLNode.Entry? {
        self.entries.first { $0.key == key && !($0.value.scalar?.isNull ?? false) }
    }

    private enum Reading<Value> {
        case absent
        /// Reported already.
        case refused
        case value(Value)
    }

    private func read<Value>(_ key: String, _ kind: ConfigurationKind<Value>) -> Reading<Value> {
        self.know(key)
        guard let node = self.find(key)?.value else { return .absent }
        let reading: Reading<Value>? = self.attempt(key, node) { scalar throws(Complaint) in
            let (resolved, source) = try self.reader.resolve(scalar, at: node.mark)
            // `${NAME:-}` without NAME leaves nothing, which is as good as no key.
            if resolved.text.isEmpty, resolved.isPlain { return .absent }
            let value = try kind.read(resolved)
            self.reader.record(self.pathOf(key), kind.show(value), source)
            return .value(value)
        }
        if reading == nil { self.refused.insert(key) }
        return reading ?? .refused
    }

    private func read<Value>(
        _ key: String, _ kind: ConfigurationKind<Value>, variable: String, _ text: String
    ) -> Value? {
        do throws(Complaint) {
            let value = try kind.read(Scalar(text: text, isPlain: true))
            self.reader.record(self.pathOf(key), kind.show(value), .environment([variable], line: nil))
            return value
        } catch {
            self.refused.insert(key)
            self.reader.report("the environment variable \(variable) \(error.problem); \(error.remedy)", at: self.mark)
            return nil
        }
    }

    func attempt<Value>(
        _ key: String, _ node: YAMLNode, _ body: (Scalar) throws(Complaint) -> Value
    ) -> Value? {
        guard let scalar = node.scalar else {
            let problem = node.sequence == nil ? "is a mapping" : "is a list"
            self.complain(Complaint(problem, "write a single value"), key, at: node.mark)
            return nil
        }
        do throws(Complaint) { return try body(scalar) } catch {
            self.complain(error, key, at: node.mark)
            return nil
        }
    }
}
