import Admin
import Cluster
import FoundationEssentials
import Glibc
import Healer
import MicroHTTPD

/// `healer run` and `healer test`, from the configuration to the last log line.
enum HealerProgram {
    /// Exit statuses of `healer`.
    enum Exit {
        static let success: Int32 = 0
        static let failure: Int32 = 1
        static let configuration: Int32 = 2
        /// Of `healer test`: something is not well.
        static let unhealthy: Int32 = 10
        /// A second signal, as a shell reports SIGTERM.
        static let forced: Int32 = 143
    }

    /// How long connections and loops may take to end once the leadership is handed over.
    private static let lastWords = Duration.seconds(5)

    /// Watches and heals until SIGTERM or SIGINT.
    static func run(_ path: String, dryRun: Bool) async -> Int32 {
        guard let configuration = self.load(path) else { return Exit.configuration }
        let logs: HealerLogs
        do {
            logs = try HealerLogs(configuration.logging, healer: configuration.healerID)
        } catch {
            self.complain("cannot log: \(error)")
            return Exit.failure
        }
        let reopening = ReopenSignal { logs.reopen() }
        let exit = await self.run(configuration, dryRun: dryRun, logs)
        reopening.end()
        await logs.drain()
        return exit
    }

    private static func run(_ configuration: Configuration, dryRun: Bool, _ logs: HealerLogs) async -> Int32 {
        let log = logs.logger
        let pages = PageServers()
        let servers: [HTTPServer]
        do {
            servers = try await pages.listen(configuration.api)
        } catch {
            self.complain("\(error)")
            log.error("cannot listen", ["error": LogValue("\(error)")])
            return Exit.failure
        }
        let address = Endpoint(host: configuration.api.advertisedHost, port: servers[0].port).description
        let parts = HealerParts(configuration, dryRun: dryRun, address: address, logs: logs)
        let healings: [ClusterHealing]
        do {
            healings = try configuration.clusters.map { try ClusterHealing($0, parts) }
        } catch {
            self.complain("\(error)")
            for server in servers { await server.stop() }
            await parts.close()
            return Exit.configuration
        }
        ZooKeeperEnsemble.begin(log: log)
        parts.ensemble.warnIfOpen()
        log.info(
            "healer started",
            [
                "healer.version": .string(HealerVersion.current), "healer.id": LogValue(configuration.healerID),
                "healer.api": .string(address), "healer.dry_run": .boolean(dryRun),
                "healer.configuration": .string(configuration.digest),
            ])
        log.info(
            "what a step leaves behind is found",
            [
                "step.kept_by": .string(parts.runner.withoutGroup == nil ? "control group" : "process group and mark"),
                "reason": .string(parts.runner.withoutGroup?.description ?? "cgroup v2 is writable here"),
            ])
        let status = HealerStatus(healings, parts)
        pages.show(status)
        let service = ServiceNotices(environment: ProcessInfo.processInfo.environment)
        await withTaskGroup(of: Void.self) { group in
            for server in servers { group.addTask { await server.run() } }
            group.addTask { await status.keepBeat() }
            if let service { group.addTask { await service.run(status) } }
            for healing in healings { group.addTask { await healing.run() } }
            await StopSignals.first(forced: Exit.forced)
            log.info("healer stops")
            service?.stopping()
            // A supervisor that waits for us must not have to kill us, whatever hangs.
            StopSignals.endAtLatest(after: ClusterHealing.stopLimit + self.lastWords, status: Exit.failure)
            await withTaskGroup(of: Void.self) { stops in
                for healing in healings { stops.addTask { await healing.stop() } }
            }
            group.cancelAll()
        }
        await parts.close()
        log.info("healer stopped")
        return Exit.success
    }

    /// One cycle of looking: a report, and out. Changes nothing, and takes no part in an election.
    static func test(_ path: String) async -> Int32 {
        guard let loaded = self.load(path) else { return Exit.configuration }
        var quiet = loaded
        quiet.logging.directory = nil
        quiet.logging.level = .error
        let configuration = quiet
        do {
            let logs = try HealerLogs(configuration.logging, healer: configuration.healerID)
            let parts = HealerParts(configuration, dryRun: true, address: "", logs: logs)
            let outcome: Result<Bool, any Error>
            do { outcome = .success(try await self.look(parts)) } catch { outcome = .failure(error) }
            await parts.close()
            await logs.drain()
            return try outcome.get() ? Exit.success : Exit.unhealthy
        } catch {
            self.complain("\(error)")
            return Exit.failure
        }
    }

    /// Prints what one cycle sees of each cluster; returns whether all is well.
    private static func look(_ parts: HealerParts) async throws -> Bool {
        let healings = try parts.configuration.clusters.map { try ClusterHealing($0, parts) }
        let status = HealerStatus(healings, parts)
        let session = await parts.ensemble.connected(within: self.patience)
        if session == nil {
            let servers = parts.configuration.coordination.zooKeeper
            self.complain(
                "warning: the coordination ensemble \(servers) does not answer, so nodes that were discovered before "
                    + "are not known; this says nothing of them")
        }
        var isHealthy = true
        for healing in healings {
            let remembers = if let session { await healing.read(session) } else { false }
            await healing.watching { await self.awaitOneCycle(healing, parts.configuration, remembers: remembers) }
            if remembers, let failure = await healing.loop.view().ledgerFailure {
                self.complain("warning: nodes that were discovered before cannot be read: \(failure)")
            }
            let page = await status.nodes(of: healing.name)
            try answer(page.verdict.text(of: healing.name, colours: false) + "\n" + page.text(colours: false))
            isHealthy = isHealthy && page.verdict.healthy
        }
        await session?.close()
        return isHealthy
    }

    /// How long `test` waits for the coordination ensemble, which has only remembered nodes to tell.
    private static let patience = Duration.seconds(5)

    /// Until every node has been looked at by all that watches it, or two intervals are over.
    /// - Parameter remembers: whether nodes may be remembered in ZooKeeper, which are to be looked at as well.
    private static func awaitOneCycle(
        _ healing: ClusterHealing, _ configuration: Configuration, remembers: Bool
    ) async {
        let clock = BootClock()
        let end = clock.now() + max(configuration.monitoring.interval * 2, .seconds(10))
        while clock.now() < end {
            try? await clock.sleep(for: .milliseconds(200))
            let view = await healing.loop.view()
            if remembers, !view.ledgerIsRead { continue }
            let isSeen = view.nodes.allSatisfy { $0.lastCheck != nil && $0.status != .unknown }
            if isSeen, view.partitions.age != nil, view.nodes.contains(where: { $0.node.brokerID != nil }) { return }
        }
    }

    private static func load(_ path: String) -> Configuration? {
        do throws(ConfigurationProblems) {
            let loaded = try ConfigurationFile.load(path, environment: ProcessInfo.processInfo.environment)
            for warning in loaded.warnings { self.complain("warning: \(warning)") }
            return loaded.configuration
        } catch {
            let count = error.problems.count
            self.complain("\(error)\n\(path): \(count) \(count == 1 ? "error" : "errors"), not started")
            return nil
        }
    }

    private static func complain(_ text: String) {
        writeAll(STDERR_FILENO, Array("healer: \(text)\n".utf8))
    }
}
