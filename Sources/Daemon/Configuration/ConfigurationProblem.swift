import YAML

/// One thing that is wrong with a configuration, and what would be right.
struct ConfigurationProblem: Error, Hashable, Sendable, CustomStringConvertible {
    let file: String
    /// `nil` when the file could not be read at all.
    let mark: Mark?
    /// The problem, a semicolon, and the remedy. Without secrets.
    let message: String

    /// `file:line:column: message`, as compilers print it, so that editors can jump there.
    var description: String {
        self.mark.map { "\(self.file):\($0): \(self.message)" } ?? "\(self.file): \(self.message)"
    }
}

/// All that is wrong with a configuration, in the order of the file.
struct ConfigurationProblems: Error, Hashable, Sendable, CustomStringConvertible {
    let problems: [ConfigurationProblem]
    var description: String { self.problems.map(\.description).joined(separator: "\n") }
}

/// Why a value is refused, before anybody knows where it stands.
struct Complaint: Error, Hashable, Sendable {
    /// Follows the key's name: "is 70000".
    let problem: String
    /// Follows a semicolon: "write a whole number from 0 to 65535".
    let remedy: String
    init(_ problem: String, _ remedy: String) {
        self.problem = problem
        self.remedy = remedy
    }
}
