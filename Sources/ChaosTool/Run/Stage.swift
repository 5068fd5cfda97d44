import Cluster
import Foundation

/// Plays the steps of a scenario, and waits for what they wait for.
actor Stage {
    nonisolated let hand: Hand
    private let platform: any Platform
    private let tree: TreeView
    private let watch: ClusterWatch
    private let scenario: Scenario
    private let sabotage: RunSabotage?
    private let progress: @Sendable (String) -> Void
    /// Before the last step that changed something.
    private var epoch = Epoch.none
    private var asked = 0

    private static let pause = Duration.milliseconds(25)
    /// What was just hurt is not seen to be hurt at once; what is well is well for so long.
    static let calm = Duration.seconds(2)
    /// A sabotaged run need not wait as long to see that nothing comes.
    private static let sabotagedLimit = Duration.seconds(20)

    init(
        platform: any Platform, tree: TreeView, watch: ClusterWatch, scenario: Scenario, sabotage: RunSabotage?,
        hand: Hand, progress: @escaping @Sendable (String) -> Void
    ) {
        self.platform = platform
        self.tree = tree
        self.watch = watch
        self.scenario = scenario
        self.sabotage = sabotage
        self.hand = hand
        self.progress = progress
    }

    /// - Throws: ``SandboxError`` when something waited for does not come, or cannot be done.
    func play(_ steps: [ScenarioStep]) async throws {
        for step in steps { try await self.play(step) }
    }

    private func play(_ step: ScenarioStep) async throws {
        switch step.act {
        case .wait(let time): try await Task.sleep(for: time)
        case .await(let condition, let limit): try await self.await(condition, within: limit)
        case .repeat(let times): for _ in 0..<times { try await self.play(step.steps) }
        case .mend(let role): try await self.hand.mend(role)
        case .start(let role): try await self.hand.start(role)
        case .move(let healer, let server): try await self.move(healer, to: server)
        case .hurt(let fault, let role):
            if self.sabotage == .noFaults { return try await self.play(step.steps) }
            self.epoch = await self.tree.epoch()
            self.asked = try await self.platform.requests().count(where: \.isStep)
            let place = try await self.hand.hurt(fault, role)
            await self.watch.avoid(self.hand.hurt)
            guard let lasts = step.lasts else { return }
            let end = HostClock.now + lasts
            try await self.play(step.steps)
            let rest = end - HostClock.now
            if rest > .zero { try await Task.sleep(for: rest) }
            try await self.hand.undo(place)
            await self.watch.avoid(self.hand.hurt)
        }
    }

    func await(_ condition: Condition, within limit: Duration) async throws {
        let limit = self.sabotage == nil ? limit : min(limit, Self.sabotagedLimit)
        let end = HostClock.now + limit
        let calm: Duration = condition == .healed || condition == .serving ? Self.calm : .zero
        var since: Moment?
        while true {
            since = try await self.holds(condition) ? since ?? HostClock.now : nil
            if let since, HostClock.now - since >= calm { return }
            guard HostClock.now < end else {
                throw SandboxError("waited \(Int(limit.inSeconds)) s for `\(condition.rawValue)`, in vain")
            }
            try await Task.sleep(for: Self.pause)
        }
    }

    private func holds(_ condition: Condition) async throws -> Bool {
        switch condition {
        case .newLeader:
            guard let leader = await self.tree.leader() else { return false }
            return leader.epoch > self.epoch && leader.holder != nil
        case .leader:
            let state = await self.look()
            return state.leadership == nil && state.verdicts.count == state.living.count
        case .serving: return await self.look().away.isEmpty
        case .healed: return await self.look().isWell
        case .intent:
            let records = await self.tree.ask { try await $0.recoveries() }
            return records?.contains { $0.isOpen } ?? false
        case .asked: return try await self.platform.requests().count(where: \.isStep) > self.asked
        case .carriedOut:
            let ended = Set(try await self.platform.ends().compactMap(\.intent))
            let begun = try await self.platform.requests().filter { $0.isStep && $0.isCarriedOut }.compactMap(\.intent)
            return !begun.isEmpty && begun.allSatisfy { ended.contains($0) }
        case .confirmed:
            let records = await self.tree.ask { try await $0.incidents() }
            return records?.contains { $0.phase == .confirmed } ?? false
        case .unaudited:
            let records = await self.tree.ask { try await $0.incidents() }
            return records?.contains { $0.phase != .closed && $0.isUnaudited } ?? false
        case .led:
            guard let metadata = await self.watch.last else { return false }
            var running: Set<BrokerID> = []
            for member in self.platform.cast {
                // The word of the others is old while a dead one leads.
                if case .broker(let id) = member.part, try await self.platform.isRunning(member.name) {
                    running.insert(id)
                }
            }
            return !metadata.partitions.isEmpty
                && metadata.partitions.allSatisfy { $0.leader.map { running.contains($0) } ?? false }
        }
    }

    /// Waits until all is well and returns how it then stands, or how it stands when the time is up.
    func settle(within limit: Duration) async throws -> EndState {
        let end = HostClock.now + limit
        var since: Moment?
        while true {
            let state = await self.look()
            since = state.isWell ? since ?? HostClock.now : nil
            if let since, HostClock.now - since >= Self.calm { return state }
            if HostClock.now >= end { return state }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func look() async -> EndState {
        var state = EndState()
        state.leader = await self.tree.leader()
        state.members = await self.tree.members() ?? []
        for member in self.platform.cast where member.part == .healer {
            if (try? await self.platform.isRunning(member.name)) == true { state.living.append(member.name) }
        }
        state.openRecoveries =
            await self.tree.ask { try await $0.recoveries().filter(\.isOpen).map(\.intent.id) } ?? []
        state.openIncidents =
            await self.tree.ask { try await $0.incidents().filter { $0.phase != .closed } } ?? []
        // What a healer said that died since stands there until its session ends.
        let verdicts = await self.tree.ask { try await $0.verdicts() } ?? [:]
        state.verdicts = verdicts.filter { state.living.contains($0.key) }
        let metadata = await self.platform.metadata(avoiding: [])
        for member in self.platform.cast {
            switch member.part {
            case .broker(let id):
                // Registered, and this life of it: one that was just killed is registered until its session ends.
                let serves = await self.platform.serves(member.name)
                if metadata?.brokers[id] == nil || !serves { state.away.append(member.name) }
            case .zooKeeper: if await !self.platform.serves(member.name) { state.away.append(member.name) }
            case .healer: break
            }
        }
        state.isInSync = metadata.map { !$0.partitions.isEmpty && $0.isInSync } ?? false
        return state
    }

    /// Whoever leads then is connected to such a server: healers that are not are sent away until one is.
    private func move(_ healer: Role, to server: Role) async throws {
        for _ in 0..<10 {
            try await self.await(.leader, within: .seconds(90))
            let wanted = try await self.hand.members(server)
            if let present = await self.tree.server(ofLeaderOn: self.platform), wanted.contains(present) { return }
            guard let name = try await self.hand.members(healer).first else { break }
            self.progress("sends \(name) to another ZooKeeper server")
            let links = self.platform.cast.filter { $0.part == .zooKeeper && !wanted.contains($0.name) }
                .map { Link(from: name, to: $0.name) }
            for link in links {
                try await self.platform.apply(.refuse, to: link)
                try await self.platform.apply(.reset, to: link)
            }
            try await Task.sleep(for: .seconds(2))
            for link in links { try await self.platform.mend(link) }
        }
        throw SandboxError("no leader could be brought to \(RoleFinder.word(server))")
    }

    /// Asks for a step that nobody permitted, as a healer that went mad would.
    func actAsRogue() async throws {
        guard let leader = await self.tree.leader(), let holder = leader.holder else { return }
        let origin = RequestOrigin(
            epoch: leader.epoch, intent: "\(leader.epoch)-999", healer: holder.member.rawValue)
        self.progress("asks for a start that no healer has decided")
        try await self.platform.actAsRogue(origin)
    }
}

extension IncidentRecord {
    fileprivate var isUnaudited: Bool {
        self.timeline.contains { if case .refused(_, .auditUnwritable) = $0.what { true } else { false } }
    }
}

extension CoordinationTree {
    /// What each healer says is wrong.
    func verdicts() async throws -> [String: [String]] {
        var verdicts: [String: [String]] = [:]
        for (healer, digest) in try await self.digests() {
            verdicts[healer.rawValue] = digest.verdicts.map { "\($0.value.code.rawValue) \($0.key)" }.sorted()
        }
        return verdicts
    }
}
