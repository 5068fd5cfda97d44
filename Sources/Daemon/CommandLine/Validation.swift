import FoundationEssentials

/// `healer validate`.
enum Validation {
    struct Answer: Hashable, Sendable {
        var exit: Int32
        var output = ""
        var errors = ""
    }

    /// Checks the file and says what there is to say: problems and warnings on standard error, a summary on standard
    /// output. The exit is 0, or 2 if it may not be used.
    static func validate(
        _ path: String, print: Bool, environment: [String: String] = ProcessInfo.processInfo.environment
    ) -> Answer {
        do throws(ConfigurationProblems) {
            let loaded = try ConfigurationFile.load(path, environment: environment)
            var answer = Answer(exit: 0)
            answer.errors = loaded.warnings.map { "warning: \($0)\n" }.joined()
            if print { answer.output = loaded.entries.map { "\($0)\n" }.joined() }
            answer.output += "\(path): valid; \(loaded.configuration.summary)\n"
            return answer
        } catch {
            let count = error.problems.count
            return Answer(
                exit: 2, errors: "\(error)\n\(path): \(count) \(count == 1 ? "error" : "errors"), not usable\n")
        }
    }
}

extension Configuration {
    /// What it comes to, on one line.
    var summary: String {
        let clusters = self.clusters.map { "\($0.name) (\($0.effectiveMode.rawValue))" }.joined(separator: ", ")
        let word = self.clusters.count == 1 ? "cluster" : "clusters"
        return "healer \(self.healerID) of \(self.healers), \(self.clusters.count) \(word): \(clusters), "
            + "election \(self.coordination.zooKeeper.description)\(self.coordination.root), digest \(self.digest)"
    }
}
