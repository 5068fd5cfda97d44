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
        #expect(blocks.count >= 11)
        // No block of another kind, which nobody would run.
        #expect(page.split(separator: "\n").count { $0.drop { $0 == " " }.hasPrefix("```") } == 2 * blocks.count)
        try await HealedCluster.during { cluster in
            let configuration = try OwnProgram.example("config_development.yaml")
            let programs = URL(fileURLWithPath: try OwnProgram.path).deletingLastPathComponent().path
            let scripts = try OwnProgram.above("scripts")
            let environment = [
                "PATH": "\(programs):\(scripts):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")",
                "HOME": NSHomeDirectory(), "CONFIG": configuration,
                "LOGS": "\(cluster.sandbox.directory)/healers/healer-1", "BACKUP": cluster.sandbox.directory,
                "HEALER_ZOOKEEPER": cluster.sandbox.description.zookeeper,
                "SANDBOX_ZOOKEEPER": cluster.sandbox.description.zookeeper,
                "SANDBOX_BOOTSTRAP": cluster.sandbox.description.bootstrap,
                "SANDBOX_DIRECTORY": cluster.sandbox.directory, "HEALER_CHAOS": try OwnProgram.path,
                "HEALER_ID": "page",
            ]
            func run(_ block: String) async throws -> (code: Int32, text: String) {
                try await output(of: "/bin/bash", ["-euo", "pipefail", "-c", block], environment: environment)
            }
            for block in blocks {
                // What a block before it has changed is given time to be seen.
                var result = try await run(block)
                let end = HostClock.now + HealedCluster.patience
                while result.code == 10, HostClock.now < end { result = try await run(block) }
                #expect(result.code == 0, "\(block)\n\(result.text)")
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
}
