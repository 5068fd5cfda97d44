import Cluster
import Healer
import Testing

/// A whole recovery, step by step, as one leader goes through it.
@Suite struct RecoveryScenarioTests {
    let broker = Rig.broker(2)
    let life = Rig.life(Rig.broker(2), 1)

    @Test(
        "A killed broker is confirmed by its supervisor at once, deregistered, started, verified, and closed as healed")
    func killed() {
        var rig = Rig.leading()
        rig.effects = []
        let begin = rig.now
        rig.kill(self.broker)
        // No tick has passed: the reset alone drives it.
        #expect(rig.now - begin < .milliseconds(10))
        #expect(rig.effects.contains(.look(self.broker, [.supervisor])))
        #expect(rig.incident(self.broker)?.code == .brokerDead)
        #expect(rig.incident(self.broker)?.phase == .confirmed)
        #expect(rig.incident(self.broker)?.id == IncidentID(epoch: Epoch(1), number: 1))
        #expect(rig.evidence.map(\.threadDump) == [false])
        #expect(
            rig.removals == [DeadRegistration(broker: BrokerID(2), owner: 102, version: 0, controllerEpochVersion: nil)]
        )
        #expect(rig.intents.map(\.intent.step) == [.deregister, .start])
        #expect(rig.runs.map(\.intent.step) == [.start])
        #expect(rig.runs[0].intent.target == self.life)
        #expect(rig.runs[0].startBy - begin < .milliseconds(1010))

        rig.now = rig.now + .milliseconds(300)
        rig.start(self.broker)
        rig.end(rig.runs[0].intent.id)
        #expect(rig.ledger.recovery(self.broker)?.result?.outcome == .succeeded)
        #expect(rig.row(self.broker).status == .starting)
        rig.pass(.seconds(3))
        rig.serve(self.broker)
        rig.pass(.seconds(2))
        #expect(rig.incident(self.broker) != nil, "it must hold first")
        rig.pass(.seconds(3))
        #expect(rig.lastClosed?.closing == .healed)
        #expect(rig.row(self.broker).status == .healthy)
        #expect(rig.runs.count == 1)
        #expect(rig.pages.isEmpty)
        #expect(rig.view.counters.healed == [self.broker: 1])
        #expect(rig.ledger.incidents.map(\.phase) == [.closed])
        #expect(rig.ledger.history(self.broker)?.attempts.isEmpty == true)
    }

    @Test("It is calm while all is well, not from the first sign of trouble on, and again once that is healed")
    func calm() {
        var rig = Rig.leading()
        var isCalm: Bool { rig.machine.isCalm }
        rig.pass(.seconds(2))
        #expect(isCalm)
        rig.see(self.broker, .connectionReset, .socket)
        #expect(!isCalm)
        rig.kill(self.broker)
        #expect(!isCalm)
        rig.start(self.broker)
        rig.end(rig.runs[0].intent.id)
        rig.serve(self.broker)
        #expect(!isCalm, "it must hold first")
        rig.pass(.seconds(6))
        #expect(rig.lastClosed?.closing == .healed)
        #expect(isCalm)
    }

    @Test("If the dead broker's session owns /controller, both go in one write, at the epoch that was read")
    func controller() {
        var rig = Rig.leading()
        rig.effects = []
        rig.kill(Rig.broker(1))
        #expect(rig.removals.map(\.controllerEpochVersion) == [4])
        #expect(rig.runs.map(\.intent.node) == [Rig.broker(1)])
    }

    @Test("On an ensemble of its own the removal is a step of its own, and the start waits for it")
    func separateEnsemble() {
        var rig = Rig.leading(Rig.policy { $0.sharesEnsemble = false })
        rig.effects = []
        rig.kill(self.broker)
        #expect(rig.removals.isEmpty)
        #expect(rig.runs.map(\.intent.step) == [.deregister])
        #expect(rig.runs[0].intent.registration?.owner == 102)
        rig.pass(.seconds(1))
        #expect(rig.runs.count == 1)
        rig.expireSession(of: BrokerID(2))
        rig.end(rig.runs[0].intent.id)
        #expect(rig.runs.map(\.intent.step) == [.deregister, .start])
    }

    @Test("Without deregister, the start waits until the registration is gone")
    func registered() {
        var rig = Rig.leading(
            Rig.policy { $0.codes[.brokerDead] = CodePolicy(grace: .zero, ladder: [.step(.start), .page]) })
        rig.effects = []
        rig.kill(self.broker)
        rig.pass(.seconds(6))
        #expect(rig.runs.isEmpty)
        #expect(rig.refused("registered", .start))
        rig.expireSession(of: BrokerID(2))
        #expect(rig.runs.map(\.intent.step) == [.start])
    }

    @Test("Where a removal is not permitted, the session's end is waited for, and nobody is woken")
    func removalNotPermitted() {
        var rig = Rig.leading()
        rig.answersWrites = false
        rig.effects = []
        rig.kill(self.broker)
        let write = rig.intents[0].write
        rig.answersWrites = true
        rig.send(
            .written(
                write.id, .refused(operation: 3, StoreError(.notAuthorized, path: "/brokers/ids/2", operation: 3))))
        rig.pass(.seconds(5))
        #expect(rig.intents.count == 1)
        #expect(rig.runs.isEmpty)
        rig.expireSession(of: BrokerID(2))
        rig.pass(.seconds(1))
        #expect(rig.runs.map(\.intent.step) == [.start])
        #expect(rig.pages.isEmpty)
    }

    @Test(
        "A hung broker is told apart after 5 s, and only after its grace exactly that process is killed, then started")
    func hung() {
        var rig = Rig.leading()
        rig.effects = []
        rig.freeze(self.broker)
        rig.pass(.seconds(4))
        #expect(rig.incident(self.broker)?.phase == .suspected)
        rig.pass(.seconds(2))
        #expect(rig.incident(self.broker)?.code == .brokerHung)
        #expect(rig.incident(self.broker)?.phase == .confirmed)
        rig.expireSession(of: BrokerID(2))
        rig.pass(.seconds(27))
        #expect(rig.runs.isEmpty)
        #expect(rig.refused("grace", .kill))
        rig.pass(.seconds(4))
        #expect(rig.runs.map(\.intent.step) == [.kill])
        #expect(rig.runs[0].intent.target == self.life)
        #expect(rig.evidence.map(\.threadDump) == [true])
        let dumpedAt = rig.effects.firstIndex(of: .collectEvidence(rig.evidence[0]))!
        #expect(dumpedAt < rig.effects.firstIndex(of: .run(rig.runs[0]))!)

        rig.kill(self.broker)
        #expect(rig.runs.count == 1, "the kill is not over yet")
        rig.end(rig.runs[0].intent.id)
        #expect(rig.runs.map(\.intent.step) == [.kill, .start])
        guard rig.runs.count == 2 else { return }
        #expect(rig.runs[1].intent.target == self.life)
        #expect(rig.runs[1].intent.incident == rig.runs[0].intent.incident)
        rig.start(self.broker)
        rig.end(rig.runs[1].intent.id)
        rig.serve(self.broker)
        rig.pass(.seconds(4))
        #expect(rig.lastClosed?.closing == .healed)
    }

    @Test("A process that thaws within its grace is left alone")
    func thawed() {
        var rig = Rig.leading()
        rig.effects = []
        rig.freeze(self.broker)
        rig.pass(.seconds(20))
        rig.thaw(self.broker)
        rig.pass(.seconds(60))
        #expect(rig.intents.isEmpty)
        #expect(rig.lastClosed?.closing == .recoveredByItself)
    }

    @Test("A broker that somebody stopped is left alone; after five minutes it is said")
    func stopped() {
        var rig = Rig.leading()
        rig.effects = []
        rig.cluster[self.broker]!.process.state = .stopped
        rig.cluster[self.broker]!.network = .refuses
        rig.expireSession(of: BrokerID(2))
        rig.pass(.seconds(299))
        #expect(rig.row(self.broker).status == .stopped)
        #expect(rig.pages.isEmpty)
        rig.pass(.seconds(2))
        #expect(rig.pages == [.lasts])
        #expect(rig.intents.isEmpty)
    }

    @Test("A stopped broker is started after its grace only where the policy says so")
    func startStopped() {
        var rig = Rig.leading(
            Rig.policy { $0.codes[.brokerStopped] = CodePolicy(grace: .seconds(20), ladder: [.step(.start), .page]) })
        rig.effects = []
        rig.cluster[self.broker]!.process.state = .stopped
        rig.cluster[self.broker]!.network = .refuses
        rig.expireSession(of: BrokerID(2))
        rig.pass(.seconds(19))
        #expect(rig.runs.isEmpty)
        rig.pass(.seconds(3))
        #expect(rig.runs.map(\.intent.step) == [.start])
    }

    @Test("A broker that is starting or recovering its logs is never touched; after 30 minutes somebody is woken")
    func starting() {
        var rig = Rig.leading()
        rig.effects = []
        rig.registrations[BrokerID(2)] = nil
        rig.start(self.broker)
        rig.pass(.seconds(29 * 60))
        #expect(rig.row(self.broker).status == .starting)
        #expect(rig.intents.isEmpty)
        #expect(rig.pages.isEmpty)
        rig.pass(.seconds(61))
        #expect(rig.pages == [.lasts])
        #expect(rig.intents.isEmpty)
    }

    @Test("A dead ZooKeeper server is started, two of them one after the other")
    func zooKeeper() {
        var rig = Rig.leading()
        rig.effects = []
        let (first, second) = (Rig.server(1), Rig.server(2))
        rig.kill(first)
        rig.kill(second)
        #expect(rig.runs.map(\.intent.node) == [first])
        #expect(rig.refused("one_at_a_time", .start))
        rig.start(first)
        rig.end(rig.runs[0].intent.id)
        #expect(rig.runs.count == 1, "it runs, but does not serve yet")
        rig.serve(first)
        rig.pass(.seconds(1))
        #expect(rig.runs.map(\.intent.node) == [first, second])
        #expect(rig.removals.isEmpty)
    }

    @Test("Of two dead brokers of three nothing is disturbed, and they are started one after the other")
    func twoOfThree() {
        var rig = Rig.leading()
        rig.answersWrites = false
        rig.effects = []
        rig.cluster[Rig.broker(3)]!.process.state = .exited
        rig.cluster[Rig.broker(3)]!.network = .refuses
        rig.see(Rig.broker(3), .connectionReset, .socket)
        rig.kill(self.broker)
        // The first removal was under way before the second broker died: its answer is a loss of leadership in doubt.
        for write in rig.writes { rig.send(.written(write.id, .notLeading)) }
        rig.answersWrites = true
        rig.effects = []
        rig.pass(.seconds(5))
        #expect(rig.removals.isEmpty)
        #expect(rig.refused("blast_radius", .deregister))
        rig.expireSession(of: BrokerID(2))
        rig.expireSession(of: BrokerID(3))
        #expect(rig.runs.count == 1)
        let first = rig.runs[0].intent.node
        #expect(rig.refused("one_at_a_time", .start))
        rig.start(first)
        rig.end(rig.runs[0].intent.id)
        rig.pass(.milliseconds(300))
        #expect(Set(rig.runs.map(\.intent.node)) == [self.broker, Rig.broker(3)])
        #expect(rig.runs.count == 2)
    }

    @Test("Starts are repeated with growing delays between them, and then somebody is woken")
    func attempts() {
        var rig = Rig.leading()
        rig.effects = []
        rig.kill(self.broker)
        let begin = rig.now
        var starts: [Duration] = []
        for _ in 0..<1200 {
            let before = rig.runs(.start).count
            rig.pass(.milliseconds(100))
            if rig.runs(.start).count > before || (starts.isEmpty && before == 1) {
                starts.append(rig.now - begin)
                rig.end(rig.runs.last!.intent.id, .failed)
            }
        }
        #expect(rig.runs(.start).map(\.intent.attempt) == [1, 2, 3])
        let gaps = zip(starts, starts.dropFirst()).map { $1 - $0 }
        #expect(gaps[0] >= .seconds(10) && gaps[0] <= .seconds(11.3))
        #expect(gaps[1] >= .seconds(15) && gaps[1] <= .seconds(16.8))
        #expect(rig.pages == [.attemptsUsedUp(3)])
        #expect(rig.refused("cooldown", .start))
    }

    @Test("A step that the healer is not permitted to take wakes somebody at once")
    func notPermitted() {
        var rig = Rig.leading()
        rig.effects = []
        rig.kill(self.broker)
        rig.send(.stepEnded(rig.runs[0].intent.id, StepResult(.notPermitted, exit: .code(126), output: "no")))
        #expect(rig.pages == [.stepNotPermitted(.start, "no")])
    }
}
