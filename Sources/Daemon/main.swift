import Foundation

func say(_ text: String, to handle: FileHandle) { try? handle.write(contentsOf: Data(text.utf8)) }

// A reader of our output or of a connection that goes away is an error of that write, not the end of the healer.
signal(SIGPIPE, SIG_IGN)

do {
    switch try Invocation(arguments: Array(CommandLine.arguments.dropFirst())) {
    case .help: say(Invocation.usage, to: .standardOutput)
    case .version: say("healer \(HealerVersion.current)\n", to: .standardOutput)
    case .validate(let path, let print):
        let answer = Validation.validate(path, print: print)
        say(answer.errors, to: .standardError)
        say(answer.output, to: .standardOutput)
        exit(answer.exit)
    case .run, .test:
        say("healer: this build validates configurations only\n", to: .standardError)
        exit(1)
    }
} catch {
    say("healer: \(error)\ntry `healer --help`\n", to: .standardError)
    exit(2)
}
