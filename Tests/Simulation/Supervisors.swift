internal import Cluster

/// Runs permitted steps, as the small runners and the supervisors behind them do: a step that was begun goes on when its
/// healer dies. It keeps the log of requests that is the witness of every step.
final class Supervisors {
    private struct Run {
        let intent: Intent
        var result: StepResult?
    }
    private unowned let world: World
    private var runs: [IntentID: Run] = [:]

    init(world: World) { self.world = world }

    func result(of id: IntentID) -> ProbeResult {
        guard let run = self.runs[id] else { return .notStarted }
        return run.result.map { .done($0) } ?? .running
    }

    /// A request reached the supervisor.
    func begin(_ intent: Intent, by healer: Int, ended: @escaping (StepResult) -> Void) {
        guard let id = SimulatedCluster.id(intent.node) else { return }
        self.judge(intent, id, by: healer)
        self.runs[intent.id] = Run(intent: intent)
        let took = self.world.scheduler.random.duration(.milliseconds(20)...(.milliseconds(800)))
        self.world.scheduler.after(took) {
            let result = self.carryOut(intent, id, took: took)
            self.runs[intent.id]!.result = result
            ended(result)
        }
    }

    private func judge(_ intent: Intent, _ id: BrokerID, by healer: Int) {
        let who = "healer \(healer), intent \(intent.id): \(intent.step.rawValue) \(intent.node)"
        if self.runs[intent.id] != nil { self.world.violated("S5", "\(who) began twice") }
        for (other, run) in self.runs.sorted(by: { $0.key < $1.key }) where run.result == nil && other != intent.id {
            self.world.violated(
                run.intent.node == intent.node ? "S1" : "S7", "\(who) began while \(other) was under way")
        }
        let path = self.world.layout.recovery(of: intent.node)
        if !self.world.hasIntent(intent, at: path) {
            self.world.violated("S5", "\(who) began without an open intent in ZooKeeper")
        }
        switch intent.step {
        case .start:
            if self.world.cluster.brokers[id]!.launches >= self.world.policy.retry.attempts {
                self.world.violated("S6", "\(who) is one attempt too many")
            }
        case .kill:
            if intent.target == nil { self.world.violated("S9", "\(who) names no process") }
        case .deregister:
            break
        }
    }

    private func carryOut(_ intent: Intent, _ id: BrokerID, took: Duration) -> StepResult {
        let world = self.world
        let cluster = world.cluster!
        let who = "intent \(intent.id): \(intent.step.rawValue) \(intent.node)"
        switch intent.step {
        case .start:
            guard !cluster.isRunning(id) else { return StepResult(.succeeded, took: took) }
            if cluster.brokers[id]!.registration != nil {
                world.violated("S7", "\(who) while it was still registered: it will die of NodeExists")
            }
            cluster.launch(id)
        case .kill:
            guard cluster.isRunning(id), intent.target == nil || intent.target == cluster.identity(id) else {
                return StepResult(.failed, took: took, output: "not this process")
            }
            let frozen = cluster.brokers[id]!.lastFrozen.map { world.scheduler.now - $0 } ?? .seconds(1_000_000)
            // Between the last look and the kill a process may wake up; not long before.
            if cluster.brokers[id]!.frozenSince == nil, frozen > .seconds(6) {
                world.violated("S9", "\(who) hit a process that was not hung")
            }
            cluster.kill(id)
        case .deregister:
            guard let registration = intent.registration else { return StepResult(.failed, took: took) }
            guard let current = cluster.brokers[id]!.registration, current.owner == registration.owner else {
                return StepResult(.succeeded, took: took)
            }
            if cluster.isRegisteredByItself(id) {
                world.violated("S9", "\(who) took the registration of a live broker")
            }
            cluster.deregister(id)
        }
        return StepResult(.succeeded, took: took)
    }
}
