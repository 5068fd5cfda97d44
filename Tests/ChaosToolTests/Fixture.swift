import Foundation
import Testing

@testable import ChaosTool

/// A folder of its own, gone afterwards.
func withFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let folder = "\(NSTemporaryDirectory())healer-test-\(UInt64.random(in: 0...UInt64.max))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}

/// A sandbox that is up, and afterwards is gone without leaving anything.
func withSandbox(
    zookeepers: Int = 1, brokers: Int = 0, sessionTimeout: Int = 6000, _ body: (Sandbox) async throws -> Void
) async throws {
    try await withFolder { folder in
        let options = SandboxOptions(
            zookeepers: zookeepers, brokers: brokers, sessionTimeout: sessionTimeout,
            topics: [SandboxTopic(name: "messages", partitions: 4)])
        var id: String?
        do {
            try await Sandbox.during(options, in: "\(folder)/sandbox") { sandbox in
                id = sandbox.id
                try await body(sandbox)
            }
        } catch {
            Issue.record(error)
        }
        let known = try #require(id)
        #expect(Leftovers().find(.id(known)) == [])
        #expect(Leftovers().find(.directory("\(folder)/sandbox")) == [])
    }
}

/// How one call of the program ended.
struct Ended: Sendable {
    let code: Int32
    let output: String
    let errors: String
}

/// Calls `healer-chaos` as others do.
func chaos(_ arguments: [String], environment: [String: String] = [:]) async throws -> Ended {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: try OwnProgram.path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()

    return try await blocking {
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Ended(code: process.terminationStatus, output: text, errors: complaints)
    }
}

/// Waits until it is so; an outcome that does not come within a generous bound is a failure.
func eventually(
    _ what: Comment, within limit: Duration = .seconds(60), sourceLocation: SourceLocation = #_sourceLocation,
    _ ask: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await ask() { return }
        try await Task.sleep(for: .milliseconds(20))
    }
    Issue.record(what, sourceLocation: sourceLocation)
}
