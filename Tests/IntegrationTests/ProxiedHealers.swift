import Cluster
import Foundation
import Testing

@testable import ChaosTool

/// A real cluster with healers that reach its ensemble only through proxies of their own.
struct ProxiedHealers {
    let cluster: HealedCluster
    /// One for each ZooKeeper server, in the order of the connect string.
    let proxies: [HealerID: [FaultProxy]]

    /// Brings all of it up, waits until one healer leads and all have looked, and takes it down again however the body
    /// ends.
    /// - Parameters:
    ///   - profile: `steady` where nobody but the test may end a leadership, also on a machine that is busy.
    ///   - replacements: of lines of `examples/config_development.yaml`, each of which must be there.
    static func during(
        _ options: SandboxOptions, healers count: Int, profile: String = "fast", replacements: [(String, String)],
        _ body: (ProxiedHealers) async throws -> Void
    ) async throws {
        let directory = "\(NSTemporaryDirectory())proxied-\(UUID().uuidString.prefix(8))"
        try await Sandbox.during(options, in: directory) { sandbox in
            let configuration = try self.configuration(replacements, in: sandbox)
            let tree = try await CoordinationTree(zookeeper: sandbox.description.zookeeper)
            var proxies: [HealerID: [FaultProxy]] = [:]
            do {
                var healers: [HealerID: HealerProcess] = [:]
                for number in 1...count {
                    let id = HealerID("healer-\(number)")
                    let own = try sandbox.description.zookeepers.map {
                        try FaultProxy(to: Endpoint(host: $0.host, port: $0.port))
                    }
                    proxies[id] = own
                    let servers = own.map { "\($0.endpoint.host):\($0.endpoint.port)" }.joined(separator: ",")
                    healers[id] = try HealerProcess(
                        id, sandbox: sandbox, program: OwnProgram.beside("healer"), configuration: configuration,
                        settings: [
                            "SANDBOX_ZOOKEEPER": servers, "HEALER_COUNT": "\(count)", "HEALER_PROFILE": profile,
                        ])
                }
                let cluster = HealedCluster(sandbox: sandbox, tree: tree, healers: healers)
                try await body(ProxiedHealers(cluster: cluster, proxies: proxies))
                await self.end(tree, proxies)
            } catch {
                await self.end(tree, proxies)
                throw error
            }
        }
    }

    private static func configuration(_ replacements: [(String, String)], in sandbox: Sandbox) throws -> String {
        var text = try String(contentsOfFile: OwnProgram.example("config_development.yaml"), encoding: .utf8)
        for (old, new) in replacements {
            try #require(text.contains(old))
            text = text.replacing(old, with: new)
        }
        let path = "\(sandbox.directory)/healers.yaml"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    private static func end(_ tree: CoordinationTree, _ proxies: [HealerID: [FaultProxy]]) async {
        await tree.close()
        for proxy in proxies.values.joined() { await proxy.close() }
    }

    /// One leads, all stand in line, and each has said what it sees.
    func awaitAllInLine() async throws {
        let count = self.cluster.healers.count
        let observers = self.cluster.tree.layout.observers
        try await self.cluster.until("a leader, and all in line") {
            guard try await self.cluster.tree.leader()?.holder != nil,
                try await self.cluster.tree.members().count == count
            else { return false }
            return try await self.cluster.tree.session.children(observers).count == count
        }
    }

    /// The reply to the next request of this healer with these bytes is held back, and all that come after it.
    func holdReplies(to healer: HealerID, after bytes: String) async throws {
        for proxy in self.proxies[healer]! { try await proxy.holdReplies(after: bytes) }
    }
    func isHeld(_ healer: HealerID) async throws -> Bool {
        for proxy in self.proxies[healer]! where try await proxy.order(.status).held.contains(.toClient) { return true }
        return false
    }
    func release(_ healer: HealerID) async throws {
        for proxy in self.proxies[healer]! { try await proxy.release() }
    }
}
