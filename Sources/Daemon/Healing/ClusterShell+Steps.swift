import Cluster
import Election
import Healer

extension ClusterShell {
    /// One guarded write. An intent that cannot stand in the audit trail is not written at all.
    func write(_ write: LedgerWrite, _ report: HealingReports) async {
        var kind = GuardedRequest.Kind.record
        if case .intent(let intent, let control) = write.purpose {
            kind = .step(control: control.cluster, globalControl: control.global)
            guard await self.audit(.intent(intent), report) else { return report(.notAudited(write.id)) }
        }
        guard let elector = self.elector else { return report(.written(write.id, .notLeading)) }
        let operations = self.means.ledger.operations(for: write)
        let result = await elector.write(GuardedRequest(kind, operations))
        if case .refused(let place, let error) = result, error.isAboutAccess, operations.indices.contains(place) {
            await self.sayRefused(operations[place], error, write, isIntent: place < write.changes.count, report)
        }
        switch (write.purpose, result) {
        case (.intent(let intent, _), .committed(_, let results)): self.remember(intent, write, results)
        case (.outcome(let id), _): self.finish(id, recorded: result.isCommitted)
        default: break
        }
        report(.written(write.id, result))
    }

    /// Where the runner of this intent would leave its outcome.
    private func remember(_ intent: Intent, _ write: LedgerWrite, _ results: [StoreResult]) {
        for (change, result) in zip(write.changes, results) {
            guard case .put(.recovery(let record), _) = change, record.intent.id == intent.id else { continue }
            let version: Int32
            if case .set(let stat) = result { version = stat.version } else { version = 0 }
            self.putDown[intent.id] = self.means.orphan(
                self.means.ledger.path(of: .recovery(intent.node)), version, record)
        }
    }

    private func finish(_ id: IntentID, recorded: Bool) {
        self.putDown[id] = nil
        self.ended.removeValue(forKey: id)?.finish(recorded: recorded)
    }

    func run(_ order: Order, _ report: HealingReports) async {
        let id = order.intent.id
        let result = await self.carryOut(order, report)
        self.running.remove(id)
        self.means.performance(order.intent.step, .milliseconds(result.tookMilliseconds))
        report(.stepEnded(id, result))
    }

    private func carryOut(_ order: Order, _ report: HealingReports) async -> StepResult {
        let intent = order.intent
        guard let target = self.nodes[intent.node] else { return StepResult(.notStarted, output: "no such node") }
        guard await self.audit(.begin(intent), report) else {
            return StepResult(
                .notStarted, output: "the audit trail cannot be written: \(self.auditProblem ?? "unknown why")")
        }
        if intent.step == .deregister {
            if let refusal = await self.mayNotBegin(order) { return refusal }
            return await self.deregister(intent, order.startBy)
        }
        guard let supervisor = target.supervisor else {
            return StepResult(.notPermitted, output: "\(intent.node) has no supervisor")
        }
        let command: Command
        do throws(SupervisorFailure) {
            command = try supervisor.command(
                SupervisorVerb(intent.step), target.node, identity: intent.target,
                environment: self.environment(of: order))
        } catch {
            return StepResult(.notPermitted, output: error.reason)
        }
        let armed: ArmedStep
        do throws(SpawnedProcess.Failure) {
            // Before its beginning is put down, so that from then on somebody who outlives this healer knows of it.
            armed = try await self.means.runner.arm(
                StepOrder(
                    arguments: command.arguments, environment: command.environment,
                    limitMilliseconds: min(command.limit, intent.limit).wholeMilliseconds, cap: command.cap,
                    startBy: order.startBy.nanoseconds, leavesProcesses: command.leavesProcesses,
                    mayYield: command.mayYield, isInterruptible: command.isInterruptible,
                    orphan: self.putDown[intent.id]))
        } catch {
            return StepResult(.notPermitted, output: "no runner: \(error)")
        }
        let refusal = await self.mayNotBegin(order)
        let interruption = command.isInterruptible ? StepInterruption() : nil
        self.interruptions[intent.id] = interruption
        let ended = if let refusal { armed.drop(refusal) } else { await armed.begin(interruption) }
        self.interruptions[intent.id] = nil
        if self.epoch == intent.id.epoch {
            self.ended[intent.id] = ended
        } else {
            // Nobody here will put it down.
            ended.finish(recorded: false)
        }
        return ended.result
    }

    /// Puts down that it begins. `nil`: it may.
    private func mayNotBegin(_ order: Order) async -> StepResult? {
        guard await self.markBegun(order.intent) else {
            let path = self.means.ledger.layout.begun(order.intent.node)
            return StepResult(.notStarted, output: "its beginning could not be put down at \(path)")
        }
        guard let elector = self.elector, elector.mayBegin(under: order.intent.id.epoch),
            self.means.time.now() <= order.startBy
        else { return StepResult(.notStarted, output: "the leadership is in doubt, or startBy has passed") }
        return nil
    }

    /// Right before a step begins, under the guard of the leadership: whoever claims later, and finds no mark, knows that
    /// it never did and never will.
    private func markBegun(_ intent: Intent) async -> Bool {
        guard let elector = self.elector else { return false }
        let (path, mark) = (self.means.ledger.layout.begun(intent.node), Array("\(intent.id)".utf8))
        let answer = await elector.write(GuardedRequest(.record, [.set(path, data: mark, version: nil)]))
        guard case .refused(_, let error) = answer, error.reason == .noNode else { return answer.isCommitted }
        return await elector.write(GuardedRequest(.record, [.create(path, data: mark)])).isCommitted
    }

    /// Whether a step of an earlier leadership is known to have never begun. Asked by who has claimed since, on the session
    /// of that claim, which sees all that was committed before.
    private func neverBegan(_ intent: Intent, _ session: any StoreSession) async -> Bool {
        do throws(StoreError) {
            let node = try await session.get(self.means.ledger.layout.begun(intent.node), watch: nil)
            // Of one node no two steps are under way at once, so an older mark is that of a step before this one.
            return IntentID(String(decoding: node.data, as: UTF8.self)).map { $0 < intent.id } ?? false
        } catch {
            return error.reason == .noNode
        }
    }

    /// What a command can learn of why it runs, and refuse by.
    private func environment(of order: Order) -> [String: String] {
        var values = [
            "HEALER_NODE": order.intent.node.rawValue, "HEALER_EPOCH": "\(order.intent.id.epoch)",
            "HEALER_INTENT": "\(order.intent.id)", "HEALER_INCIDENT": "\(order.intent.incident)",
            "HEALER_ID": self.healer.rawValue, "HEALER_START_BY": "\(order.startBy.nanoseconds)",
        ]
        values["HEALER_IDENTITY"] = order.intent.target?.rawValue
        return values
    }

    /// On an ensemble of its own: read again, right before, that the dead session still owns what is removed.
    private func deregister(_ intent: Intent, _ startBy: Moment) async -> StepResult {
        let begin = self.means.time.now()
        guard let registration = intent.registration, !self.sharesEnsemble,
            let session = await self.means.registrations?.present
        else { return StepResult(.notStarted, output: "the cluster's ZooKeeper is not connected") }
        let path = "\(self.means.ledger.kafkaRoot)/brokers/ids/\(registration.broker)"
        do throws(StoreError) {
            try await session.sync(path)
            guard let stat = try await session.exists(path, watch: nil) else {
                return StepResult(.succeeded, took: self.means.time.now() - begin, output: "it had expired already")
            }
            guard stat.ephemeralOwner == registration.owner else {
                return StepResult(.failed, output: "another session has registered since")
            }
            guard self.means.time.now() <= startBy else { return StepResult(.notStarted, output: "startBy has passed") }
            _ = try await session.multi(self.means.ledger.removal(of: registration))
            return StepResult(.succeeded, took: self.means.time.now() - begin)
        } catch {
            return StepResult(error.isAmbiguous ? .unknown : .failed, output: "\(error)")
        }
    }

    /// What became of a step that an earlier leadership left behind, by what its supervisor and the registrations say.
    func probe(_ intent: Intent) async -> ProbeResult {
        if let session = await self.means.coordination.present,
            let node = try? await session.get(self.means.ledger.path(of: .recovery(intent.node)), watch: nil),
            case .recovery(let record)? = Ledger.decode(node.data, of: .recovery(intent.node)),
            record.intent.id == intent.id
        {
            if let result = record.result { return .done(result) }
            if await self.neverBegan(intent, session) { return .notStarted }
        }
        switch intent.step {
        case .deregister: return await self.probeRegistration(intent)
        case .start, .kill:
            guard let target = self.nodes[intent.node], let supervisor = target.supervisor else { return .unknown }
            return await supervisor.probe(SupervisorVerb(intent.step), target.node, identity: intent.target)
        }
    }

    private func probeRegistration(_ intent: Intent) async -> ProbeResult {
        guard let registration = intent.registration, let session = await self.means.registrations?.present else {
            return .unknown
        }
        let path = "\(self.means.ledger.kafkaRoot)/brokers/ids/\(registration.broker)"
        do throws(StoreError) {
            try await session.sync(path)
            let stat = try await session.exists(path, watch: nil)
            return stat?.ephemeralOwner == registration.owner ? .unknown : .done(StepResult(.succeeded))
        } catch {
            return .unknown
        }
    }

    func collect(_ request: EvidenceRequest) async -> Evidence {
        guard let target = self.nodes[request.node], let supervisor = target.supervisor else { return Evidence() }
        var request = request
        request.threadDump = request.threadDump && target.mayDump
        return await EvidenceCollection(node: target.node, supervisor: supervisor).collect(request)
    }
}

extension SupervisorVerb {
    fileprivate init(_ step: Step) {
        switch step {
        case .start: self = .start
        case .kill: self = .kill
        case .deregister: preconditionFailure("a registration is not the supervisor's")
        }
    }
}
