import Cluster
import Foundation

func say(_ text: String, to handle: FileHandle) { try? handle.write(contentsOf: Data(text.utf8)) }

// A reader of our output or of a connection that goes away is an error of that write, not the end of the healer.
signal(SIGPIPE, SIG_IGN)

// What a healer starts for itself, never a person.
switch CommandLine.arguments.dropFirst().first {
case "step-runner": exit(await StepRunnerProgram.run())
case "docker-step": exit(await DockerStepProgram.run(CommandLine.arguments.dropFirst(2).first ?? ""))
default: break
}

do {
    switch try Invocation(arguments: Array(CommandLine.arguments.dropFirst())) {
    case .help: say(Invocation.usage, to: .standardOutput)
    case .version: say("healer \(HealerVersion.current)\n", to: .standardOutput)
    case .validate(let path, let print):
        let answer = Validation.validate(path, print: print)
        say(answer.errors, to: .standardError)
        say(answer.output, to: .standardOutput)
        exit(answer.exit)
    case .run(let path, let dryRun): exit(await HealerProgram.run(path, dryRun: dryRun))
    case .test(let path): exit(await HealerProgram.test(path))
    }
} catch {
    say("healer: \(error)\ntry `healer --help`\n", to: .standardError)
    exit(2)
}
