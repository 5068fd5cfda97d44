import Testing

@testable import Daemon

@Suite("The command line of healer")
struct InvocationTests {
    static let understood: [(String, Invocation)] = [
        ("run --config f", .run(configuration: "f", dryRun: false)),
        ("run --dry-run --config=f", .run(configuration: "f", dryRun: true)),
        ("--config f run", .run(configuration: "f", dryRun: false)),
        ("--config f", .run(configuration: "f", dryRun: false)),
        ("--config f --dry-run", .run(configuration: "f", dryRun: true)),
        ("validate --config f", .validate(configuration: "f", print: false)),
        ("validate --config f --print", .validate(configuration: "f", print: true)),
        ("--validate f", .validate(configuration: "f", print: false)),
        ("--validate=f", .validate(configuration: "f", print: false)),
        ("--validate --config f", .validate(configuration: "f", print: false)),
        ("test --config f", .test(configuration: "f")), ("--test --config f", .test(configuration: "f")),
        ("--config f --test --dry-run", .test(configuration: "f")), ("--help", .help), ("run -h", .help),
        ("--version", .version),
    ]

    @Test("Commands and the flags of earlier tools are understood", arguments: Self.understood)
    func understands(line: String, invocation: Invocation) throws {
        #expect(try Invocation(arguments: line.split(separator: " ").map(String.init)) == invocation)
    }

    static let refused: [(String, String)] = [
        ("", "nothing to do; known here: `run`, `validate`, `test`"), ("run", "`run` needs `--config FILE`"),
        ("run --config", "`--config` needs the name of a file after it"),
        ("run --config --dry-run", "`--config` needs the name of a file after it"),
        ("valdate --config f", "`valdate` is not a command; did you mean `validate`?"),
        ("run --confg f", "`--confg` is not an option; did you mean `--config`?"),
        ("run --dryrun --config f", "`--dryrun` is not an option; did you mean `--dry-run`?"),
        ("run --dry-run=yes --config f", "`--dry-run` takes no value"),
        ("run validate --config f", "`run` and `validate` do not go together"),
        ("run --test --config f", "`run` and `test` do not go together"),
        ("run --config f --config g", "more than one configuration is named"),
        ("run --print --config f", "`--print` goes with `validate`"),
        ("run --config=", "the configuration's file has an empty name"),
    ]

    @Test("What is not understood is said, with the nearest word", arguments: Self.refused)
    func refuses(line: String, reason: String) {
        #expect(throws: UsageError(reason)) {
            try Invocation(arguments: line.split(separator: " ").map(String.init))
        }
    }

    @Test("The help names every command and option")
    func help() {
        for word in [
            "run", "validate", "test", "--config", "--dry-run", "--print", "--help", "--version", "--validate",
        ] {
            #expect(Invocation.usage.contains(word))
        }
    }
}
