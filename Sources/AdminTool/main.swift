import Admin
import FoundationEssentials
import Glibc

/// Says all of it; why it could not, as the system puts it, if not.
func say(_ text: String, to descriptor: Int32) -> String? {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 || errno == EINTR else { return String(cString: strerror(errno)) }
        rest = rest.dropFirst(max(count, 0))
    }
    return nil
}

// A server that goes away is an error of that write, and TLS writes without asking for that.
signal(SIGPIPE, SIG_IGN)

let environment = ProcessInfo.processInfo.environment
let outcome = await Program(
    environment: environment,
    // https://no-color.org: set and not empty means none.
    colours: isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
).run(Array(CommandLine.arguments.dropFirst()))
let unsaid = say(outcome.output, to: STDOUT_FILENO)
_ = say(outcome.errors, to: STDERR_FILENO)
if let unsaid {
    _ = say("healerctl: standard output: \(unsaid): part of the answer is missing\n", to: STDERR_FILENO)
    exit(ExitCode.error.rawValue)
}
exit(outcome.code.rawValue)
