import Cluster
import Healer
import Testing

/// What forbids a step, each reason once, and that it is told.
@Suite struct GuardTests {
    let broker = Rig.broker(2)

    struct Row: CustomTestStringConvertible, Sendable {
        let name: String
        var policy: @Sendable (inout Policy) -> Void = { _ in }
        let prepare: @Sendable (inout Rig) -> Void
        var testDescription: String { self.name }
    }

    /// The broker is dead in each of them, and nothing may be done for it.
    static let rows: [Row] = [
        Row(name: "suspended") { $0.send(.leadership(.suspended(Epoch(1)))) },
        Row(name: "observing", policy: { $0.mode = .observe }) { _ in },
        Row(name: "observing", policy: { $0.codes[.brokerDead]!.mode = .observe }) { _ in },
        Row(name: "observed_only", policy: { $0.zooKeeperMode = false }) { _ in },
        Row(name: "paused") { $0.readControl(pause: Control.Hold(by: "me", why: ""), version: 1) },
        Row(name: "maintenance") {
            $0.readControl(maintenance: [Rig.broker(2): Control.Hold(by: "me", why: "")], version: 1)
        },
        Row(name: "audit_unwritable") { $0.send(.auditUnwritable(reason: "disk full")) },
        Row(name: "intent_unwritable") { $0.send(.intentUnwritable(reason: "/x: not authorized")) },
        Row(name: "grace", policy: { $0.codes[.brokerDead]!.grace = .seconds(100) }) { _ in },
        Row(name: "supervisor_first") { $0.cluster[Rig.broker(2)]!.process.state = .restarting },
        Row(name: "stale_facts") {
            $0.registrations[BrokerID(2)] = nil
            $0.zooKeeperAnswers = false
        },
        Row(name: "evidence_pending", policy: { $0.timing.evidenceLimit = .seconds(60) }) {
            $0.collectsEvidence = false
        },
        Row(name: "flapping", policy: { $0.flappingLimit = 0 }) { _ in },
        Row(name: "attempts_used_up", policy: { $0.retry.attempts = 0 }) { _ in },
    ]

    @Test(
        "A dead broker is not started while there is a reason against it, and the reason is told once", arguments: rows)
    func refused(row: Row) {
        var rig = Rig.leading(Rig.policy(row.policy))
        rig.effects = []
        rig.cluster[self.broker]!.process.state = .exited
        rig.cluster[self.broker]!.network = .refuses
        row.prepare(&rig)
        rig.see(self.broker, .connectionReset, .socket)
        rig.pass(.seconds(8))
        #expect(rig.runs.isEmpty)
        #expect(rig.refused(row.name))
        let told = rig.refusals.filter { $0.1.name == row.name }
        #expect(told.count <= 2, "once for each step, not for each tick")
        #expect((rig.view.counters.refusals[row.name] ?? 0) >= 1)
    }

    @Test("With one source only nothing is done; if it lasts, somebody is woken")
    func unconfirmed() {
        var rig = Rig.leading()
        rig.effects = []
        rig.cluster[self.broker]!.network = .refuses
        rig.supervisorAnswers = false
        rig.see(self.broker, .connectionReset, .socket)
        rig.pass(.seconds(50))
        #expect(rig.incident(self.broker)?.phase == .suspected)
        #expect(rig.intents.isEmpty)
        rig.pass(.seconds(12))
        #expect(rig.pages == [.unconfirmed])
    }

    @Test("Without a supervisor's word the registration's end confirms it, and only a start is permitted")
    func noSupervisor() {
        var rig = Rig.leading()
        rig.effects = []
        rig.cluster[self.broker]!.network = .refuses
        rig.supervisorAnswers = false
        rig.see(self.broker, .connectionReset, .socket)
        rig.pass(.seconds(5))
        rig.expireSession(of: BrokerID(2))
        rig.pass(.seconds(1))
        #expect(rig.incident(self.broker)?.phase == .confirmed)
        #expect(rig.runs.map(\.intent.step) == [.start])
    }

    @Test("An orderly close is no death", arguments: [Rig.broker(2), Rig.server(2)])
    func closed(node: NodeName) {
        var rig = Rig.leading()
        rig.effects = []
        rig.see(node, .connectionClosed, .socket)
        rig.pass(.seconds(3))
        #expect(rig.view.openIncidents.isEmpty)
        #expect(rig.effects.contains { if case .look(node, _) = $0 { true } else { false } }, "but a reason to look")
    }

    @Test("Deregister needs a majority of the configured healers, start does not", arguments: [2, 3, 5])
    func agreement(healers: Int) {
        var rig = Rig.leading(Rig.policy(healers: healers))
        let verdict = Digest.Verdict(code: .brokerDead, identity: Rig.life(self.broker, 1))
        rig.effects = []
        rig.kill(self.broker)
        rig.pass(.seconds(2))
        #expect(rig.removals.isEmpty)
        #expect(rig.refused("agreement", .deregister))
        // Another life of the same node is not the same verdict.
        rig.peer("z", sees: [self.broker: Digest.Verdict(code: .brokerDead, identity: Rig.life(self.broker, 9))])
        #expect(rig.removals.isEmpty)
        let others = healers / 2 + 1 - 1
        for number in 0..<others {
            #expect(rig.removals.isEmpty)
            rig.peer("p\(number)", sees: [self.broker: verdict])
        }
        #expect(rig.removals.count == 1)
        #expect(rig.runs.count == 1)
    }

    @Test("Without agreement a dead broker is still started, once its registration is gone")
    func startAlone() {
        var rig = Rig.leading(Rig.policy(healers: 3))
        rig.effects = []
        rig.kill(self.broker)
        rig.expireSession(of: BrokerID(2))
        #expect(rig.runs.map(\.intent.step) == [.start])
    }

    @Test("A digest that does not change any more stops counting, and the first one that is seen does not count yet")
    func oldDigests() {
        var rig = Rig.leading(Rig.policy(healers: 2))
        let digest = Digest(
            healer: HealerID("b"), sequence: 5, at: rig.wall,
            verdicts: [self.broker: Digest.Verdict(code: .brokerDead, identity: Rig.life(self.broker, 1))])
        rig.effects = []
        rig.send(.digestRead(digest.healer, digest))
        rig.kill(self.broker)
        #expect(rig.removals.isEmpty)
        rig.send(.digestRead(digest.healer, digest))
        #expect(rig.removals.isEmpty)
        var next = digest
        next.sequence = 6
        rig.send(.digestRead(digest.healer, next))
        #expect(rig.removals.count == 1)
    }

    @Test("Followers publish what they see at once, and do nothing else")
    func followers() {
        var rig = Rig(Rig.policy(healers: 3))
        rig.settle()
        rig.effects = []
        rig.kill(self.broker)
        #expect(
            rig.digest?.verdicts == [
                self.broker: Digest.Verdict(code: .brokerDead, identity: Rig.life(self.broker, 1))
            ])
        let first = rig.digest!.sequence
        rig.pass(.seconds(61))
        #expect(rig.digest!.sequence >= first + 20)
        #expect(rig.writes.isEmpty)
        #expect(rig.runs.isEmpty && rig.pages.isEmpty && rig.evidence.isEmpty)
    }

    @Test("Where unclean election is on and only dead brokers are in an ISR, its registration stays")
    func unclean() {
        var rig = Rig.leading()
        rig.partitions[1].inSyncReplicas = [BrokerID(2)]
        rig.partitions[1].uncleanElection = true
        rig.pass(.seconds(2))
        rig.effects = []
        rig.kill(self.broker)
        rig.pass(.seconds(2))
        #expect(rig.removals.isEmpty)
        #expect(rig.refused("unclean_election", .deregister))
        #expect(rig.effects.contains { if case .readPartitionStates = $0 { true } else { false } })
        rig.expireSession(of: BrokerID(2))
        #expect(rig.runs.map(\.intent.step) == [.start])
    }

    /// A leader that has a hung broker whose session still lives, one second before its grace is over.
    private func hung(_ partition: (inout PartitionState) -> Void) -> Rig {
        var rig = Rig.leading()
        partition(&rig.partitions[0])
        rig.pass(.seconds(1))
        rig.freeze(self.broker)
        rig.pass(.seconds(30))
        rig.effects = []
        return rig
    }

    @Test("A hung process is not killed if that takes a partition under its minimum")
    func minISR() {
        // Led by broker 1, in sync with 1 and 2, of which 2 are needed.
        var rig = self.hung { $0.inSyncReplicas = [BrokerID(1), BrokerID(2)] }
        rig.pass(.seconds(20))
        #expect(rig.runs.isEmpty)
        #expect(rig.refused("min_isr", .kill))
        rig.partitions[0].inSyncReplicas = [BrokerID(1), BrokerID(3)]
        rig.pass(.seconds(3))
        #expect(rig.runs.map(\.intent.step) == [.kill])
    }

    @Test("A minimum that is not known is a no")
    func minISRUnknown() {
        var rig = self.hung { $0.minInSyncReplicas = nil }
        rig.pass(.seconds(20))
        #expect(rig.runs.isEmpty)
        #expect(rig.refused("min_isr_unknown", .kill))
    }

    @Test("The partition states are read fresh before a process is killed")
    func freshStates() {
        var rig = self.hung { _ in }
        rig.pass(.seconds(20))
        #expect(rig.runs.map(\.intent.step) == [.kill])
        let read = rig.effects.lastIndex { if case .readPartitionStates = $0 { true } else { false } }
        #expect(read != nil)
    }

    @Test("No process is killed while the ZooKeeper ensemble has no quorum to spare")
    func quorum() {
        var rig = self.hung { _ in }
        rig.cluster[Rig.server(1)]!.network = .refusesToServe
        rig.cluster[Rig.server(2)]!.network = .refusesToServe
        rig.pass(.seconds(20))
        #expect(rig.runs(.kill).isEmpty)
        #expect(rig.refused("quorum", .kill))
    }

    @Test("A process without a name is not killed")
    func nameless() {
        var rig = Rig.leading()
        rig.cluster[self.broker]!.process.identity = nil
        rig.pass(.seconds(2))
        rig.effects = []
        rig.freeze(self.broker)
        rig.pass(.seconds(60))
        #expect(rig.intents.isEmpty)
        #expect(rig.refused("not_proven_by_supervisor", .kill))
    }

    @Test("A process that hung and died by itself meanwhile is not killed but started")
    func diedMeanwhile() {
        var rig = self.hung { _ in }
        rig.kill(self.broker)
        rig.pass(.seconds(10))
        #expect(rig.runs(.kill).isEmpty)
        #expect(rig.runs(.start).count == 1)
    }

    @Test("After a recovery the same failure of the same node waits for its cooldown, another failure does not")
    func cooldown() {
        var rig = Rig.leading(Rig.policy { $0.codes[.brokerDead]!.cooldown = .seconds(60) })
        for life in 2...3 {
            rig.effects = []
            rig.kill(self.broker)
            rig.pass(.seconds(1))
            if life == 3 { break }
            rig.start(self.broker, life: life)
            rig.end(rig.runs[0].intent.id)
            rig.serve(self.broker)
            rig.pass(.seconds(5))
            #expect(rig.lastClosed?.closing == .healed)
        }
        #expect(rig.intents.isEmpty)
        #expect(rig.refused("cooldown"))
        rig.pass(.seconds(60))
        #expect(!rig.runs.isEmpty)
    }
}
