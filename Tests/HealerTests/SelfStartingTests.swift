import Cluster
import Healer
import Testing

/// Nodes whose supervisor starts them again by itself, as Kubernetes does.
@Suite struct SelfStartingTests {
    let broker = Rig.broker(2)

    /// The process is killed; its supervisor is at it, and says which life has ended.
    private func killed(_ rig: inout Rig) {
        rig.effects = []
        rig.now = rig.now + .milliseconds(1)
        let life = Rig.life(self.broker, 1)
        rig.cluster[self.broker] = Rig.Machinery(
            network: .refuses, process: ProcessState(state: .starting, identity: life, exit: .signal(9), ended: life))
        rig.see(self.broker, .connectionReset, .socket)
    }

    /// Its next life runs, and does not serve yet.
    private func restarted(_ rig: inout Rig) {
        rig.now = rig.now + .milliseconds(1)
        rig.cluster[self.broker]!.process = ProcessState(
            state: .running, identity: Rig.life(self.broker, 2), ended: Rig.life(self.broker, 1))
        rig.refresh()
    }

    @Test("The registration of a life that ended is removed while its supervisor starts the next, and that is all")
    func removed() {
        var rig = Rig.leading()
        self.killed(&rig)
        rig.pass(.seconds(1))
        #expect(rig.row(self.broker).status == .starting)
        #expect(rig.incident(self.broker)?.code == .brokerStarting)
        #expect(rig.removals.map(\.broker) == [BrokerID(2)])
        self.restarted(&rig)
        rig.pass(.seconds(2))
        rig.serve(self.broker)
        rig.pass(.seconds(5))
        #expect(rig.removals.count == 1)
        #expect(rig.runs.isEmpty)
        #expect(rig.lastClosed?.closing == .healed)
        #expect(rig.pages.isEmpty)
    }

    @Test("It is removed too when the next life runs already by the time the supervisor is asked")
    func missedTheEnd() {
        var rig = Rig.leading()
        rig.effects = []
        rig.cluster[self.broker] = Rig.Machinery(
            network: .refuses,
            process: ProcessState(
                state: .running, identity: Rig.life(self.broker, 2), ended: Rig.life(self.broker, 1)))
        rig.see(self.broker, .connectionReset, .socket)
        rig.pass(.seconds(1))
        #expect(rig.removals.count == 1)
        #expect(rig.runs.isEmpty)
    }

    @Test("Healers of which one has seen the next life already, and the other not yet, agree on the one that ended")
    func agreement() {
        var rig = Rig.leading(Rig.policy(healers: 3))
        self.killed(&rig)
        self.restarted(&rig)
        rig.pass(.seconds(1))
        #expect(rig.removals.isEmpty)
        rig.peer(
            "b", sees: [self.broker: Digest.Verdict(code: .brokerStarting, identity: Rig.life(self.broker, 1))])
        rig.pass(.seconds(1))
        #expect(rig.removals.count == 1)
    }

    @Test("The registration of the life that starts is never removed")
    func ownRegistration() {
        var rig = Rig.leading()
        self.killed(&rig)
        rig.registrations[BrokerID(2)] = nil
        rig.refresh()
        rig.effects = []
        self.restarted(&rig)
        // It registers first, and opens its port later.
        rig.registrations[BrokerID(2)] = Registration(owner: 777, createdBy: 777, version: 0, endpoint: nil)
        rig.refresh()
        rig.pass(.seconds(60))
        #expect(rig.removals.isEmpty)
        #expect(rig.intents.isEmpty)
    }

    @Test("A registration is left alone whose owner was not seen before the life that ended was")
    func unseenLife() {
        var rig = Rig.leading()
        rig.effects = []
        let unseen = Rig.life(self.broker, 5)
        rig.cluster[self.broker] = Rig.Machinery(
            network: .refuses, process: ProcessState(state: .starting, identity: unseen, ended: unseen))
        rig.see(self.broker, .connectionReset, .socket)
        rig.pass(.seconds(30))
        #expect(rig.removals.isEmpty)
    }

    @Test("A supervisor that does not say what has ended changes nothing: starting is not touched")
    func untold() {
        var rig = Rig.leading()
        rig.effects = []
        rig.cluster[self.broker] = Rig.Machinery(
            network: .refuses, process: ProcessState(state: .starting, identity: nil))
        rig.see(self.broker, .connectionReset, .socket)
        rig.pass(.seconds(60))
        #expect(rig.row(self.broker).status == .starting)
        #expect(rig.intents.isEmpty && rig.pages.isEmpty)
        rig.pass(.seconds(30 * 60))
        #expect(rig.pages == [.lasts])
    }

    @Test("Once the dead life's session may have expired, its end is waited for", arguments: [true, false])
    func late(starting: Bool) {
        var rig = Rig.leading()
        // Three healers of which nobody else says anything for a while.
        rig = Rig.leading(Rig.policy(healers: 3))
        self.killed(&rig)
        if !starting { rig.cluster[self.broker]!.process.state = .exited }
        rig.pass(.seconds(10))
        #expect(rig.removals.isEmpty)
        let code: FindingCode = starting ? .brokerStarting : .brokerDead
        for id in ["b", "c"] {
            rig.peer(id, sees: [self.broker: Digest.Verdict(code: code, identity: Rig.life(self.broker, 1))])
        }
        rig.pass(.seconds(2))
        #expect(rig.removals.isEmpty)
        #expect(rig.refused("supervisor_first", .deregister))
        #expect(rig.runs.isEmpty, "a start waits until it is not registered")
    }

    @Test("The policy for dead brokers says whether and when: not at all, by mode, after its grace")
    func policy() {
        for change: @Sendable (inout Policy) -> Void in [
            { $0.codes[.brokerStarting]!.ladder = [.page] }, { $0.codes[.brokerDead]!.mode = .observe },
            { $0.codes[.brokerDead]!.grace = .seconds(100) },
        ] {
            var rig = Rig.leading(Rig.policy(change))
            self.killed(&rig)
            rig.pass(.seconds(5))
            #expect(rig.removals.isEmpty)
        }
    }

    @Test("Where somebody else is at a node no process is killed or started, and it is said who")
    func foreignHand() {
        var rig = Rig.leading()
        rig.cluster[self.broker]!.process.hand = "a rollout of StatefulSet kafka"
        rig.refresh()
        rig.freeze(self.broker)
        rig.pass(.seconds(40))
        rig.effects = []
        #expect(rig.row(self.broker).error == "a rollout of StatefulSet kafka")
        #expect(
            rig.incident(self.broker)?.timeline.map(\.what).contains(.foreignHand("a rollout of StatefulSet kafka"))
                == true)
        #expect(rig.intents.isEmpty)
        rig.pass(.seconds(61))
        #expect(rig.pages == [.lasts], "it lasts: somebody should know")
        #expect(rig.runs.isEmpty)
        rig.cluster[self.broker]!.process.hand = nil
        rig.pass(.seconds(3))
        #expect(rig.runs.map(\.intent.step) == [.kill])
    }

    @Test(
        "A hand that only its refusal shows uses up no attempt: it is told, asked again later and later, and healed then"
    )
    func refusedByHand() {
        var rig = Rig.leading()
        rig.effects = []
        rig.kill(self.broker)
        // A real attempt before counts still.
        rig.end(rig.runs[0].intent.id, .failed)
        rig.pass(.seconds(12))
        var starts: [Moment] = []
        let refusal = StepResult(.yielded, exit: .code(75), output: "the budget kafka needs 3\n")
        for _ in 0..<1400 {
            if rig.runs(.start).count - 1 > starts.count {
                starts.append(rig.now)
                rig.send(.stepEnded(rig.runs.last!.intent.id, refusal))
                #expect(rig.row(self.broker).error == "the budget kafka needs 3")
            }
            rig.pass(.milliseconds(100))
        }
        let gaps = zip(starts, starts.dropFirst()).map { $1 - $0 }
        #expect(gaps.count == 5)
        for (gap, expected) in zip(gaps, [10, 15, 22.5, 33.75, 50.625]) {
            #expect(gap >= .seconds(expected) && gap < .seconds(expected + 1.5))
        }
        #expect(rig.runs(.start).map(\.intent.attempt) == [1, 2, 2, 2, 2, 2, 2])
        #expect(rig.ledger.history(self.broker)?.attempts.filter { $0.outcome == .yielded }.count == 1)
        #expect(rig.refused("foreign_hand", .start))
        let told = rig.incident(self.broker)?.timeline.map(\.what).filter {
            $0 == .foreignHand("the budget kafka needs 3")
        }
        #expect(told?.count == 1)
        #expect(rig.pages == [.lasts], "it lasts: somebody should know")

        rig.pass(.seconds(80))
        #expect(rig.runs(.start).count == 8)
        rig.start(self.broker)
        rig.end(rig.runs.last!.intent.id)
        rig.serve(self.broker)
        rig.pass(.seconds(6))
        #expect(rig.lastClosed?.closing == .healed)
        #expect(rig.row(self.broker).error == nil)
    }

    @Test("A dead broker is not started under a foreign hand, but loses its registration")
    func foreignHandAtDead() {
        var rig = Rig.leading()
        rig.cluster[self.broker]!.process.hand = "node n1 is cordoned"
        rig.refresh()
        rig.effects = []
        rig.kill(self.broker)
        rig.pass(.seconds(5))
        #expect(rig.removals.count == 1)
        #expect(rig.runs.isEmpty)
        #expect(rig.refused("foreign_hand", .start))
    }
}
