import Foundation

/// A program that does one thing and ends.
enum Tool {
    /// - Throws: ``SandboxError`` with what it said on standard error, if it does not end with 0.
    static func run(_ program: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw SandboxError("\(program) \(arguments.joined(separator: " ")): \(text)")
        }
    }

    /// What it said, on both outputs in their order.
    /// - Parameter program: a path, or a name that is looked for as a shell does.
    /// - Throws: ``SandboxError`` with the end of what it said, if it does not end with 0.
    static func output(_ program: String, _ arguments: [String], environment: [String: String] = [:]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let end = text.split(separator: "\n").suffix(8).joined(separator: "\n")
            throw SandboxError("\(program) \(arguments.prefix(4).joined(separator: " ")): \(end)")
        }
        return text
    }

    /// Whether a shell would find it.
    static func isThere(_ program: String) -> Bool {
        (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
            .contains { access("\($0)/\(program)", X_OK) == 0 }
    }
}
