import Admin
import Cluster
import Election
import Healer
import Synchronization

/// One cluster as one healer looks after it: its monitors, its core, its candidacy. Clusters share nothing.
final class ClusterHealing: Sendable {
    let name: ClusterName
    let loop: HealingLoop
    let candidacy: Candidacy
    let sources: BrokerSources
    let shell: ClusterShell
    private let coordination: CoordinationWatch
    let recordWatch: RecordWatch
    let spread: SpreadSettings
    private let registrations: RegistrationMonitor?
    private let metadata: MetadataMonitor
    private let liveness: LivenessMonitor
    private let supervisors: SupervisorMonitor
    private let latest: LatestObservations
    private let stateLog: StateLog
    private let checkLimit: Duration
    let time: any TimeSource
    let log: Logger

    /// How long a healer that stops keeps leading while a step is in flight.
    static let stopLimit = Duration.seconds(30)
    /// What of it is kept for the handover itself.
    static let handover = Duration.seconds(2)

    /// - Throws: for a property that librdkafka does not accept.
    init(_ cluster: ClusterConfiguration, _ parts: HealerParts) throws {
        let policy = parts.policy(for: cluster)
        let monitoring = parts.configuration.monitoring
        let time = parts.time
        let log = parts.log.with(["cluster": LogValue(cluster.name)])
        let layout = Layout(
            root: parts.configuration.coordination.zooKeeper.chroot + parts.configuration.coordination.root,
            cluster: cluster.name)
        let entrance = Entrance()
        let latest = LatestObservations()
        let observe: @Sendable (Observation) -> Void = { observation in
            latest.note(observation)
            entrance.post(.observed(observation))
        }
        self.liveness = LivenessMonitor(
            .init(interval: monitoring.livenessInterval, timeout: monitoring.timeout), report: observe)
        self.supervisors = SupervisorMonitor(
            interval: monitoring.interval, isConcurrent: monitoring.concurrentChecks, time: time, report: observe)
        self.registrations = parts.ensemble(of: cluster).map { ensemble in
            RegistrationMonitor(
                chroot: cluster.zooKeeper!.chroot, connect: { await ensemble.connect() }, time: time, report: observe)
        }
        self.metadata = try MetadataMonitor(
            cluster.kafka.mapValues(\.revealed), interval: monitoring.interval, timeout: monitoring.timeout, time: time,
            log: log, report: observe)
        let candidacy = Candidacy(layout: layout, parts: parts, log: log)
        self.coordination = CoordinationWatch(
            layout: layout, healer: parts.configuration.healerID, time: time, log: log, report: { entrance.post($0) },
            resign: { candidacy.resign(if: $0) })
        let ledger = Ledger(layout, kafkaRoot: policy.kafkaRoot)
        self.recordWatch = RecordWatch(ledger: ledger, time: time, log: log)
        self.shell = ClusterShell(
            policy,
            ClusterShell.Means(
                ledger: ledger, registrations: self.registrations,
                metadata: self.metadata, liveness: self.liveness, supervisors: self.supervisors,
                coordination: self.coordination, runner: parts.runner, orphan: { parts.orphan($0, $1, $2) },
                audit: { try await parts.logs.audit($0, of: cluster.name) },
                auditAgain: { try await parts.logs.auditAgain() },
                performance: { step, took in
                    parts.logs.performance(
                        "step", took: took,
                        ["cluster": LogValue(cluster.name), "intent.step": .string(step.rawValue)])
                }, time: time, log: log),
            targets: { parts.target($0, in: cluster) })
        self.loop = HealingLoop(policy: policy, seed: .random(in: .min ... .max), shell: self.shell, time: time)
        entrance.open(self.loop.reports)
        self.name = cluster.name
        self.latest = latest
        self.sources = BrokerSources(cluster)
        self.stateLog = StateLog(
            logs: parts.logs, log: log, cluster: cluster.name, time: time, sources: self.sources)
        self.checkLimit = monitoring.timeout
        self.candidacy = candidacy
        self.spread = SpreadSettings(parts.configuration)
        self.time = time
        self.log = log
        if policy.zooKeeperMode == false {
            log.warning("a KRaft cluster is only observed", [:])
        }
    }

    /// Watches, decides, and takes part in the election until cancelled.
    func run() async {
        await self.watching {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.keepSpread() }
                group.addTask { await self.keepWitnessed() }
                await self.candidacy.run(settled: { await self.stepsEnd() }) { update in await self.follow(update) }
                group.cancelAll()
            }
        }
    }

    /// Watches and decides, without a candidacy, while the body runs.
    func watching(_ body: @escaping @Sendable () async -> Void) async {
        await self.shell.watchNodes()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.loop.run() }
            group.addTask { await self.shell.run() }
            group.addTask { await self.coordination.run() }
            group.addTask { await self.recordWatch.run() }
            group.addTask { await self.metadata.run() }
            group.addTask { await self.supervisors.run() }
            if let registrations = self.registrations { group.addTask { await registrations.run() } }
            group.addTask { await self.stateLog.run { await self.loop.view() } }
            await body()
            group.cancelAll()
        }
        self.liveness.stop()
    }

    private func follow(_ update: Candidacy.Update) async {
        switch update {
        case .began(let elector): await self.shell.use(elector)
        case .leadership(let leadership):
            await self.shell.stand(leadership)
            self.loop.reports(.leadership(leadership))
            await self.recordWatch.stand(leads: leadership.epoch != nil)
        case .session(let session):
            await self.coordination.use(session)
            await self.recordWatch.use(session)
        }
    }

    /// Before ``watching(_:)``: lets the core read what healers have put into ZooKeeper, and nothing write there.
    /// - Returns: whether there is anything to be read; false where no healer has run yet, or ZooKeeper does not say.
    func read(_ session: any StoreSession) async -> Bool { await self.coordination.read(session) }

    /// What stands in ZooKeeper for every healer to tell, as last read.
    var records: SharedRecords {
        get async {
            var records = await self.recordWatch.records
            records.observedAt = await self.coordination.observedAt
            return records
        }
    }

    /// Starts nothing new; keeps leading while a step is in flight, but not for ever; then hands over.
    func stop() async {
        if let epoch = self.candidacy.beginStop() { self.loop.reports(.leadership(.suspended(epoch))) }
        await self.stepsEnd()
        await self.candidacy.end(line: await self.recordWatch.line)
    }

    /// Returns when no step is in flight, or when there is just time left to hand over. What may be interrupted is ended
    /// meanwhile.
    private func stepsEnd() async {
        let end = self.time.now() + Self.stopLimit - Self.handover
        var isSaid = false
        while await self.shell.stepsInFlight > 0, self.time.now() < end, !Task.isCancelled {
            if !isSaid { self.log.info("a step is in flight; handing over when it has ended") }
            isSaid = true
            // Also one that was permitted just before, and has begun since.
            await self.shell.interruptSteps()
            try? await self.time.sleep(for: .milliseconds(100))
        }
    }

    /// Asks every method that watches this node now, and says what each found within the monitors' time limit.
    func check(_ name: NodeName) async -> [CheckResult] {
        guard let target = await self.shell.nodes[name] else { return [] }
        let begin = self.time.now()
        self.liveness.look(name)
        self.supervisors.look(name)
        self.registrations?.look()
        self.metadata.look()
        let methods = target.methods(inZooKeeperMode: self.registrations != nil)
        while self.time.now() - begin < self.checkLimit, !self.latest.isFresh(methods, of: target.node, since: begin) {
            try? await self.time.sleep(for: .milliseconds(20))
        }
        return methods.map { self.latest.result(of: $0, for: target.node, since: begin, limit: self.checkLimit) }
    }
}

/// Lets monitors report before the loop that they report to is there; what comes too early is made up for by their next
/// turn.
private final class Entrance: Sendable {
    private let reports = Mutex<HealingReports?>(nil)
    func open(_ reports: HealingReports) { self.reports.withLock { $0 = reports } }
    func post(_ event: Event) { self.reports.withLock { $0 }?(event) }
}
