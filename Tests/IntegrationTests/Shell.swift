import Foundation

@testable import ChaosTool

/// Runs a program to its end. Both its outputs in one.
func output(
    of program: String, _ arguments: [String], environment: [String: String]
) async throws -> (code: Int32, text: String) {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = environment
    (process.standardInput, process.standardOutput, process.standardError) = (nil, pipe, pipe)
    try process.run()
    let data = try await blocking { pipe.fileHandleForReading.readDataToEndOfFile() }
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
}
