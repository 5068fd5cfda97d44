import Cluster
import Healer
import Testing

/// What a new leader makes of what the one before left behind.
@Suite struct TakeoverTests {
    let broker = Rig.broker(2)

    /// A former leader up to the moment at which its start has begun, and what it left in ZooKeeper.
    private func leftBehind() -> (intent: Intent, ledger: MemoryLedger) {
        var former = Rig.leading()
        former.kill(self.broker)
        #expect(former.runs.map(\.intent.step) == [.start])
        return (former.runs[0].intent, former.ledger)
    }

    /// A follower that has seen the same, and leads now.
    private func successor(_ ledger: MemoryLedger, probe: ProbeResult? = nil) -> Rig {
        var rig = Rig(ledger: ledger)
        rig.probeAnswer = probe
        rig.settle()
        rig.registrations[BrokerID(2)] = nil
        rig.kill(self.broker)
        rig.pass(.seconds(1))
        #expect(rig.intents.isEmpty, "a follower only shadows")
        #expect(rig.incident(self.broker)?.id == nil)
        rig.effects = []
        rig.send(.leadership(.leading(Epoch(2))))
        return rig
    }

    @Test("An open intent is asked after before anything else is done for its node")
    func probes() {
        let (intent, ledger) = self.leftBehind()
        var rig = self.successor(ledger)
        #expect(rig.probes == [intent])
        rig.pass(.milliseconds(800))
        #expect(rig.intents.isEmpty)
        #expect(rig.incident(self.broker)?.id == IncidentID(epoch: Epoch(1), number: 1), "the incident goes on")
    }

    @Test("A step that was done is adopted: put down, looked at, and not repeated")
    func done() {
        let (intent, ledger) = self.leftBehind()
        var rig = self.successor(ledger)
        rig.start(self.broker)
        rig.send(.probed(intent.id, .done(StepResult(.succeeded))))
        #expect(rig.ledger.recovery(self.broker)?.result?.outcome == .succeeded)
        #expect(rig.ledger.recovery(self.broker)?.intent.id == intent.id)
        rig.pass(.seconds(2))
        rig.serve(self.broker)
        rig.pass(.seconds(5))
        #expect(rig.runs.isEmpty)
        #expect(rig.lastClosed?.closing == .healed)
        #expect(rig.lastClosed?.id == IncidentID(epoch: Epoch(1), number: 1))
    }

    @Test("One that ended after its leader, and was put down by its runner, is told in the incident and counts")
    func putDownByRunner() throws {
        var (intent, ledger) = self.leftBehind()
        let entry = try #require(ledger.contents.entries.first { $0.record.key == .recovery(self.broker) })
        var record = try #require(ledger.recovery(self.broker))
        record.result = StepResult(.succeeded, took: .milliseconds(40))
        let write = LedgerWrite(
            id: WriteID(rawValue: 99), purpose: .records, changes: [.put(.recovery(record), version: entry.version)])
        #expect(ledger.apply(write, sentAt: Moment(.seconds(1000))).isCommitted)
        var rig = self.successor(ledger)
        #expect(rig.probes.isEmpty)
        rig.start(self.broker)
        rig.pass(.seconds(2))
        rig.serve(self.broker)
        rig.pass(.seconds(5))
        #expect(rig.runs.isEmpty)
        let closed = try #require(rig.lastClosed)
        #expect(closed.closing == .healed, "\(closed)")
        let told = closed.timeline.filter { $0.what == .ended(intent.id, .start, record.result!) }
        #expect(told.count == 1, "\(closed.timeline)")
    }

    @Test("A step that still runs is waited for until its limit, and asked after again and again")
    func running() {
        let (intent, ledger) = self.leftBehind()
        var rig = self.successor(ledger, probe: .running)
        rig.pass(.seconds(60))
        #expect(rig.intents.isEmpty)
        #expect((60...140).contains(rig.probes.count))
        #expect(rig.ledger.recovery(self.broker)?.isOpen == true)
        rig.pass(.seconds(8))
        #expect(rig.ledger.recovery(self.broker)?.intent.id == intent.id)
        #expect(rig.ledger.recovery(self.broker)?.result?.outcome == .unknown)
        rig.pass(.seconds(12))
        #expect(rig.runs.map(\.intent.id.epoch) == [Epoch(2)])
    }

    @Test("One that never began is closed only when its leader can begin it no more, and then done anew")
    func notStarted() {
        let (_, ledger) = self.leftBehind()
        var rig = self.successor(ledger, probe: .notStarted)
        rig.pass(.milliseconds(900))
        #expect(rig.ledger.recovery(self.broker)?.isOpen == true, "its permission may still be used")
        #expect(rig.intents.isEmpty)
        rig.pass(.seconds(3))
        #expect(rig.intents.map(\.intent.id) == [IntentID(epoch: Epoch(2), number: 1)])
        #expect(rig.runs.map(\.intent.attempt) == [1], "nothing was done to the world, so it does not count")
    }

    @Test(
        "One that its runner has put down as never begun is done anew at once: it can begin no more, and does not count"
    )
    func putDownAsNeverBegun() throws {
        for isFoundLater in [false, true] {
            var (intent, ledger) = self.leftBehind()
            let never = StepResult(.notStarted, output: "its healer ended before it began")
            if !isFoundLater {
                let entry = try #require(ledger.contents.entries.first { $0.record.key == .recovery(self.broker) })
                var record = try #require(ledger.recovery(self.broker))
                record.result = never
                let write = LedgerWrite(
                    id: WriteID(rawValue: 99), purpose: .records,
                    changes: [.put(.recovery(record), version: entry.version)])
                #expect(ledger.apply(write, sentAt: Moment(.seconds(1000))).isCommitted)
            }
            var rig = self.successor(ledger)
            if isFoundLater { rig.send(.probed(intent.id, .done(never))) }
            rig.pass(.seconds(3))
            #expect(rig.runs.map(\.intent.id.epoch) == [Epoch(2)])
            #expect(rig.runs.map(\.intent.attempt) == [1], "nothing was done to the world")
        }
    }

    @Test("One of which nobody knows is closed as unknown, looked at, and counts as an attempt")
    func unknown() {
        let (_, ledger) = self.leftBehind()
        var rig = self.successor(ledger, probe: .unknown)
        rig.pass(.milliseconds(900))
        #expect(rig.ledger.recovery(self.broker)?.isOpen == true, "its permission may still be used")
        rig.pass(.seconds(1))
        #expect(rig.ledger.recovery(self.broker)?.result?.outcome == .unknown)
        rig.pass(.seconds(8))
        #expect(rig.runs.isEmpty, "back-off goes on under the new leader")
        rig.pass(.seconds(4))
        #expect(rig.runs.map(\.intent.attempt) == [2])
    }

    @Test("What the leader before did is looked at before anything is decided, also where its step is closed")
    func looksAgain() {
        var former = Rig.leading()
        former.kill(self.broker)
        former.end(former.runs[0].intent.id)
        var rig = Rig(ledger: former.ledger)
        rig.settle()
        rig.registrations[BrokerID(2)] = nil
        rig.kill(self.broker)
        // Started by the former leader since, which our monitors have not noticed yet.
        rig.cluster[self.broker]!.process = ProcessState(state: .running, identity: Rig.life(self.broker, 2))
        rig.effects = []
        rig.now = rig.now + .seconds(11)
        rig.send(.ticked(rig.wall))
        rig.send(.leadership(.leading(Epoch(2))))
        rig.pass(.seconds(3))
        #expect(rig.intents.isEmpty)
        #expect(rig.row(self.broker).status == .starting)
    }

    @Test("Attempts survive: whoever leads, a node gets no more than its limit")
    func attempts() {
        var ledger = MemoryLedger()
        var starts = 0
        for epoch in Int64(1)...5 {
            var rig = Rig(ledger: ledger)
            rig.settle()
            rig.registrations[BrokerID(2)] = nil
            rig.kill(self.broker)
            rig.lead(epoch)
            rig.pass(.seconds(25))
            for order in rig.runs { rig.end(order.intent.id, .failed) }
            starts += rig.runs.count
            ledger = rig.ledger
        }
        #expect(starts == 3)
    }

    @Test("A former leader that leads again finds its own steps like anybody else's")
    func returning() {
        var rig = Rig.leading()
        rig.kill(self.broker)
        let order = rig.runs[0]
        rig.send(.leadership(.following))
        rig.end(order.intent.id)
        #expect(rig.ledger.recovery(self.broker)?.isOpen == true, "a follower writes nothing")
        rig.effects = []
        rig.send(.leadership(.leading(Epoch(3))))
        #expect(rig.probes == [order.intent])
    }

    @Test("A second leadership in the same epoch numbers its intents on")
    func sameEpoch() {
        var rig = Rig.leading()
        rig.kill(self.broker)
        rig.send(.leadership(.following))
        rig.send(.leadership(.leading(Epoch(1))))
        rig.kill(Rig.server(1))
        let numbers = rig.intents.map(\.intent.id.number)
        #expect(Set(numbers).count == numbers.count)
    }

    @Test("Nothing is decided before what the leader before left behind is read")
    func unread() {
        var rig = Rig()
        rig.settle()
        rig.answersReads = false
        // Nothing else would hold back its start.
        rig.kill(Rig.server(1))
        rig.lead(4)
        rig.pass(.seconds(5))
        #expect(rig.effects.contains { if case .note(let note) = $0 { note.code == .zooKeeperDead } else { false } })
        #expect(rig.intents.isEmpty)
        #expect(rig.effects.count { $0 == .readLedger } >= 3, "it is asked for again")
        rig.answersReads = true
        rig.pass(.seconds(4))
        #expect(!rig.runs.isEmpty)
    }

    @Test("A record that cannot be understood is left as it is, and nothing is done for its node")
    func unreadable() {
        var rig = Rig()
        rig.settle()
        rig.answersReads = false
        rig.kill(self.broker)
        rig.send(.leadership(.leading(Epoch(2))))
        var contents = LedgerContents()
        contents.add(.recovery(self.broker), data: Array("{".utf8), version: 3)
        rig.send(.ledgerRead(contents))
        rig.pass(.seconds(2))
        #expect(rig.intents.isEmpty)
        #expect(rig.refused("unreadable_record"))
    }

    @Test("Nodes that were discovered are remembered, and known to the next healer when everything is down")
    func remembered() {
        let policy = Rig.policy { $0.nodes.removeAll { $0.brokerID == BrokerID(3) } }
        var rig = Rig.leading(policy)
        rig.registrations[BrokerID(3)] = Registration(
            owner: 103, createdBy: 3, version: 0, endpoint: Endpoint(host: "far", port: 9999))
        rig.refresh()
        rig.pass(.milliseconds(200))
        let found = Node(
            name: NodeName("broker-3"), role: .broker(BrokerID(3)), endpoint: Endpoint(host: "far", port: 9999))
        #expect(rig.effects.contains(.watch(found)))
        let record = NodesRecord(nodes: [found], configured: policy.nodes.sorted { $0.name < $1.name })
        #expect(rig.ledger.contents.entries.map(\.record).contains(.nodes(record)))
        var next = Rig(policy, ledger: rig.ledger)
        next.send(.ticked(next.wall))
        #expect(next.effects.contains(.watch(found)))
    }
}
