import Admin
import Cluster

/// The commands that write: pause, resume, maintenance, resign, transfer. Each returns when what it promises holds.
struct ControlCommands: Sendable {
    private let tree: CoordinationTree
    private let writer: ControlWriter
    private let by: String

    init(_ tree: CoordinationTree, by: String) {
        self.tree = tree
        self.writer = ControlWriter(tree: tree)
        self.by = by
    }

    private func hold(why: String, lasting: Duration?) -> Control.Hold {
        let now = WallTime.now
        return Control.Hold(
            by: self.by, why: why, since: now, until: lasting.map { WallTime(now.rawValue + $0.wholeMilliseconds) })
    }

    func pause(_ layout: Layout, why: String, lasting: Duration?) async throws(ToolFailure) -> ControlPage {
        let hold = self.hold(why: why, lasting: lasting)
        try await self.writer.update(layout.control) { $0.paused = hold }
        let open = try await self.writer.settle([layout])
        return try await self.page(layout, "paused: no step begins in cluster \(layout.cluster) until `resume`", open)
    }

    func resume(_ layout: Layout) async throws(ToolFailure) -> ControlPage {
        try await self.writer.update(layout.control) { $0.paused = nil }
        let page = try await self.page(layout, "resumed: healing goes on in cluster \(layout.cluster)")
        guard page.paused != nil else { return page }
        var still = page
        still.done = "resumed, but all clusters are paused: `healerctl resume --everywhere` ends that"
        return still
    }

    /// `pause` and `resume` for all clusters of the root.
    func everywhere(_ command: AdminCommand) async throws(ToolFailure) -> ControlPage {
        let clusters = try await self.tree.clusters()
        guard let first = clusters.first else {
            throw ToolFailure(
                "there is no cluster under \(self.tree.root)", hint: "Healers enter theirs when they first start.")
        }
        let layouts = clusters.map { Layout(root: self.tree.root, cluster: $0) }
        var page: ControlPage
        if case .pause(let why, let lasting, _) = command {
            let hold = self.hold(why: why, lasting: lasting)
            try await self.writer.update(layouts[0].globalControl) { $0.paused = hold }
            let open = try await self.writer.settle(layouts)
            page = try await self.page(
                layouts[0], "paused: no step begins in any cluster until `resume --everywhere`", open)
        } else {
            try await self.writer.update(layouts[0].globalControl) { $0.paused = nil }
            page = try await self.page(
                layouts[0], "resumed: healing goes on in every cluster that is not paused itself")
        }
        page.source.cluster = clusters.count == 1 ? first : ClusterName("all")
        return page
    }

    func beginMaintenance(
        _ node: NodeName, _ layout: Layout, why: String, lasting: Duration?
    ) async throws(ToolFailure) -> ControlPage {
        let known = try await ClusterSnapshot(layout, in: self.tree).nodes.map { $0.name }
        // Before healers have entered any, a name cannot be checked.
        guard known.isEmpty || known.contains(node) else {
            throw ToolFailure(
                "there is no node \(node) in cluster \(layout.cluster)",
                hint: "There is: \(known.map { $0.rawValue }.joined(separator: ", ")).")
        }
        let hold = self.hold(why: why, lasting: lasting)
        try await self.writer.update(layout.control) { $0.maintenance[node] = hold }
        let open = try await self.writer.settle([layout]) { $0 == node }
        return try await self.page(layout, "\(node) is in maintenance: no step begins for it", open)
    }

    func endMaintenance(_ node: NodeName, _ layout: Layout) async throws(ToolFailure) -> ControlPage {
        var wasThere = false
        try await self.writer.update(layout.control) {
            wasThere = $0.maintenance.removeValue(forKey: node) != nil || wasThere
        }
        return try await self.page(
            layout, wasThere ? "\(node) is looked after again" : "\(node) was not in maintenance")
    }

    /// Longest wait for a successor: a leader with a step under way hands over only when that ends.
    static let handover = Duration.seconds(30)

    func resign(_ layout: Layout) async throws(ToolFailure) -> LeaderPage {
        let before = try await ClusterSnapshot(layout, in: self.tree)
        guard before.leaderIsThere, let holder = before.leader?.holder else {
            throw ToolFailure("nobody leads", hint: "`healerctl status` says why.")
        }
        guard before.candidates.contains(where: { $0.member.incarnation != holder.incarnation }) else {
            throw ToolFailure(
                "no other healer is there to follow \(holder.member)",
                hint: "Start another one first: `healer run --config FILE`.")
        }
        return try await self.handOver(layout, from: holder, to: nil)
    }

    func transfer(_ layout: Layout, to member: HealerID) async throws(ToolFailure) -> LeaderPage {
        let before = try await ClusterSnapshot(layout, in: self.tree)
        // The last of that name: an earlier one is of a life that is over.
        guard let successor = before.candidates.last(where: { $0.member.id == member }) else {
            let names = before.candidates.map { $0.member.id.rawValue }.sorted()
            throw ToolFailure(
                "no healer \(member) takes part",
                hint: names.isEmpty
                    ? "Nobody does: start one with `healer run --config FILE`."
                    : "There is: \(names.joined(separator: ", ")).")
        }
        guard before.leaderIsThere, let holder = before.leader?.holder else {
            throw ToolFailure("nobody leads", hint: "`healerctl status` says why.")
        }
        guard holder.incarnation != successor.member.incarnation else { return before.leaderPage }
        return try await self.handOver(layout, from: holder, to: (successor.name, member))
    }

    private func handOver(
        _ layout: Layout, from holder: LeaderRecord.Holder, to successor: (candidate: String, member: HealerID)?
    ) async throws(ToolFailure) -> LeaderPage {
        let request = Control.Resignation(
            incarnation: holder.incarnation, by: self.by, successor: successor?.candidate)
        try await self.writer.update(layout.control) { $0.resign = request }
        let end = ContinuousClock.now + Self.handover
        while ContinuousClock.now < end {
            let now = try await ClusterSnapshot(layout, in: self.tree)
            if now.leaderIsThere, now.leader?.holder?.incarnation != holder.incarnation {
                // Left there it would be obeyed once more, should the same healer lead again.
                try await self.writer.update(layout.control) { if $0.resign == request { $0.resign = nil } }
                if let successor, let next = now.leader?.holder?.member, next != successor.member {
                    throw ToolFailure(
                        "\(next) leads, not \(successor.member): it claimed first",
                        hint: "Ask again when `healerctl members` shows \(successor.member) in line.")
                }
                return now.leaderPage
            }
            try? await Task.sleep(for: .milliseconds(50))
        }
        throw ToolFailure(
            "\(holder.member) was asked to hand over, and nobody else leads after \(Self.handover)",
            hint: "It hands over when its step ends: see `healerctl status`.")
    }

    private func page(
        _ layout: Layout, _ done: String, _ open: [RecoveryRecord] = []
    ) async throws(ToolFailure) -> ControlPage {
        let now = try await ClusterSnapshot(layout, in: self.tree)
        return ControlPage(
            source: now.source(dataAge: 0), done: done, paused: now.pause?.hold,
            pausedEverywhere: now.pause?.everywhere ?? false, maintenance: now.maintenance,
            inFlight: open.map { RecoveryEntry($0) })
    }
}
