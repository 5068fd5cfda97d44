import FoundationEssentials
import Glibc

/// All of it, or as much as the other side takes.
func say(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 || errno == EINTR else { return }
        rest = rest.dropFirst(max(count, 0))
    }
}

let environment = ProcessInfo.processInfo.environment
let outcome = await Program(
    environment: environment,
    // https://no-color.org: set and not empty means none.
    colours: isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
).run(Array(CommandLine.arguments.dropFirst()))
say(outcome.output, to: STDOUT_FILENO)
say(outcome.errors, to: STDERR_FILENO)
exit(outcome.code.rawValue)
