import Cluster
import Healer
import Testing

@Suite struct LedgerTests {
    let ledger = Ledger(Layout(root: "/kafka-healer", cluster: ClusterName("main")), kafkaRoot: "/kafka")
    let intent = Intent(
        id: IntentID(epoch: Epoch(3), number: 7), incident: IncidentID(epoch: Epoch(2), number: 1),
        node: NodeName("kafka-2"), step: .deregister, attempt: 1, target: ProcessIdentity("p"),
        registration: DeadRegistration(broker: BrokerID(2), owner: 9, version: 1, controllerEpochVersion: 4),
        freshness: .seconds(1), limit: .seconds(5))

    @Test("Every record is read as it was written")
    func roundTrip() throws {
        var incident = IncidentRecord(code: .brokerDead, subject: .node(NodeName("kafka-2")), since: WallTime(5))
        incident.id = IncidentID(epoch: Epoch(2), number: 1)
        incident.paged = [.stepNotPermitted(.start, "no")]
        incident.timeline = [
            TimelineItem(at: WallTime(6), what: .intent(self.intent)),
            TimelineItem(at: WallTime(7), what: .refused(.kill, .minISR(TopicPartition("a", 1)))),
            TimelineItem(
                at: WallTime(8), what: .evidence(Evidence(exit: .signal(9), parts: [.init(name: "log", text: "ü")]))),
        ]
        let records: [LedgerRecord] = [
            .recovery(
                RecoveryRecord(
                    intent: self.intent, putDownAt: WallTime(1), result: StepResult(.failed), endedAt: WallTime(2))),
            .history(
                HistoryRecord(
                    node: NodeName("kafka-2"),
                    attempts: [
                        .init(
                            intent: self.intent.id, step: .start, incident: self.intent.incident, at: WallTime(1),
                            age: .seconds(2), outcome: .unknown)
                    ], healed: [.init(code: .brokerHung, age: .seconds(5))])),
            .incident(incident),
            .nodes(NodesRecord(nodes: [Rig.policy().nodes[0], Rig.policy().nodes[4]])),
        ]
        for record in records {
            #expect(Ledger.decode(Ledger.encode(record), of: record.key) == record)
            #expect(self.ledger.key(of: self.ledger.path(of: record.key)) == record.key)
            #expect(Ledger.encode(record) == Ledger.encode(record))
        }
        let digest = Digest(
            healer: HealerID("a"), sequence: 1, at: WallTime(1),
            verdicts: [NodeName("n"): Digest.Verdict(code: .brokerHung, identity: nil)])
        #expect(Ledger.digest(Ledger.encode(digest)) == digest)
        #expect(Ledger.decode([], of: .nodes) == .nodes(NodesRecord(nodes: [])))
        #expect(Ledger.decode([], of: .recovery(NodeName("kafka-2"))) == nil)
    }

    @Test("A record under another node's name is not understood")
    func misplaced() {
        let record = LedgerRecord.recovery(RecoveryRecord(intent: self.intent, putDownAt: WallTime(1)))
        #expect(Ledger.decode(Ledger.encode(record), of: .recovery(NodeName("kafka-3"))) == nil)
    }

    @Test("A removal rides behind the changes; of the controller only with its epoch unchanged")
    func operations() {
        let record = LedgerRecord.recovery(RecoveryRecord(intent: self.intent, putDownAt: WallTime(1)))
        let write = LedgerWrite(
            id: WriteID(rawValue: 1), purpose: .intent(self.intent, ControlVersions(cluster: 0, global: 0)),
            changes: [
                .put(record, version: 2), .remove(.incident(IncidentID(epoch: Epoch(1), number: 1)), version: 0),
            ],
            removing: self.intent.registration)
        let base = "/kafka-healer/clusters/main"
        #expect(
            self.ledger.operations(for: write) == [
                .set("\(base)/recoveries/kafka-2", data: Ledger.encode(record), version: 2),
                .delete("\(base)/incidents/1-1", version: 0),
                .check("/kafka/controller_epoch", version: 4), .delete("/kafka/controller", version: nil),
                .delete("/kafka/brokers/ids/2", version: 1),
            ])
    }

    @Test("Closed incidents are kept to a bound, in ZooKeeper too, and a timeline to its own")
    func bounded() {
        var rig = Rig.leading()
        for number in 0..<30 {
            rig.cluster[Rig.broker(2)]!.process = ProcessState(
                state: .stopped, identity: Rig.life(Rig.broker(2), number))
            rig.cluster[Rig.broker(2)]!.network = .refuses
            rig.pass(.seconds(2))
            rig.cluster[Rig.broker(2)]!.process.state = .running
            rig.thaw(Rig.broker(2))
            rig.pass(.seconds(5))
        }
        #expect(rig.view.closedIncidents.count == 20)
        #expect(rig.ledger.incidents.count == 20)
        #expect(rig.view.closedIncidents.allSatisfy { $0.timeline.count <= 80 })
    }
}
