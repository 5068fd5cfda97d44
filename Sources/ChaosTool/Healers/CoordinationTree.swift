import Cluster
import Foundation
import ZooKeeper

/// What the healers of one cluster have put into ZooKeeper, as anybody can read it.
final class CoordinationTree: Sendable {
    let layout: Layout
    let session: Session

    /// Of a sandbox's healers, unless they are told otherwise.
    static let sandbox = Layout(root: "/kafka-healer", cluster: ClusterName("sandbox"))

    init(zookeeper: String, layout: Layout = sandbox) async throws {
        self.layout = layout
        self.session = try await Session.open(.init(servers: zookeeper))
        do {
            try await self.session.connected(within: .seconds(60))
        } catch {
            await self.session.close()
            throw error
        }
    }

    func close() async { await self.session.close() }

    /// `nil` before the first claim.
    func leader() async throws -> LeaderRecord? {
        guard let node = try await self.get(self.layout.leader) else { return nil }
        return try LeaderRecord(decoding: node)
    }

    /// The candidates, in order of their place in line.
    func members() async throws -> [Member] {
        let names = try await self.children(self.layout.candidates)
        var members: [(place: Substring, member: Member)] = []
        for name in names {
            guard let data = try await self.get(self.layout.candidate(name)),
                let member = try? JSONDecoder().decode(Member.self, from: Data(data))
            else { continue }
            members.append((name.suffix(10), member))
        }
        return members.sorted { $0.place < $1.place }.map(\.member)
    }

    /// Open ones and those closed last, in order of their number.
    func incidents() async throws -> [IncidentRecord] {
        try await self.records(IncidentRecord.self, in: self.layout.incidents)
            .sorted { ($0.id?.epoch ?? .none, $0.id?.number ?? 0) < ($1.id?.epoch ?? .none, $1.id?.number ?? 0) }
    }

    func recoveries() async throws -> [RecoveryRecord] {
        try await self.records(RecoveryRecord.self, in: self.layout.recoveries)
    }

    /// What each healer sees, by its own word.
    func digests() async throws -> [HealerID: Digest] {
        var digests: [HealerID: Digest] = [:]
        for name in try await self.children(self.layout.observers) {
            guard let data = try await self.get("\(self.layout.observers)/\(name)") else { continue }
            digests[HealerID(name)] = try? JSONDecoder().decode(Digest.self, from: Data(data))
        }
        return digests
    }

    private func records<Record: Decodable>(_ type: Record.Type, in parent: String) async throws -> [Record] {
        var records: [Record] = []
        for name in try await self.children(parent) {
            guard let data = try await self.get("\(parent)/\(name)") else { continue }
            records.append(try JSONDecoder().decode(type, from: Data(data)))
        }
        return records
    }

    private func children(_ path: String) async throws -> [String] {
        do throws(ZooKeeperError) {
            return try await self.session.children(path)
        } catch {
            if error.code == .noNode { return [] }
            throw error
        }
    }

    private func get(_ path: String) async throws -> [UInt8]? {
        do throws(ZooKeeperError) {
            return try await self.session.get(path).data
        } catch {
            if error.code == .noNode { return nil }
            throw error
        }
    }
}
