import Cluster
import YAML
import ZooKeeper

/// What a file's meaning depends on besides its text.
struct Surroundings: Sendable {
    var environment: [String: String]
    var hostName: String
    /// Where `file:` paths that are not absolute begin.
    var directory: String
    /// Whether others than the file's owner may read it: then no secret may stand in it.
    var isReadableByOthers = false
    /// What stands against using it, in this process and on this machine.
    var obstacle: @Sendable (Session.Security) -> String? = { $0.obstacle }
}

/// Collects what reading finds: every problem, every value in effect, and every key that was looked for.
///
/// The keys that are looked for *are* the keys there are: unknown ones, the documentation and the printed configuration
/// are all held against them.
final class ConfigurationReader {
    let file: String
    let surroundings: Surroundings
    /// Looks into one element of every list, present or not, to learn all keys; problems mean nothing then.
    let isDescribing: Bool
    private(set) var problems: [ConfigurationProblem] = []
    private(set) var warnings: [ConfigurationProblem] = []
    private(set) var entries: [ConfigurationEntry] = []
    /// `clusters[].policies.<code>.grace_seconds`.
    private(set) var keys: Set<String> = []

    init(file: String, surroundings: Surroundings, isDescribing: Bool = false) {
        self.file = file
        self.surroundings = surroundings
        self.isDescribing = isDescribing
    }

    func report(_ message: String, at mark: Mark?) {
        self.problems.append(ConfigurationProblem(file: self.file, mark: mark, message: message))
    }
    func warn(_ message: String, at mark: Mark?) {
        self.warnings.append(ConfigurationProblem(file: self.file, mark: mark, message: message))
    }
    func record(_ path: String, _ value: String, _ source: ConfigurationEntry.Source) {
        self.entries.append(ConfigurationEntry(path: path, value: value, source: source))
    }
    func know(_ key: String) { self.keys.insert(key) }

    /// A scalar with the environment put in, and where it then comes from.
    func resolve(_ scalar: Scalar, at mark: Mark) throws(Complaint) -> (Scalar, ConfigurationEntry.Source) {
        let outcome = try Substitution(environment: self.surroundings.environment).apply(to: scalar.text)
        let source: ConfigurationEntry.Source =
            outcome.variables.isEmpty ? .file(line: mark.line) : .environment(outcome.variables, line: mark.line)
        // What comes from the environment has no quotes of its own, even where JSON needs them around `${PORT}`.
        let isPlain = scalar.isPlain || outcome.changed
        return (Scalar(text: outcome.text, isPlain: isPlain), source)
    }

    /// A secret in the text, in the environment, or in a file named `file:PATH`.
    func secret(_ scalar: Scalar, at mark: Mark) throws(Complaint) -> (Secret, ConfigurationEntry.Source) {
        let (resolved, source) = try self.resolve(scalar, at: mark)
        guard !resolved.text.isEmpty else { throw Complaint("is empty", "write `file:PATH` or `${NAME}`") }
        if resolved.text.hasPrefix("file:") {
            let path = String(resolved.text.dropFirst("file:".count))
            let absolute = path.hasPrefix("/") ? path : "\(self.surroundings.directory)/\(path)"
            return (try SecretFile.read(absolute), .secretFile(absolute, line: mark.line))
        }
        if case .file = source, self.surroundings.isReadableByOthers {
            throw Complaint(
                "is a secret in a file that others may read",
                "write `file:PATH` or `${NAME}` instead, or `chmod 600` this file")
        }
        return (Secret(resolved.text), source)
    }
}
