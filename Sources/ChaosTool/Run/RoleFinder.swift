import Cluster

/// Who plays a role right now. Where several fit, the seed decides.
struct RoleFinder: Sendable {
    let platform: any Platform
    let tree: TreeView

    /// - Throws: ``SandboxError`` when nobody plays it.
    func members(_ role: Role, _ random: inout SeededRandom) async throws -> [String] {
        let found = await self.find(role)
        guard !found.isEmpty else { throw SandboxError("nobody is \(Self.word(role)) now") }
        switch role {
        case .follower, .broker, .zooKeeperFollower: return [found.randomElement(using: &random)!]
        default: return found
        }
    }

    private func find(_ role: Role) async -> [String] {
        switch role {
        case .member(let name): return self.platform.cast.contains { $0.name == name } ? [name] : []
        case .healers: return self.names { $0 == .healer }
        case .leader: return await self.leader.map { [$0] } ?? []
        case .follower, .followers:
            guard let leader = await self.leader else { return [] }
            return await self.running(self.names { $0 == .healer }.filter { $0 != leader })
        case .broker: return await self.running(self.names { if case .broker = $0 { true } else { false } })
        case .brokers: return self.names { if case .broker = $0 { true } else { false } }
        case .controller:
            guard let id = await self.platform.metadata(avoiding: [])?.controller else { return [] }
            return self.names { $0 == .broker(id) }
        case .zooKeeperLeader: return await self.servers("leader")
        case .zooKeeperFollower, .zooKeeperFollowers: return await self.servers("follower")
        case .zooKeeperOfLeader: return await self.tree.server(ofLeaderOn: self.platform).map { [$0] } ?? []
        }
    }

    private var leader: String? { get async { await self.tree.leader()?.holder?.member.rawValue } }

    private func names(_ fits: (CastMember.Part) -> Bool) -> [String] {
        self.platform.cast.filter { fits($0.part) }.map(\.name)
    }

    private func running(_ names: [String]) async -> [String] {
        var running: [String] = []
        for name in names where (try? await self.platform.isRunning(name)) == true { running.append(name) }
        return running
    }

    private func servers(_ mode: String) async -> [String] {
        var found: [String] = []
        for name in self.names({ $0 == .zooKeeper }) {
            if await self.platform.ask("srvr", of: name)?.contains("Mode: \(mode)") ?? false { found.append(name) }
        }
        return found
    }

    /// As the scenario file says it.
    static func word(_ role: Role) -> String {
        if case .member(let name) = role { return name }
        return Role.words.first { $0.value == role }?.key ?? "?"
    }
}
