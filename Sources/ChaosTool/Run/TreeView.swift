import Cluster
import ZooKeeper

/// A look into ZooKeeper that survives what chaos does to the ensemble: a session that is over is followed by another.
actor TreeView {
    private let zookeeper: String
    private let layout: Layout
    private var tree: CoordinationTree?
    /// While one is being opened, everybody waits for the same.
    private var opening: Task<CoordinationTree?, Never>?
    private var isClosed = false

    init(zookeeper: String, layout: Layout = CoordinationTree.sandbox) {
        self.zookeeper = zookeeper
        self.layout = layout
    }

    /// `nil` while the ensemble does not answer, and after ``close()``.
    func ask<Value: Sendable>(_ body: @Sendable (CoordinationTree) async throws -> Value) async -> Value? {
        guard let tree = await self.present() else { return nil }
        return try? await body(tree)
    }

    /// May be called twice.
    func close() async {
        self.isClosed = true
        _ = await self.opening?.value
        await self.tree?.close()
    }

    private func present() async -> CoordinationTree? {
        if let opening { return await opening.value }
        if self.isClosed { return nil }
        if let tree, !tree.session.state.isFinal { return tree }
        let (old, zookeeper, layout) = (self.tree, self.zookeeper, self.layout)
        let opening = Task {
            await old?.close()
            return try? await CoordinationTree(zookeeper: zookeeper, layout: layout)
        }
        self.opening = opening
        self.tree = await opening.value
        self.opening = nil
        return self.tree
    }

    func leader() async -> LeaderRecord? {
        let record = await self.ask { try await $0.leader() }
        return record ?? nil
    }
    func epoch() async -> Epoch { await self.leader()?.epoch ?? .none }
    func members() async -> [String]? { await self.ask { try await $0.members().map(\.id.rawValue) } }

    /// The server that the session of whoever leads is connected to; `nil` while nobody leads, or none says so.
    func server(ofLeaderOn platform: any Platform) async -> String? {
        let owner = await self.ask { tree -> Int64? in
            guard let record = try await tree.leader(), record.holder != nil else { return nil }
            let names = try await tree.session.children(tree.layout.candidates)
            guard let name = names.first(where: { $0.hasPrefix(record.nonce) }) else { return nil }
            return try await tree.session.exists(tree.layout.candidate(name))?.ephemeralOwner
        }
        guard let found = owner, let session = found else { return nil }
        let text = "sid=0x" + String(UInt64(bitPattern: session), radix: 16)
        for member in platform.cast where member.part == .zooKeeper {
            if await platform.ask("cons", of: member.name)?.contains(text) ?? false { return member.name }
        }
        return nil
    }
}
