import Cluster
import Foundation

/// Plays one scenario once: brings the platform up, hurts it under load, mends it, waits until all is well, and hands
/// over what was seen.
struct ScenarioRun: Sendable {
    let scenario: Scenario
    let seed: UInt64
    let directory: String
    let sabotage: RunSabotage?
    let progress: @Sendable (String) -> Void

    /// Until healers lead and stand in line. Far above what it takes, which a busy machine stretches.
    private static let upLimit = Duration.seconds(90)
    /// Before the first step and after the last one: for the figures of a cluster that nobody hurts.
    private static let calm = Duration.seconds(4)
    private static let pause = Duration.milliseconds(25)

    func play(on type: (some Platform).Type) async throws -> RunRecord {
        let choice: HealerChoice =
            switch self.sabotage {
            case .noHealers: .none
            case .observing: .observing
            default: .healing
            }
        let platform = try await type.up(
            for: self.scenario, healers: choice, in: self.directory, progress: self.progress)
        let failed = "\(self.directory)-failed"
        do {
            let record = try await self.play(platform)
            try? FileManager.default.removeItem(atPath: failed)
            try await platform.down(keepingLogs: RunVerdict(record).isGood ? nil : failed)
            return record
        } catch {
            // A cancelled task cannot wait, and putting in order must not be cancelled.
            let isCancelled = error is CancellationError
            try await Task.detached { try await platform.down(keepingLogs: isCancelled ? nil : failed) }.value
            throw error
        }
    }

    private func play(_ platform: some Platform) async throws -> RunRecord {
        let tree = TreeView(zookeeper: platform.zookeeper, layout: platform.layout)
        let watch = ClusterWatch(platform)
        let metrics = MetricsWatch(platform, tree)
        await watch.start()
        await metrics.start()
        do {
            var record = try await self.play(platform, tree, watch)
            await watch.stop()
            await metrics.stop()
            record.metrics = await metrics.samples
            await tree.close()
            return record
        } catch {
            await watch.stop()
            await metrics.stop()
            await tree.close()
            throw error
        }
    }

    private func play(_ platform: some Platform, _ tree: TreeView, _ watch: ClusterWatch) async throws -> RunRecord {
        let stage = Stage(
            platform: platform, tree: tree, watch: watch, scenario: self.scenario, sabotage: self.sabotage,
            hand: Hand(platform, tree, seed: self.seed, sabotage: self.sabotage, progress: self.progress),
            progress: self.progress)
        let live = LiveJudge(progress: self.progress) { try await self.witnessed(platform, stage) }
        await live.start()
        do {
            var record = try await self.play(platform, stage, watch)
            await live.stop()
            record.sightings = await live.sightings
            return record
        } catch {
            await live.stop()
            throw error
        }
    }

    /// What the witnesses have seen so far.
    private func witnessed(_ platform: some Platform, _ stage: Stage) async throws -> RunRecord {
        // First, so that whatever was asked for has its intent in the logs, and its cause among the faults.
        let requests = try await platform.requests().filter { $0.at >= platform.since }
        let ends = try await platform.ends().filter { $0.at >= platform.since }
        let faults = await stage.hand.faults.map { $0.ended(by: requests) }
        let logs = try await platform.transactionLogs().values.map { $0.flatMap(TransactionLog.transactions) }
        let transactions = TransactionLog.committed(logs, servers: self.scenario.given.zookeepers)
        let now = HostClock.wall
        var record = RunRecord(
            scenario: self.scenario, seed: self.seed, cast: platform.cast, began: now, stepsEnded: now, settled: now,
            ended: now,
            history: TreeHistory(
                transactions, layout: platform.layout, minInSyncReplicas: min(2, self.scenario.given.brokers)))
        record.since = platform.since
        record.requests = requests
        record.ends = ends
        record.faults = faults
        if transactions.contains(where: { $0.says(platform.canary) }) { record.leaks.append("ZooKeeper") }
        return record
    }

    private func play(_ platform: some Platform, _ stage: Stage, _ watch: ClusterWatch) async throws -> RunRecord {
        var problems: [String] = []
        if self.sabotage != .noHealers {
            // Nobody is there to act on a scenario that has not begun.
            try await stage.await(.leader, within: Self.upLimit)
        }
        let load = try await self.startLoad(platform)
        let began = HostClock.wall
        let beganMoment = HostClock.now
        do {
            try await stage.play(self.scenario.when)
        } catch let error as SandboxError {
            problems.append(error.description)
            self.progress(error.description)
        }
        try await stage.hand.mendAll()
        let stepsEnded = HostClock.wall
        let stepsEndedMoment = HostClock.now
        let settle = self.sabotage == nil ? self.scenario.then.settle : min(self.scenario.then.settle, .seconds(20))
        let end = try await stage.settle(within: settle)
        self.progress(end.isWell ? "all is well" : "it does not become well")
        let settled = WallTime(HostClock.wall.rawValue - (end.isWell ? Stage.calm.wholeMilliseconds : 0))
        var outcome: LoadOutcome?
        if let load {
            try await Task.sleep(for: Self.calm)
            outcome = try await self.judge(load, from: beganMoment, to: stepsEndedMoment)
        }
        if self.sabotage == .rogue { try await stage.actAsRogue() }

        var record = try await self.witnessed(platform, stage)
        record.began = began
        record.stepsEnded = stepsEnded
        record.settled = settled
        record.looks = await watch.looks
        record.load = outcome
        record.end = end
        record.auditTrails = try await platform.auditTrails()
        let texts = try await platform.publicTexts()
        record.leaks += texts.filter { $0.text.contains(platform.canary) }.map(\.name)
        record.pages = texts.filter { $0.name.contains("/application.log") }.flatMap {
            HeardPage.all(in: $0.text, of: String($0.name.prefix { $0 != "/" }))
        }
        record.problems = problems
        return record
    }

    private func startLoad(_ platform: some Platform) async throws -> LoadGenerator? {
        guard self.scenario.given.load > 0 else { return nil }
        var plan = LoadPlan(bootstrap: platform.bootstrap, topic: "messages")
        plan.rate = self.scenario.given.load
        let load = try LoadGenerator(plan)
        await load.start()
        let end = HostClock.now + Self.upLimit
        // The first ones take the connections' time; what is measured begins after them.
        while load.acked < plan.rate, HostClock.now < end { try await Task.sleep(for: Self.pause) }
        try await Task.sleep(for: Self.calm)
        return load
    }

    private func judge(_ load: LoadGenerator, from began: Moment, to ended: Moment) async throws -> LoadOutcome {
        await load.stop(within: .seconds(60))
        self.progress("reads everything back")
        let ledger = load.ledger
        let entries = ledger.entries
        var outcome = LoadOutcome()
        outcome.rate = load.plan.rate
        outcome.acked = entries.count
        outcome.failed = ledger.counts.failed
        outcome.firstFailure = ledger.firstFailure
        outcome.ackedMeanwhile = ledger.acked(from: began, to: HostClock.now)
        // What was sent before the load was steady tells of its beginning, not of the cluster.
        outcome.before = LoadLatency(entries.filter { $0.sentAt < began && $0.sentAt > began - Self.calm })
        outcome.during = LoadLatency(entries.filter { $0.sentAt >= began && $0.sentAt <= ended })
        let last = entries.last?.ackedAt ?? ended
        outcome.after = LoadLatency(entries.filter { $0.sentAt > last - Self.calm && $0.sentAt > ended })
        let first = entries.first?.ackedAt ?? began
        outcome.began = WallTime(HostClock.wall.rawValue - (HostClock.now - first).wholeMilliseconds)
        let seconds = Int((last - first).inSeconds) + 1
        outcome.perSecond = [Int](repeating: 0, count: seconds)
        for entry in entries { outcome.perSecond[min(seconds - 1, Int((entry.ackedAt - first).inSeconds))] += 1 }
        outcome.check = try? await LoadCheck.read(load, sabotage: self.sabotage == .loseOne ? .loseOne : nil)
        return outcome
    }
}

/// A run that must not pass, to show that the suite can object.
enum RunSabotage: String, Hashable, Sendable, CaseIterable {
    case noHealers = "no-healers"
    /// Healers look on.
    case observing = "observe"
    /// One acknowledged message that was read is forgotten.
    case loseOne = "lose-one"
    /// Nobody is hurt: whatever a scenario expects of a fault does not come.
    case noFaults = "no-faults"
    /// Whoever is to be stopped is killed.
    case killForStop = "kill-for-stop"
    /// An operator's mark on a node is not set, though it is written down that it was.
    case noMark = "no-mark"
    /// In the end, somebody asks for a step under an old epoch, by an intent that nobody put down.
    case rogue
}

extension FaultRecord {
    /// With the end of what a start ends, by the supervisor's log.
    fileprivate func ended(by requests: [NodeRequest]) -> FaultRecord {
        guard self.until == nil, ["kill", "stop"].contains(self.word) else { return self }
        let starts = self.members.compactMap { member in
            requests.first { $0.node == member && $0.result == .started && $0.at >= self.from }?.at
        }
        guard !starts.isEmpty, starts.count == self.members.count else { return self }
        var record = self
        record.until = starts.max()
        return record
    }
}

extension Transaction {
    fileprivate func says(_ secret: String) -> Bool {
        self.changes.contains { change in
            switch change {
            case .created(let path, let data, _), .set(let path, let data, _):
                path.contains(secret) || String(decoding: data, as: UTF8.self).contains(secret)
            case .deleted, .checked, .sessionEnded: false
            }
        }
    }
}
