import Cluster
import Foundation
import Testing

@testable import ChaosTool

@Suite("docs/operations.md", .serialized)
struct OperationsPageTests {
    @Test("Every block of commands on the page does what it is there for, on a real cluster with three healers")
    func blocks() async throws {
        let page = try String(contentsOfFile: OwnProgram.above("docs/operations.md"), encoding: .utf8)
        let blocks = Self.blocks(of: page)
        #expect(blocks.count >= 8)
        try await HealedCluster.during { cluster in
            let configuration = try OwnProgram.example("config_development.yaml")
            let programs = URL(fileURLWithPath: try OwnProgram.path).deletingLastPathComponent().path
            let scripts = try OwnProgram.above("scripts")
            let environment = [
                "PATH": "\(programs):\(scripts):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")",
                "HOME": NSHomeDirectory(), "CONFIG": configuration,
                "HEALER_ZOOKEEPER": cluster.sandbox.description.zookeeper,
                "SANDBOX_ZOOKEEPER": cluster.sandbox.description.zookeeper,
                "SANDBOX_BOOTSTRAP": cluster.sandbox.description.bootstrap,
                "SANDBOX_DIRECTORY": cluster.sandbox.directory, "HEALER_CHAOS": try OwnProgram.path,
                "HEALER_ID": "page",
            ]
            for block in blocks {
                // What a block before it has changed is given time to be seen.
                var (code, output) = try await Self.run(block, environment)
                let end = HostClock.now + HealedCluster.patience
                while code == 10, HostClock.now < end { (code, output) = try await Self.run(block, environment) }
                #expect(code == 0, "\(block)\n\(output)")
            }
            #expect(try cluster.askedSteps().isEmpty)
        }
    }

    /// Indented ones as well.
    private static func blocks(of page: String) -> [String] {
        var blocks: [String] = []
        var lines: [Substring]?
        for line in page.split(separator: "\n", omittingEmptySubsequences: false) {
            let text = line.drop { $0 == " " }
            if text == "```sh" {
                lines = []
            } else if text == "```" {
                if let lines { blocks.append(lines.joined(separator: "\n")) }
                lines = nil
            } else {
                lines?.append(text)
            }
        }
        return blocks
    }

    private static func run(_ block: String, _ environment: [String: String]) async throws -> (Int32, String) {
        let shell = Process()
        let output = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/bin/bash")
        shell.arguments = ["-euo", "pipefail", "-c", block]
        shell.environment = environment
        (shell.standardInput, shell.standardOutput, shell.standardError) = (nil, output, output)
        try shell.run()
        let text = try await blocking { output.fileHandleForReading.readDataToEndOfFile() }
        shell.waitUntilExit()
        return (shell.terminationStatus, String(decoding: text, as: UTF8.self))
    }
}
