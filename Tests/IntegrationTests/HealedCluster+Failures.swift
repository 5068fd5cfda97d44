import Cluster
import Foundation
import Testing

@testable import ChaosTool

/// What several tests do to a cluster, and wait for.
extension HealedCluster {
    /// What healers asked of the supervisor that would change something, whatever the supervisor answered.
    func askedSteps() throws -> [NodeRequest] {
        try self.sandbox.requests().filter { $0.epoch != nil && $0.verb.isFenced }
    }

    /// Kills a broker and waits until its incident is closed and all is in sync.
    /// - Returns: the incident.
    @discardableResult
    func killAndAwaitHealed(_ broker: String) async throws -> IncidentRecord {
        let known = try await self.incidents(of: broker)
        try await self.sandbox.kill(broker)
        return try await self.awaitClosed(broker, besides: known)
    }

    func incidents(of node: String) async throws -> Set<IncidentID> {
        var found: Set<IncidentID> = []
        try await self.until("the incidents read") {
            let all = try await self.tree.incidents()
            found = Set(all.filter { $0.subject == .node(NodeName(node)) }.compactMap(\.id))
            return true
        }
        return found
    }

    /// Waits for the end of an incident of this node that is none of those known, and for all in sync.
    @discardableResult
    func awaitClosed(_ node: String, besides known: Set<IncidentID>) async throws -> IncidentRecord {
        var closed: IncidentRecord?
        try await self.until("an incident of \(node) closed") {
            closed = try await self.tree.incidents().first { incident in
                incident.subject == .node(NodeName(node)) && incident.phase == .closed
                    && incident.id.map { !known.contains($0) } ?? false
            }
            return closed != nil
        }
        try await self.awaitInSync()
        return try #require(closed)
    }

    /// Waits until somebody leads under a later epoch than this one.
    @discardableResult
    func awaitLeader(after epoch: Epoch) async throws -> LeaderRecord {
        var found: LeaderRecord?
        try await self.until("a leader after epoch \(epoch)") {
            found = try await self.tree.leader()
            return found.map { $0.epoch > epoch && $0.holder != nil } ?? false
        }
        return try #require(found)
    }

    /// The record of whoever leads.
    func claim() async throws -> LeaderRecord { try #require(try await self.tree.leader()) }

    /// Whether the broker's present registration is in ZooKeeper; when it was made, by a server's clock, in milliseconds
    /// since 1970.
    func registeredAt(_ broker: Int32) async throws -> Int64? {
        try await self.tree.session.exists("/brokers/ids/\(broker)")?.ctime
    }
}

/// Stands in for `healer-chaos` in a healer's commands: while ``isSlow``, a start waits before it is asked for.
struct SlowSupervisor {
    let path: String
    private let folder: String

    /// - Parameter delay: in seconds.
    init(delay: Int = 3) throws {
        self.folder = "\(NSTemporaryDirectory())slow-\(UUID().uuidString.prefix(8))"
        self.path = "\(self.folder)/healer-chaos"
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        let script = """
            #!/bin/sh
            if [ "$3" = start ] && [ -e '\(self.folder)/slow' ]; then
                : > '\(self.folder)/begun'
                sleep \(delay)
            fi
            exec '\(try OwnProgram.path)' "$@"

            """
        try Data(script.utf8).write(to: URL(fileURLWithPath: self.path))
        guard chmod(self.path, 0o755) == 0 else { throw SandboxError.system("cannot make \(self.path) executable") }
    }

    func beSlow() throws { try Data().write(to: URL(fileURLWithPath: "\(self.folder)/slow")) }
    func beQuick() { unlink("\(self.folder)/slow") }
    /// A slow start has begun, and is not asked for yet.
    var hasBegun: Bool { access("\(self.folder)/begun", F_OK) == 0 }
    /// The next slow start is to be waited for.
    func forget() { unlink("\(self.folder)/begun") }
    func remove() { try? FileManager.default.removeItem(atPath: self.folder) }
}
