import Cluster
import Foundation
import YAML

/// All that is wrong with a scenario file, in the order of the file, as compilers print it.
struct ScenarioProblems: Error, Hashable, Sendable, CustomStringConvertible {
    let problems: [String]
    var description: String { self.problems.joined(separator: "\n") }
}

/// Reads scenario files. Whatever nobody asks for is an error, with its place and the nearest word there is.
final class ScenarioReader {
    private let file: String
    private var problems: [(mark: Mark, text: String)] = []

    private init(file: String) { self.file = file }

    /// - Throws: ``ScenarioProblems``
    static func read(path: String) throws -> Scenario {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ScenarioProblems(problems: ["\(path): cannot be read; name a file of chaos/scenarios"])
        }
        return try self.read(Array(data), file: path)
    }

    /// - Throws: ``ScenarioProblems``
    static func read(_ bytes: [UInt8], file: String) throws -> Scenario {
        let reader = ScenarioReader(file: file)
        let document = YAMLDocument(parsing: bytes)
        for error in document.errors { reader.complain(error.reason.description, at: error.mark) }
        let name = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
        let scenario = reader.scenario(named: name, document.root)
        guard reader.problems.isEmpty else {
            let ordered = reader.problems.enumerated().sorted {
                ($0.element.mark, $0.offset) < ($1.element.mark, $1.offset)
            }
            throw ScenarioProblems(problems: ordered.map { "\(file):\($0.element.mark): \($0.element.text)" })
        }
        return scenario
    }

    // MARK: The file

    private func scenario(named name: String, _ root: YAMLNode?) -> Scenario {
        var scenario = Scenario(name: name)
        guard let root else {
            self.complain("the file is empty; write `summary`, `when` and `then`", at: Mark(line: 1, column: 1))
            return scenario
        }
        let fields = self.fields(root, ["summary", "given", "when", "then"])
        scenario.summary = fields["summary"].flatMap { self.text($0) } ?? ""
        if fields["summary"] == nil { self.complain("`summary` is missing; write one sentence", at: root.mark) }
        if let given = fields["given"] { scenario.given = self.given(given) }
        if let when = fields["when"] {
            scenario.when = self.steps(when)
        } else {
            self.complain("`when` is missing; write a list of steps", at: root.mark)
        }
        if let then = fields["then"] { scenario.then = self.expectation(then) }
        return scenario
    }

    private func given(_ node: YAMLNode) -> Scenario.Given {
        var given = Scenario.Given()
        let fields = self.fields(
            node, ["zookeepers", "brokers", "healers", "partitions", "load", "start-takes", "profile"])
        given.zookeepers = self.integer(fields["zookeepers"], in: 1...5) ?? given.zookeepers
        given.brokers = self.integer(fields["brokers"], in: 1...5) ?? given.brokers
        given.healers = self.integer(fields["healers"], in: 1...5) ?? given.healers
        given.partitions = self.integer(fields["partitions"], in: 1...200) ?? given.partitions
        given.load = self.integer(fields["load"], in: 0...100_000) ?? given.load
        given.startTakes = fields["start-takes"].flatMap { self.duration($0) } ?? given.startTakes
        given.profile =
            fields["profile"].flatMap { self.word($0, kind: "profile", among: ["fast", "steady"]) } ?? given.profile
        return given
    }

    private func expectation(_ node: YAMLNode) -> Expectation {
        var then = Expectation()
        let fields = self.fields(
            node,
            [
                "settle", "leaderships", "started", "killed", "deregistered", "takeover", "metrics", "acked",
                "sessions-lost", "elections", "moment",
            ])
        then.settle = fields["settle"].flatMap { self.duration($0) } ?? then.settle
        then.takeover = fields["takeover"].flatMap { self.duration($0) }
        then.metrics = fields["metrics"].flatMap { self.duration($0) }
        then.leaderships = fields["leaderships"].flatMap { self.count($0) }
        then.started = fields["started"].flatMap { self.count($0) }
        then.killed = fields["killed"].flatMap { self.count($0) }
        then.deregistered = fields["deregistered"].flatMap { self.count($0) }
        then.acked = fields["acked"].flatMap { self.count($0) }
        then.elections = fields["elections"].flatMap { self.count($0) }
        then.moment = fields["moment"].flatMap {
            self.word($0, kind: "moment", among: KillMoment.allCases.map(\.rawValue))
        }.flatMap { KillMoment(rawValue: $0) }
        then.sessionsLost = fields["sessions-lost"].flatMap { self.count($0) }
        return then
    }

    // MARK: Steps

    private func steps(_ node: YAMLNode) -> [ScenarioStep] {
        guard let items = node.sequence else {
            self.complain("this is not a list; begin each step with `- `", at: node.mark)
            return []
        }
        return items.compactMap { self.step($0) }
    }

    /// The words that a step may begin with, and the further keys that each may have.
    private static let verbs: [String: [String]] = [
        "kill": [], "stop": [], "start": [], "mend": [], "freeze": ["for", "while"],
        "slow": ["to", "for", "while"], "fill-disk": ["for", "while"],
        "read-only-logs": ["for", "while"], "maintenance": ["for", "while"],
        "cut": ["from", "ways", "for", "while"], "stall": ["from", "ways", "for", "while"],
        "delay": ["from", "by", "jitter", "for", "while"], "bandwidth": ["from", "to", "for", "while"],
        "reset": ["from"], "half-open": ["from", "for", "while"], "hold-permission": ["for", "while"],
        "wait": [], "await": ["within"], "repeat": ["steps"], "move": ["to"],
    ]

    private func step(_ node: YAMLNode) -> ScenarioStep? {
        guard let first = node.mapping?.first else {
            self.complain("this is no step; write one such as `kill: leader`", at: node.mark)
            return nil
        }
        guard let more = Self.verbs[first.key] else {
            self.complain(UsageError.unknown("step", first.key, among: Self.verbs.keys.sorted()), at: first.keyMark)
            return nil
        }
        let fields = self.fields(node, [first.key] + more)
        guard let act = self.act(first.key, first.value, fields, at: node.mark) else { return nil }
        var step = ScenarioStep(act: act)
        step.lasts = fields["for"].flatMap { self.duration($0) }
        if let while_ = fields["while"] {
            step.steps = self.steps(while_)
            if step.lasts == nil { self.complain("`while` needs `for`: how long it lasts", at: while_.mark) }
        }
        if let steps = fields["steps"] { step.steps = self.steps(steps) }
        if case .repeat = act, step.steps.isEmpty { self.complain("`steps` is missing, or empty", at: node.mark) }
        return step
    }

    private func act(
        _ verb: String, _ value: YAMLNode, _ fields: [String: YAMLNode], at mark: Mark
    ) -> ScenarioStep.Act? {
        switch verb {
        case "wait": return self.duration(value).map { .wait($0) }
        case "repeat": return self.integer(value, in: 1...1000).map { .repeat($0) }
        case "await":
            guard let word = self.word(value, kind: "condition", among: Condition.allCases.map(\.rawValue)) else {
                return nil
            }
            let limit = fields["within"].flatMap { self.duration($0) } ?? .seconds(90)
            return Condition(rawValue: word).map { .await($0, within: limit) }
        default: break
        }
        guard let role = self.role(value) else { return nil }
        switch verb {
        case "start": return .start(role)
        case "mend": return .mend(role)
        case "move":
            guard let to = self.needed("to", fields, "the role of a ZooKeeper server", at: mark) else { return nil }
            return self.role(to).map { .move(role, to: $0) }
        case "read-only-logs" where !role.isHealer:
            self.complain("only healers have logs of their own; write such as `leader` or `healer-1`", at: value.mark)
            return nil
        case "hold-permission" where !role.isHealer:
            self.complain("only healers ask for permissions; write such as `leader` or `healer-1`", at: value.mark)
            return nil
        case "maintenance" where role.isHealer:
            self.complain("only nodes are left to people; write such as `kafka-2`", at: value.mark)
            return nil
        default: return self.fault(verb, fields, at: mark).map { .hurt($0, role) }
        }
    }

    private func fault(_ verb: String, _ fields: [String: YAMLNode], at mark: Mark) -> Fault? {
        switch verb {
        case "kill": return .kill
        case "stop": return .stop
        case "freeze": return .freeze
        case "fill-disk": return .fullDisk
        case "maintenance": return .maintenance
        case "read-only-logs": return .readOnlyLogs
        case "slow":
            guard let percent = self.needed("to", fields, "how many of a hundred parts it runs", at: mark) else {
                return nil
            }
            return self.integer(percent, in: 1...90).map { .slow(percent: $0) }
        default: return self.linkFault(verb, fields, at: mark).map { .link($0, self.ends(fields["from"])) }
        }
    }

    private func linkFault(_ verb: String, _ fields: [String: YAMLNode], at mark: Mark) -> LinkFault? {
        let ways: Set<LinkFault.Way> =
            switch fields["ways"].flatMap({ self.word($0, kind: "way", among: ["both", "in", "out"]) }) {
            case "in": [.in]
            case "out": [.out]
            default: [.in, .out]
            }
        switch verb {
        case "cut": return .cut(ways)
        case "stall": return .stall(ways)
        case "reset": return .reset
        case "half-open": return .halfOpen
        case "hold-permission": return .holdPermission
        case "bandwidth":
            guard let rate = self.needed("to", fields, "kilobytes a second", at: mark) else { return nil }
            return self.integer(rate, in: 1...1_000_000).map { .bandwidth($0) }
        default:
            guard let by = self.needed("by", fields, "a time such as `200 ms`", at: mark) else { return nil }
            let jitter = fields["jitter"].flatMap { self.duration($0) } ?? .zero
            return self.duration(by).map { .delay($0, jitter: jitter) }
        }
    }

    private func ends(_ node: YAMLNode?) -> Fault.Ends {
        guard let node, let text = self.text(node) else { return .all }
        switch text {
        case "all": return .all
        case "healers": return .healers
        default: return self.role(node).map { .role($0) } ?? .all
        }
    }

    private func role(_ node: YAMLNode) -> Role? {
        guard let text = self.text(node) else { return nil }
        if let role = Role.words[text] { return role }
        let parts = text.split(separator: "-")
        if parts.count == 2, ["kafka", "zookeeper", "healer"].contains(parts[0]), let number = Int(parts[1]),
            (1...5).contains(number)
        {
            return .member(text)
        }
        let known = Role.words.keys.sorted() + ["kafka-1", "zookeeper-1", "healer-1"]
        self.complain(UsageError.unknown("role", text, among: known), at: node.mark)
        return nil
    }

    // MARK: Values

    private func complain(_ text: some CustomStringConvertible, at mark: Mark) {
        self.problems.append((mark, "\(text)"))
    }

    /// The values by key; keys that are none of these are complained of.
    private func fields(_ node: YAMLNode, _ known: [String]) -> [String: YAMLNode] {
        guard let entries = node.mapping else {
            self.complain("this is not a mapping; write `key: value`", at: node.mark)
            return [:]
        }
        for entry in entries where !known.contains(entry.key) {
            self.complain(UsageError.unknown("key", entry.key, among: known), at: entry.keyMark)
        }
        return entries.reduce(into: [:]) { $0[$1.key] = $1.value }
    }

    private func needed(_ key: String, _ fields: [String: YAMLNode], _ wanted: String, at mark: Mark) -> YAMLNode? {
        if let node = fields[key] { return node }
        self.complain("`\(key)` is missing; write \(wanted)", at: mark)
        return nil
    }

    private func text(_ node: YAMLNode) -> String? {
        if let scalar = node.scalar, !scalar.isNull { return scalar.text }
        self.complain("a single value is wanted here", at: node.mark)
        return nil
    }

    private func word(_ node: YAMLNode, kind: String, among known: [String]) -> String? {
        guard let text = self.text(node) else { return nil }
        if known.contains(text) { return text }
        self.complain(UsageError.unknown(kind, text, among: known), at: node.mark)
        return nil
    }

    private func integer(_ node: YAMLNode?, in range: ClosedRange<Int>) -> Int? {
        guard let node, let text = self.text(node) else { return nil }
        if let number = try? node.scalar?.integer(), range.contains(Int(number)) { return Int(number) }
        self.complain(
            "'\(text)' is no whole number from \(range.lowerBound) to \(range.upperBound)", at: node.mark)
        return nil
    }

    /// `3 s`, `0.5 s`, `200 ms`, `2 min`.
    private func duration(_ node: YAMLNode) -> Duration? {
        guard let text = self.text(node) else { return nil }
        let parts = text.split(separator: " ")
        let units = ["ms": 0.001, "s": 1.0, "min": 60.0]
        if parts.count == 2, let number = Double(parts[0]), let unit = units[String(parts[1])], number >= 0,
            number * unit <= 3600
        {
            return .nanoseconds(Int64(number * unit * 1e9))
        }
        self.complain("'\(text)' is no time; write one such as `200 ms`, `3 s` or `2 min`", at: node.mark)
        return nil
    }

    /// `2`, `0..2`, `1000..`
    private func count(_ node: YAMLNode) -> Expectation.Count? {
        guard let text = self.text(node) else { return nil }
        if let number = Int(text), number >= 0 { return .init(least: number, most: number) }
        if let dots = text.range(of: ".."), let least = Int(text[..<dots.lowerBound]), least >= 0 {
            let rest = text[dots.upperBound...]
            if rest.isEmpty { return .init(least: least, most: .max) }
            if let most = Int(rest), most >= least { return .init(least: least, most: most) }
        }
        self.complain("'\(text)' is no count; write one such as `2`, `0..2` or `1000..`", at: node.mark)
        return nil
    }
}
