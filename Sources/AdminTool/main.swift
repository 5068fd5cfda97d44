import Foundation

let environment = ProcessInfo.processInfo.environment
let outcome = await Program(
    environment: environment,
    // https://no-color.org: set and not empty means none.
    colours: isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
).run(Array(CommandLine.arguments.dropFirst()))
FileHandle.standardOutput.write(Data(outcome.output.utf8))
FileHandle.standardError.write(Data(outcome.errors.utf8))
exit(outcome.code.rawValue)
