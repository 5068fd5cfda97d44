import Cluster
import Foundation
import Testing

@testable import ChaosTool

@Suite("Every file in examples", .serialized)
struct ExampleTests {
    @Test("Is what a real healer starts with, and leads with, where nobody else stands in line")
    func start() async throws {
        let folder = URL(fileURLWithPath: try OwnProgram.example("")).path
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }
            .sorted()
        #expect(names.count >= 5)
        try await Sandbox.during(
            SandboxOptions(zookeepers: 1, brokers: 0, topics: []), in: HealedCluster.newDirectory()
        ) { sandbox in
            let password = "\(sandbox.directory)/password"
            #expect(
                FileManager.default.createFile(
                    atPath: password, contents: Data("secret\n".utf8), attributes: [.posixPermissions: 0o600]))
            for name in names {
                // Their ports are what they are on a host of their own.
                var text = try String(contentsOfFile: OwnProgram.example(name), encoding: .utf8)
                text.replace("port: 8080", with: "port: 0")
                if !text.contains("\napi:") { text += "\napi: {host: 127.0.0.1, port: 0}\n" }
                let configuration = "\(sandbox.directory)/\(name)"
                try Data(text.utf8).write(to: URL(fileURLWithPath: configuration))
                // Each in a tree of its own.
                let healer = try HealerProcess(
                    HealerID(String(name.dropLast(5))), sandbox: sandbox, program: OwnProgram.beside("healer"),
                    configuration: configuration,
                    settings: [
                        "ZOOKEEPER": "\(sandbox.description.zookeeper)/\(name)", "BOOTSTRAP": "127.0.0.1:9",
                        "HEALER_ZOOKEEPER": "\(sandbox.description.zookeeper)/\(name)",
                        "HEALER_ROOT": "/\(name)", "SANDBOX_BOOTSTRAP": "127.0.0.1:9", "HEALER_PORT": "0",
                        "ZOOKEEPER_USERNAME": "healer", "ZOOKEEPER_PASSWORD": "file:\(password)",
                    ])
                // As text, or as JSON.
                let leads = { healer.tail(1000).contains(/election\.by"?[=:]"?vacancy/) }
                let end = HostClock.now + HealedCluster.patience
                while !leads(), HostClock.now < end, healer.exitStatus == nil {
                    try await Task.sleep(for: .milliseconds(50))
                }
                #expect(leads(), "\(name):\n\(healer.tail())")
                healer.send(SIGTERM)
                #expect(await healer.ended(within: HealedCluster.patience) == .code(0), "\(name)")
            }
        }
    }
}
