import Cluster
import Foundation
import Testing
import ZooKeeper

@testable import ChaosTool

/// A real cluster with real healers around it, for one test.
struct HealedCluster {
    let sandbox: Sandbox
    let tree: CoordinationTree
    let healers: [HealerID: HealerProcess]

    /// Far above what anything takes, which a busy machine stretches.
    static let patience = Duration.seconds(120)

    /// Brings up a sandbox and its healers, waits until one of them leads and all stand in line, and takes everything
    /// down again however the body ends.
    /// - Parameters:
    ///   - settings: what `examples/config_development.yaml` takes from the environment.
    ///   - changes: what is to stand in that file instead of what does; each must stand there exactly once.
    ///   - coordination: where the healers' tree is read by the test; the sandbox's own ensemble unless told.
    static func during(
        _ options: SandboxOptions = SandboxOptions(), healers count: Int = 3, settings: [String: String] = [:],
        changes: [String: String] = [:], coordination: String? = nil, arguments: [String] = [],
        _ body: (HealedCluster) async throws -> Void
    ) async throws {
        try await Sandbox.during(options, in: self.newDirectory()) { sandbox in
            let tree = try await CoordinationTree(zookeeper: coordination ?? sandbox.description.zookeeper)
            do {
                var settings = settings
                settings["HEALER_COUNT"] = settings["HEALER_COUNT"] ?? "\(count)"
                settings["HEALER_PROFILE"] = settings["HEALER_PROFILE"] ?? "fast"
                let configuration = try self.configuration(with: changes, in: sandbox)
                var healers: [HealerID: HealerProcess] = [:]
                for number in 1...count {
                    let id = HealerID("healer-\(number)")
                    healers[id] = try HealerProcess(
                        id, sandbox: sandbox, program: OwnProgram.beside("healer"),
                        configuration: configuration, settings: settings,
                        arguments: arguments)
                }
                let cluster = HealedCluster(sandbox: sandbox, tree: tree, healers: healers)
                try await cluster.until("a leader, and all in line") {
                    let (leader, members) = (try await tree.leader()?.holder, try await tree.members())
                    return leader != nil && members.count == count
                }
                try await cluster.awaitDigests(of: count)
                try await body(cluster)
                await tree.close()
            } catch {
                await tree.close()
                throw error
            }
        }
    }

    /// A path for a sandbox of its own, where nothing is yet.
    static func newDirectory() -> String { "\(NSTemporaryDirectory())healed-\(UUID().uuidString.prefix(8))" }

    private static func configuration(with changes: [String: String], in sandbox: Sandbox) throws -> String {
        let example = try OwnProgram.example("config_development.yaml")
        if changes.isEmpty { return example }
        var text = try String(contentsOfFile: example, encoding: .utf8)
        for (old, new) in changes {
            try #require(text.components(separatedBy: old).count == 2, "\(old) is not in \(example) once")
            text = text.replacingOccurrences(of: old, with: new)
        }
        let path = "\(sandbox.directory)/configuration.yaml"
        try AtomicFile.write(Data(text.utf8), to: path)
        return path
    }

    /// Every healer has looked, and says so: before that nothing can be agreed upon.
    private func awaitDigests(of count: Int) async throws {
        try await self.until("a digest of every healer") {
            try await self.tree.session.children(self.tree.layout.observers).count == count
        }
    }

    /// Waits for a condition; an error that says which one did not come.
    func until(
        _ what: String, within limit: Duration = patience, _ holds: () async throws -> Bool
    ) async throws {
        let end = HostClock.now + limit
        while try await !Self.isTrue(holds) {
            guard HostClock.now < end else { throw Absent(what: what, healers: self.tails) }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Asks once. Not true while our own connection to the ensemble is away, which it may be on a busy machine.
    private static func isTrue(_ holds: () async throws -> Bool) async throws -> Bool {
        do {
            return try await holds()
        } catch let error as ZooKeeperError where error.isAmbiguous && error.code != .sessionExpired {
            return false
        }
    }

    struct Absent: Error, CustomStringConvertible {
        let what: String
        let healers: String
        var description: String { "never came: \(self.what)\n\(self.healers)" }
    }

    private var tails: String { self.healers.values.map { "\($0.id):\n\($0.tail(20))" }.joined(separator: "\n") }

    /// The process that leads now, by the record.
    func leader() async throws -> HealerProcess {
        let holder = try #require(try await self.tree.leader()?.holder)
        return try #require(self.healers[holder.member])
    }

    /// What healers asked of the supervisor that changed something: the witness of all that was done.
    func steps(on node: String? = nil) throws -> [NodeRequest] {
        try self.sandbox.requests().filter { request in
            request.epoch != nil && [.started, .stopped, .killed, .restarted].contains(request.result)
                && (node == nil || request.node == node)
        }
    }

    /// Every replica of every partition in sync, by the brokers' own word.
    func awaitInSync() async throws {
        let witness = PartitionWitness(self.sandbox)
        let brokers = self.sandbox.description.brokers.count
        try await self.until("all in sync") {
            guard let metadata = await witness.look() else { return false }
            return metadata.brokers.count == brokers && metadata.isInSync
        }
    }

    func saysNodeExists(_ broker: String) throws -> Bool { try self.sandbox.saysNodeExists(broker) }
}

extension Sandbox {
    /// Whether a broker's log says that it found its own old registration.
    func saysNodeExists(_ broker: String) throws -> Bool {
        let folder = try self.node(broker).folder
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) where name.contains(".log") {
            let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)")), as: UTF8.self)
            if text.contains("NodeExists") { return true }
        }
        return false
    }
}
