import Cluster
import Foundation
import ZooKeeper

/// What healing takes, on real clusters, and what a plain restart loop takes on the same ones.
struct HealingBench: Sendable {
    let directory: String
    private static let limit = Duration.seconds(120)
    private static let guards = 300
    private static let idle = Duration.seconds(20)

    func measure(_ report: @escaping @Sendable (BenchFigure) -> Void) async throws {
        for session in [6000, 18000] {
            try await Sandbox.during(SandboxOptions(sessionTimeout: session), in: self.directory) { sandbox in
                try await self.measure(sandbox, session: session, report)
            }
        }
    }

    private func measure(
        _ sandbox: Sandbox, session: Int, _ report: @escaping @Sendable (BenchFigure) -> Void
    ) async throws {
        let name = "session_\(session / 1000)s"
        let loop = try await self.restartLoop(sandbox, victim: try await self.follower(sandbox))
        try sandbox.requestLog.forgetEpochs()
        let tree = try await CoordinationTree(zookeeper: sandbox.description.zookeeper)
        do {
            if session == 6000 {
                let idle = try self.healers(
                    sandbox, settings: ["HEALER_INTERVAL": "5", "HEALER_LIVENESS_INTERVAL": "1"])
                try await self.awaitHealers(tree, count: idle.count)
                try await self.idleFigures(idle, report)
                for healer in idle { healer.send(SIGTERM) }
                for healer in idle { _ = await healer.ended(within: Self.limit) }
            }
            let healers = try self.healers(sandbox, settings: ["HEALER_PROFILE": "fast"])
            try await self.awaitHealers(tree, count: healers.count)
            for (role, isController) in [("broker", false), ("controller", true)] {
                let victim = isController ? try await self.controller(sandbox) : try await self.follower(sandbox)
                let act = try await self.kill(victim, sandbox, tree)
                report(BenchFigure(name: "\(name)_\(role)_confirmed_seconds", value: act.confirmed, goal: .atMost(1)))
                report(
                    BenchFigure(
                        name: "\(name)_\(role)_all_led_seconds", value: act.led, goal: .atMost(isController ? 1.5 : 1)))
                report(BenchFigure(name: "\(name)_\(role)_all_in_sync_seconds", value: act.inSync, goal: .atMost(loop)))
                if !isController {
                    report(
                        BenchFigure(name: "\(name)_restart_loop_all_in_sync_seconds", value: loop, goal: .atLeast(0)))
                    report(
                        BenchFigure(
                            name: "\(name)_ratio_to_restart_loop", value: act.inSync / loop,
                            goal: .atMost(session == 6000 ? 0.6 : 0.3)))
                }
            }
            if session == 6000 {
                try await self.guardFigures(tree, report)
                try await self.takeover(tree, healers, report)
            }
            await tree.close()
        } catch {
            await tree.close()
            throw error
        }
    }

    private func healers(_ sandbox: Sandbox, settings: [String: String]) throws -> [HealerProcess] {
        let shared = ["HEALER_COUNT": "3", "HEALER_LOG_LEVEL": "INFO"]
        return try (1...3).map { number in
            try HealerProcess(
                HealerID("healer-\(number)"), sandbox: sandbox, program: OwnProgram.beside("healer"),
                configuration: OwnProgram.example("config_development.yaml"),
                settings: shared.merging(settings) { $1 })
        }
    }

    private struct Act {
        let confirmed: Double
        let led: Double
        let inSync: Double
    }

    private func kill(_ victim: SandboxNode, _ sandbox: Sandbox, _ tree: CoordinationTree) async throws -> Act {
        let known = Set(try await tree.incidents().compactMap(\.id))
        let end = HostClock.now + Self.limit
        let blow = Self.now
        try await sandbox.kill(victim.name)
        let (led, inSync) = try await PartitionWitness(sandbox).recovery(of: victim, until: end)
        guard let led, let inSync else { throw SandboxError("\(victim.name) was not healed") }
        while HostClock.now < end {
            let mine = try await tree.incidents().first {
                $0.subject == .node(NodeName(victim.name)) && $0.id.map { !known.contains($0) } ?? false
            }
            if let mine, mine.phase == .closed, let confirmed = mine.confirmedAt {
                return Act(
                    confirmed: Self.seconds(blow, confirmed), led: Self.seconds(blow, led),
                    inSync: Self.seconds(blow, inSync))
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw SandboxError("the incident of \(victim.name) was not closed")
    }

    /// From the kill to all in sync, in seconds, with nothing but a loop that starts it again a second after each exit.
    private func restartLoop(_ sandbox: Sandbox, victim: SandboxNode) async throws -> Double {
        let end = HostClock.now + Self.limit
        let loop = RestartLoop(supervisor: try sandbox.supervisor(of: victim.name))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { _ = try await loop.run(for: Self.limit) }
            let blow = Self.now
            try await sandbox.kill(victim.name)
            let inSync = try await PartitionWitness(sandbox).recovery(of: victim, until: end).inSync
            group.cancelAll()
            guard let inSync else { throw SandboxError("the restart loop did not bring \(victim.name) back") }
            return Self.seconds(blow, inSync)
        }
    }

    private func controller(_ sandbox: Sandbox) async throws -> SandboxNode {
        let controller = await PartitionWitness(sandbox).look()?.controller
        guard let node = sandbox.description.brokers.first(where: { $0.broker == controller?.rawValue }) else {
            throw SandboxError("no controller")
        }
        return node
    }

    /// A broker that is not the controller.
    private func follower(_ sandbox: Sandbox) async throws -> SandboxNode {
        let controller = try await self.controller(sandbox)
        return sandbox.description.brokers.first { $0.name != controller.name }!
    }

    private func awaitHealers(_ tree: CoordinationTree, count: Int) async throws {
        let end = HostClock.now + Self.limit
        while HostClock.now < end {
            let observers = (try? await tree.session.children(tree.layout.observers).count) ?? 0
            if try await tree.leader()?.holder != nil, observers == count { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw SandboxError("the healers did not come up")
    }

    private func takeover(
        _ tree: CoordinationTree, _ healers: [HealerProcess], _ report: @Sendable (BenchFigure) -> Void
    ) async throws {
        guard let leader = try await tree.leader(), let holder = leader.holder,
            let process = healers.first(where: { $0.id == holder.member })
        else { throw SandboxError("nobody leads") }
        let blow = Self.now
        process.send(SIGKILL)
        let end = HostClock.now + Self.limit
        while try await tree.leader()?.epoch == leader.epoch {
            guard HostClock.now < end else { throw SandboxError("nobody took over") }
            try await Task.sleep(for: .milliseconds(10))
        }
        // By its broken connection; by the end of its session it would take six seconds.
        report(
            BenchFigure(
                name: "leader_killed_to_new_claim_seconds", value: Self.seconds(blow, Self.now), goal: .atMost(1)))
    }

    /// One write of the shape that opens a step: four checks and a set.
    private func guardFigures(_ tree: CoordinationTree, _ report: @Sendable (BenchFigure) -> Void) async throws {
        let layout = tree.layout
        let path = "\(layout.root)/bench"
        let session = tree.session
        try await session.create(path)
        let versions = try await [layout.leader, layout.control, layout.globalControl].asyncMap {
            ($0, try await session.get($0).stat.version)
        }
        var times: [Double] = []
        for _ in 0..<Self.guards {
            let begin = HostClock.now
            _ = try await session.multi(
                versions.map { .check($0.0, version: $0.1) } + [.set(path, data: [1], version: nil)])
            times.append((HostClock.now - begin).inSeconds * 1000)
        }
        try await session.delete(path)
        times.sort()
        report(BenchFigure(name: "guard_p50_ms", value: times[times.count / 2], goal: .atMost(5)))
        report(BenchFigure(name: "guard_p99_ms", value: times[times.count * 99 / 100], goal: .atMost(25)))
    }

    /// Of healers that look as often as they do unless told otherwise.
    private func idleFigures(
        _ healers: [HealerProcess], _ report: @Sendable (BenchFigure) -> Void
    ) async throws {
        try await Task.sleep(for: .seconds(5))
        let before = healers.map { Self.processorSeconds($0.process.pid) }
        let begin = HostClock.now
        try await Task.sleep(for: Self.idle)
        let elapsed = (HostClock.now - begin).inSeconds
        let shares = zip(healers, before).map { (Self.processorSeconds($0.process.pid) - $1) / elapsed * 100 }
        let sizes = healers.map { Self.residentMegabytes($0.process.pid) }
        report(
            BenchFigure(name: "idle_cpu_percent_of_a_core", value: shares.sorted()[shares.count / 2], goal: .atMost(1)))
        report(BenchFigure(name: "idle_rss_mb", value: sizes.sorted()[sizes.count / 2], goal: .atMost(40)))
    }

    /// User and system time of the process itself: fields 14 and 15 of `/proc/PID/stat`.
    private static func processorSeconds(_ pid: Int32) -> Double {
        guard let text = ProcFile.text("/proc/\(pid)/stat"), let name = text.lastIndex(of: ")") else { return 0 }
        let fields = text[text.index(after: name)...].split(separator: " ")
        return (Double(fields[11]) ?? 0) / 100 + (Double(fields[12]) ?? 0) / 100
    }

    private static func residentMegabytes(_ pid: Int32) -> Double {
        let line = ProcFile.text("/proc/\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line.flatMap { Double($0.split(separator: " ").dropFirst().first ?? "") }.map { $0 / 1024 } ?? 0
    }

    private static var now: WallTime { HostClock.wall }
    private static func seconds(_ from: WallTime, _ to: WallTime) -> Double {
        Double(to.rawValue - from.rawValue) / 1000
    }
}

extension Array where Element: Sendable {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
