/// What `healer` was asked to do.
enum Invocation: Hashable, Sendable {
    /// Watch and heal until stopped. With `dryRun` nothing in the world is changed, whatever the file allows.
    case run(configuration: String, dryRun: Bool)
    /// Check the configuration; with `print`, show what is in effect and where each value comes from.
    case validate(configuration: String, print: Bool)
    /// One cycle of looking, a report, and out. Nothing is changed.
    case test(configuration: String)
    case help
    case version
}

/// A command line that is not understood; the program ends with 2.
struct UsageError: Error, Hashable, Sendable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

extension Invocation {
    private enum Command: String, CaseIterable { case run, validate, test }

    private static let options = [
        "--config", "--validate", "--test", "--dry-run", "--print", "--help", "--version",
    ]

    /// - Parameter arguments: without the program's name.
    init(arguments: [String]) throws(UsageError) {
        var command: Command?
        var file: String?
        var (dryRun, print) = (false, false)
        func choose(_ other: Command) throws(UsageError) {
            if let command, command != other {
                throw UsageError("`\(command.rawValue)` and `\(other.rawValue)` do not go together")
            }
            command = other
        }
        func name(_ path: String) throws(UsageError) {
            guard !path.isEmpty else { throw UsageError("the configuration's file has an empty name") }
            guard file == nil || file == path else { throw UsageError("more than one configuration is named") }
            file = path
        }

        var rest = arguments[...]
        while let word = rest.popFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let option = String(parts.first ?? "")
            func value() throws(UsageError) -> String {
                if parts.count > 1 { return String(parts[1]) }
                guard let next = rest.first, !next.hasPrefix("--") else {
                    throw UsageError("`\(option)` needs the name of a file after it")
                }
                rest = rest.dropFirst()
                return next
            }
            if parts.count > 1, option.hasPrefix("--"), Self.options.contains(option),
                option != "--config", option != "--validate"
            {
                throw UsageError("`\(option)` takes no value")
            }
            switch option {
            case "--help", "-h":
                self = .help
                return
            case "--version":
                self = .version
                return
            case "--config": try name(value())
            case "--validate":
                try choose(.validate)
                // The earlier tools name the file here; `--validate --config FILE` is understood as well.
                if parts.count > 1 || !(rest.first?.hasPrefix("-") ?? true) { try name(value()) }
            case "--test": try choose(.test)
            case "--dry-run": dryRun = true
            case "--print": print = true
            default:
                guard word.hasPrefix("-") else {
                    guard let known = Command(rawValue: word) else {
                        let hint = NearestName.hint(for: word, among: Command.allCases.map(\.rawValue))
                        throw UsageError("`\(word)` is not a command; \(hint)")
                    }
                    try choose(known)
                    continue
                }
                throw UsageError("`\(option)` is not an option; \(NearestName.hint(for: option, among: Self.options))")
            }
        }
        try self.init(command, file, dryRun: dryRun, print: print)
    }

    private init(_ command: Command?, _ file: String?, dryRun: Bool, print: Bool) throws(UsageError) {
        // With options alone it runs, as the earlier tools did.
        guard let command = command ?? (file == nil ? nil : .run) else {
            throw UsageError("nothing to do; known here: `run`, `validate`, `test`")
        }
        guard let file else { throw UsageError("`\(command.rawValue)` needs `--config FILE`") }
        if print, command != .validate { throw UsageError("`--print` goes with `validate`") }
        switch command {
        case .run: self = .run(configuration: file, dryRun: dryRun)
        case .validate: self = .validate(configuration: file, print: print)
        // A test never changes anything, so `--dry-run` adds nothing to it.
        case .test: self = .test(configuration: file)
        }
    }

    static let usage = """
        usage: healer COMMAND --config FILE

          run        watch the clusters, and heal what the configuration allows
          validate   check the configuration, all errors at once; exits 0 or 2
          test       look once, print a report, change nothing

        options
          --config FILE      the configuration, YAML or JSON
          --dry-run          with run: decide and report, change nothing
          --print            with validate: show every value in effect and where it comes from
          --help, --version

        as earlier tools had it: --validate FILE, --test, and no command for run

        """
}
