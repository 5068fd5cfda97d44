import Cluster
import FoundationEssentials
import Glibc
import ZooKeeper

func say(_ text: String, to descriptor: Int32) { writeAll(descriptor, Array(text.utf8)) }

// A reader of our output or of a connection that goes away is an error of that write, not the end of the healer.
signal(SIGPIPE, SIG_IGN)

// Before librdkafka begins to use it.
CyrusSASL.prepare()

// What a healer starts for itself, never a person.
let steps: [any SupervisorStep.Type] = [DockerStep.self, KubernetesStep.self, SystemdStep.self]
switch CommandLine.arguments.dropFirst().first {
case "step-runner": exit(await StepRunnerProgram.run(in: CommandLine.arguments.dropFirst(2).first))
case let word:
    if let step = steps.first(where: { $0.program == word }) {
        exit(await step.run(CommandLine.arguments.dropFirst(2).first ?? ""))
    }
}

do {
    switch try Invocation(arguments: Array(CommandLine.arguments.dropFirst())) {
    case .help: try answer(Invocation.usage)
    case .version: try answer("healer \(HealerVersion.current)\n")
    case .validate(let path, let print):
        let validated = Validation.validate(path, print: print)
        say(validated.errors, to: STDERR_FILENO)
        try answer(validated.output)
        exit(validated.exit)
    case .run(let path, let dryRun): exit(await HealerProgram.run(path, dryRun: dryRun))
    case .test(let path): exit(await HealerProgram.test(path))
    }
} catch let lost as LostAnswer {
    say("healer: \(lost)\n", to: STDERR_FILENO)
    exit(1)
} catch {
    say("healer: \(error)\ntry `healer --help`\n", to: STDERR_FILENO)
    exit(2)
}
