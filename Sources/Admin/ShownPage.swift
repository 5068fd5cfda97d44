import Cluster

/// A page that `healerctl` can print as a table as well as JSON.
public protocol ShownPage: Codable, Sendable {
    /// Lines with an end each.
    func text(colours: Bool) -> String
    /// What the program's exit status says of it.
    var isHealthy: Bool { get }
}

extension ShownPage {
    public func text(_ format: OutputFormat, colours: Bool) -> String {
        switch format {
        case .table: self.text(colours: colours)
        case .json: String(decoding: AdminJSON.encode(self, pretty: true), as: UTF8.self) + "\n"
        }
    }
}

/// How `healerctl` ends.
public enum ExitCode: Int32, Hashable, Sendable {
    case healthy = 0
    /// It could not be found out, or not be done.
    case error = 1
    /// The command line makes no sense.
    case usage = 2
    case unhealthy = 10
}

/// `name   value` lines with the values aligned.
struct Facts {
    private var facts: [(String, String)] = []

    mutating func add(_ name: String, _ value: String?) {
        guard let value, !value.isEmpty else { return }
        self.facts.append((name, value))
    }

    var text: String {
        let width = self.facts.map { $0.0.count }.max() ?? 0
        return self.facts.map { name, value in
            name + String(repeating: " ", count: width - name.count + 2) + value + "\n"
        }.joined()
    }
}

extension Source {
    /// Two facts that no page may keep to itself: how old it is, and whether the ensemble has quorum.
    func add(to facts: inout Facts, colours: Bool) {
        facts.add(
            "data",
            "from \(self.answeredBy)" + (self.dataAgeMs.map { ", \(TimeText.span($0)) old" } ?? ", of unknown age"))
        let tone: Table.Tone =
            switch self.quorum {
            case .established: .good
            case .lost: .bad
            case .unknown: .doubtful
            }
        facts.add("quorum", tone.paint(self.quorum.rawValue, colours: colours))
    }

    func footer(colours: Bool) -> String {
        var facts = Facts()
        self.add(to: &facts, colours: colours)
        return facts.text
    }
}

extension Verdict {
    var tone: Table.Tone { self.healthy ? .good : .bad }

    /// `cluster main: UNHEALTHY` and the reasons below.
    public func text(of cluster: ClusterName, colours: Bool) -> String {
        let word = self.tone.paint(self.healthy ? "HEALTHY" : "UNHEALTHY", colours: colours)
        return "cluster \(cluster): \(word)\n" + self.reasons.map { "  \($0)\n" }.joined()
    }
}

extension NodeStatus {
    var tone: Table.Tone {
        switch self {
        case .healthy: .good
        case .unhealthy: .bad
        case .overloaded, .starting, .stopped, .maintenance, .unknown: .doubtful
        }
    }
}
