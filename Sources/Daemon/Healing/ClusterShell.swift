import Cluster
import Election
import Healer

/// Carries out what the core machine asks for one cluster: over monitors, supervisors, the runner, and ZooKeeper under
/// the guard of the leadership.
actor ClusterShell: HealingShell {
    /// What it acts through.
    struct Means: Sendable {
        let ledger: Ledger
        /// Of the cluster that is looked after, for a deregistration that does not ride inside the guard.
        let registrations: RegistrationMonitor?
        let metadata: MetadataMonitor?
        let liveness: LivenessMonitor
        let supervisors: SupervisorMonitor
        let coordination: CoordinationWatch
        let runner: StepRunner
        /// Lets a runner whose healer died find the ensemble.
        let orphan: @Sendable (_ path: String, _ version: Int32, RecoveryRecord) -> OrphanOutcome
        /// Returns when it is on the disk.
        let audit: @Sendable (AuditRecord) async throws -> Void
        /// Whether it can be written again, after it could not: throws while it cannot.
        let auditAgain: @Sendable () async throws -> Void
        /// Puts down how long a step took.
        let performance: @Sendable (Step, Duration) -> Void
        let time: any TimeSource
        let log: Logger
    }

    let healer: HealerID
    let sharesEnsemble: Bool
    let means: Means
    private let targets: @Sendable (Node) -> NodeTarget
    var nodes: [NodeName: NodeTarget] = [:]
    private(set) var elector: Elector?
    /// Where each open intent stands, as it was put down.
    var putDown: [IntentID: OrphanOutcome] = [:]
    var running: Set<IntentID> = []
    var ended: [IntentID: EndedStep] = [:]
    /// Of the steps that run and may be interrupted.
    var interruptions: [IntentID: StepInterruption] = [:]
    /// The leadership that permits what runs; `nil` once it is over.
    private(set) var epoch: Epoch?
    var auditProblem: String?
    /// When the audit trail refused something last, and why.
    var auditFailure: (at: Moment, reason: String)?
    /// Somebody looks from time to time whether it can be written again.
    var awaitsAudit = false
    /// Between two looks at an audit trail that could not be written.
    static let auditPause = Duration.seconds(1)

    private let jobs: AsyncStream<@Sendable () async -> Void>
    private let job: AsyncStream<@Sendable () async -> Void>.Continuation

    init(_ policy: Policy, _ means: Means, targets: @escaping @Sendable (Node) -> NodeTarget) {
        self.healer = policy.healer
        self.sharesEnsemble = policy.sharesEnsemble
        self.means = means
        self.targets = targets
        (self.jobs, self.job) = AsyncStream.makeStream()
        for node in policy.nodes { self.nodes[node.name] = targets(node) }
    }

    /// Carries out what takes long, until cancelled. What the core waits for at once is bounded by its nodes.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await job in self.jobs { group.addTask(operation: job) }
            group.cancelAll()
        }
    }

    /// Beside everything else, until it ends or we do.
    func begin(_ job: @escaping @Sendable () async -> Void) { self.job.yield(job) }

    /// The elector of the present candidacy.
    func use(_ elector: Elector) { self.elector = elector }

    /// With the leadership end the steps that may be interrupted, and what has come of others is for their runners to put
    /// down: the next leader waits for it.
    func stand(_ leadership: Leadership) {
        self.epoch = leadership.epoch
        guard self.epoch == nil else { return }
        self.interruptSteps()
        for ended in self.ended.values { ended.finish(recorded: false) }
        self.ended = [:]
        self.putDown = [:]
    }

    /// Those that may be.
    func interruptSteps() {
        for interruption in self.interruptions.values { interruption.ask() }
    }

    /// Steps that run, or whose outcome is not put down yet.
    var stepsInFlight: Int { self.running.count + self.ended.count }

    /// Begins to watch all nodes that are known.
    func watchNodes() async {
        self.means.liveness.watch(Set(self.nodes.values.compactMap(\.liveness)))
        await self.means.supervisors.watch(self.nodes.values.compactMap(\.supervised))
    }

    func perform(_ effect: Effect, report: HealingReports) async {
        switch effect {
        case .look(let node, let methods): self.look(node, methods)
        case .readPartitionStates(let partitions): self.means.registrations?.look(at: partitions)
        case .watch(let node):
            self.nodes[node.name] = self.targets(node)
            await self.watchNodes()
        case .publish(let digest): await self.means.coordination.publish(digest)
        case .readLedger: self.job.yield { await self.readLedger(report) }
        case .write(let write): self.job.yield { await self.write(write, report) }
        case .run(let order):
            self.running.insert(order.intent.id)
            self.job.yield { await self.run(order, report) }
        case .probe(let intent): self.job.yield { report(.probed(intent.id, await self.probe(intent))) }
        case .collectEvidence(let request):
            self.job.yield { report(.evidence(request, await self.collect(request))) }
        case .page(let page): self.page(page)
        case .note(let note): await self.note(note, report)
        }
    }

    private func look(_ node: NodeName?, _ methods: [MonitorMethod]) {
        for method in methods {
            switch method {
            case .socket, .protocol, .fourLetter: if let node { self.means.liveness.look(node) }
            case .supervisor: if let node { self.means.supervisors.look(node) }
            case .zookeeper: self.means.registrations?.look()
            case .metadata: self.means.metadata?.look()
            }
        }
    }

    private func readLedger(_ report: HealingReports) async {
        guard let session = await self.means.coordination.present else {
            return report(.ledgerUnreadable(reason: "no session"))
        }
        do throws(StoreError) {
            report(.ledgerRead(try await LedgerReader(ledger: self.means.ledger).read(session)))
        } catch {
            report(.ledgerUnreadable(reason: "\(error)"))
        }
    }
}

/// What a shell needs to know of one node.
struct NodeTarget: Sendable {
    let node: Node
    /// By which it is watched.
    let methods: Set<MonitorMethod>
    /// `nil` if no connection to it is held.
    let liveness: LivenessMonitor.Target?
    /// `nil` if nobody can be told to start it.
    let supervisor: (any Supervisor)?
    /// Whether its process may be made to write a thread dump.
    let mayDump: Bool

    /// `nil` if its supervisor is not asked how it is.
    var supervised: SupervisorMonitor.Target? {
        guard self.methods.contains(.supervisor) else { return nil }
        return self.supervisor.map { SupervisorMonitor.Target(node: self.node, supervisor: $0) }
    }
}

extension NodeTarget {
    /// - Parameters:
    ///   - usesTLS: whether the brokers of its cluster are reached through TLS.
    ///   - supervisor: makes what its configuration describes.
    init(
        _ node: Node, _ settings: NodeSettings, usesTLS: Bool,
        supervisor: (SupervisorConfiguration) -> any Supervisor
    ) {
        var exchanges: Set<Exchange> = []
        switch node.role {
        case .broker:
            // ApiVersions needs a plain listener: through TLS only the connection is held.
            if settings.methods.contains(.protocol), !usesTLS {
                exchanges.insert(.apiVersions)
            } else if !settings.methods.isDisjoint(with: [.socket, .protocol]) {
                exchanges.insert(.none)
            }
        case .zooKeeper:
            if settings.methods.contains(.socket) { exchanges.insert(.none) }
            if settings.methods.contains(.fourLetter) { exchanges.insert(.fourLetter("srvr")) }
        }
        self.init(
            node: node, methods: settings.methods,
            liveness: exchanges.isEmpty ? nil : .init(node: node.name, endpoint: node.endpoint, exchanges: exchanges),
            supervisor: settings.supervisor.map(supervisor),
            mayDump: settings.actions.contains(.dump))
    }
}

extension NodeTarget {
    /// By which it is watched, in the order of the documentation.
    func methods(inZooKeeperMode: Bool) -> [MonitorMethod] {
        var methods: [MonitorMethod] = []
        if let liveness = self.liveness {
            methods.append(.socket)
            methods += liveness.exchanges.map(\.method).filter { $0 != .socket }.sorted { $0.rawValue < $1.rawValue }
        }
        if self.node.brokerID != nil { methods += inZooKeeperMode ? [.metadata, .zookeeper] : [.metadata] }
        if self.supervised != nil { methods.append(.supervisor) }
        return methods.filter { ![.metadata, .zookeeper].contains($0) || self.methods.contains($0) }
    }
}
