import Cluster
import Healer
import Testing

/// What is said of a node by what is seen of it, and what is not.
@Suite struct RuleTests {
    let broker = Rig.broker(2)
    let server = Rig.server(2)

    struct Row: CustomTestStringConvertible, Sendable {
        let testDescription: String
        var network: Rig.Network
        var state: ProcessState.State
        /// Another life than the one that served.
        var life = 1
        let status: NodeStatus
        let code: FindingCode?
        let confirmed: Bool
    }
    static let rows: [Row] = [
        Row(
            testDescription: "answers and runs", network: .answers, state: .running, status: .healthy, code: nil,
            confirmed: false),
        Row(
            testDescription: "refused and exited", network: .refuses, state: .exited, status: .unhealthy,
            code: .brokerDead, confirmed: true),
        Row(
            testDescription: "refused and restarting", network: .refuses, state: .restarting, status: .unhealthy,
            code: .brokerDead, confirmed: true),
        Row(
            testDescription: "refused and stopped on request", network: .refuses, state: .stopped, status: .stopped,
            code: .brokerStopped, confirmed: true),
        Row(
            testDescription: "refused and a new life runs", network: .refuses, state: .running, life: 2,
            status: .starting, code: .brokerStarting, confirmed: true),
        Row(
            testDescription: "refused and the life that served runs", network: .refuses, state: .running,
            status: .unhealthy, code: .brokerHung, confirmed: true),
        Row(
            testDescription: "silent and the life that served runs", network: .silent(since: .zero), state: .running,
            status: .unhealthy, code: .brokerHung, confirmed: true),
        Row(
            testDescription: "silent and a new life runs", network: .silent(since: .zero), state: .running, life: 2,
            status: .starting, code: .brokerStarting, confirmed: true),
        Row(
            testDescription: "answers that it cannot serve", network: .refusesToServe, state: .running,
            status: .unhealthy, code: nil, confirmed: false),
    ]

    @Test("A broker's condition follows from both sources", arguments: rows)
    func conditions(row: Row) {
        var rig = Rig()
        rig.settle()
        rig.cluster[self.broker]!.process = ProcessState(
            state: row.state, identity: Rig.life(self.broker, row.life))
        rig.cluster[self.broker]!.network = row.network
        rig.pass(.seconds(8))
        #expect(rig.row(self.broker).status == row.status)
        #expect(rig.row(self.broker).code == row.code)
        #expect(rig.row(self.broker).code == nil || rig.row(self.broker).isConfirmed == row.confirmed)
    }

    @Test(
        "A ZooKeeper server that runs and says for long that it does not serve is found, left alone, and told to people"
    )
    func notServing() {
        var rig = Rig.leading()
        rig.effects = []
        rig.cluster[self.server]!.network = .refusesToServe
        rig.pass(.seconds(9))
        #expect(rig.row(self.server).status == .unhealthy)
        #expect(rig.row(self.server).code == nil)
        rig.pass(.seconds(3))
        #expect(rig.row(self.server).code == .zooKeeperNotServing)
        let incident = rig.incident(self.server)
        #expect(incident?.phase == .confirmed)
        #expect(
            incident?.timeline.contains {
                $0.what == .confirmed(.zooKeeperNotServing, by: [.fourLetter, .supervisor])
            } == true)
        #expect(rig.pages.isEmpty)
        rig.pass(.seconds(22))
        #expect(rig.pages == [.lasts])
        #expect(rig.intents.isEmpty && rig.runs.isEmpty)
        rig.cluster[self.server]!.network = .answers
        rig.pass(.seconds(20))
        #expect(rig.incident(self.server) == nil)
        #expect(rig.lastClosed?.closing == .recoveredByItself)
    }

    @Test("Its own word is enough where its supervisor cannot be asked")
    func notServingBySelf() {
        var rig = Rig.leading()
        rig.supervisorAnswers = false
        rig.pass(.seconds(30))
        rig.cluster[self.server]!.network = .refusesToServe
        rig.pass(.seconds(12))
        #expect(rig.incident(self.server)?.timeline.last?.what == .confirmed(.zooKeeperNotServing, by: [.fourLetter]))
    }

    @Test("An election of the ensemble, in which no server serves for a moment, is no finding, however often")
    func elections() {
        var rig = Rig.leading()
        rig.effects = []
        for _ in 0..<5 {
            for number in 1...3 { rig.cluster[Rig.server(number)]!.network = .refusesToServe }
            rig.pass(.seconds(4))
            for number in 1...3 { rig.cluster[Rig.server(number)]!.network = .answers }
            rig.pass(.seconds(12))
        }
        #expect(rig.effects.allSatisfy { if case .note = $0 { false } else { true } })
    }

    @Test("A server that leaves its quorum and joins it again without end does not serve; a new life of it begins anew")
    func leavesAndJoins() {
        var rig = Rig.leading()
        for _ in 0..<6 {
            rig.cluster[self.server]!.network = .refusesToServe
            rig.pass(.seconds(4))
            rig.cluster[self.server]!.network = .answers
            rig.pass(.seconds(1))
        }
        #expect(rig.incident(self.server)?.code == .zooKeeperNotServing)
        rig.cluster[self.server]!.network = .refusesToServe
        rig.cluster[self.server]!.process.identity = Rig.life(self.server, 2)
        rig.pass(.seconds(8))
        #expect(rig.row(self.server).code == nil)
    }

    @Test("A broker that answers but is not registered is found after two sessions, and left to register again")
    func unregistered() {
        var rig = Rig.leading()
        rig.effects = []
        rig.registrations[BrokerID(2)] = nil
        rig.pass(.seconds(35))
        #expect(rig.incident(self.broker) == nil)
        rig.pass(.seconds(4))
        #expect(rig.incident(self.broker)?.code == .brokerUnregistered)
        #expect(rig.intents.isEmpty)
        rig.registrations[BrokerID(2)] = Registration(owner: 5, createdBy: 5, version: 0, endpoint: nil)
        rig.pass(.seconds(5))
        #expect(rig.lastClosed?.closing == .recoveredByItself)
    }

    @Test("A broker that is not watched by its registration is never called unregistered")
    func registrationIsNotWatched() {
        var rig = Rig.leading(
            Rig.policy { $0.overrides[self.broker] = NodePolicy(methods: [.socket, .protocol, .supervisor]) })
        rig.registrations[BrokerID(2)] = nil
        rig.pass(.seconds(60))
        #expect(rig.incident(self.broker) == nil)
        #expect(rig.row(self.broker).status == .healthy)
    }

    @Test("Where only its supervisor speaks against a node, that is what is said")
    func onlyItsSupervisor() {
        var rig = Rig()
        rig.settle()
        rig.answersLooks = false
        rig.now = rig.now + .seconds(1)
        rig.see(
            self.broker, .process(ProcessState(state: .exited, identity: Rig.life(self.broker, 1))), .supervisor)
        #expect(rig.row(self.broker).status == .unhealthy)
        #expect(rig.row(self.broker).error == "its process is exited")
    }

    @Test("Facts that nobody renews say nothing any more, and a dead node is not acted on by them")
    func stale() {
        var rig = Rig()
        rig.settle()
        rig.kill(self.broker)
        #expect(rig.row(self.broker).isConfirmed)
        rig.answersLooks = false
        let end = rig.now + .seconds(16)
        while rig.now < end {
            rig.now = rig.now + .milliseconds(500)
            rig.send(.ticked(rig.wall))
        }
        #expect(rig.row(self.broker).status == .unknown)
        #expect(rig.effects.suffix(20).contains { if case .look(self.broker, _) = $0 { true } else { false } })
        rig.lead(1)
        #expect(rig.intents.isEmpty)
    }

    @Test("An old word of the supervisor does not confirm a new trouble")
    func oldWord() {
        var rig = Rig()
        rig.settle()
        rig.answersLooks = false
        rig.now = rig.now + .seconds(1)
        rig.see(self.broker, .connectionReset, .socket)
        let asked = rig.now - .milliseconds(10)
        rig.see(
            self.broker, .process(ProcessState(state: .exited, identity: Rig.life(self.broker, 1))), .supervisor,
            at: asked)
        #expect(!rig.row(self.broker).isConfirmed)
        rig.see(
            self.broker, .process(ProcessState(state: .exited, identity: Rig.life(self.broker, 1))), .supervisor)
        #expect(rig.row(self.broker).isConfirmed)
    }

    @Test("A supervisor that has not noticed yet is asked again soon")
    func notNoticed() {
        var rig = Rig.leading()
        rig.cluster[self.broker]!.network = .refuses
        rig.effects = []
        rig.see(self.broker, .connectionReset, .socket)
        #expect(rig.incident(self.broker)?.phase == .suspected)
        rig.cluster[self.broker]!.process.state = .exited
        rig.pass(.milliseconds(200))
        #expect(rig.incident(self.broker)?.phase == .confirmed)
    }

    @Test("Partitions without a leader, under their minimum, and under-replicated without a dead broker are found")
    func partitions() {
        var rig = Rig.leading()
        rig.effects = []
        rig.partitions[0].leader = nil
        rig.partitions[0].inSyncReplicas = [BrokerID(1)]
        rig.refresh()
        let codes = Set(rig.view.openIncidents.map(\.code))
        #expect(codes == [.partitionOffline, .underMinISR, .underReplicated, .isrShrink])
        #expect(rig.view.openIncidents.allSatisfy { $0.phase == .suspected })
        rig.pass(.seconds(2))
        #expect(rig.view.openIncidents.allSatisfy { $0.phase == .confirmed && $0.partitionCount == 1 })
        #expect(rig.pages == [.lasts])
        #expect(rig.view.partitions.offline == [TopicPartition("orders", 0)])
        #expect(rig.view.partitions.offlineByTopic == ["orders": 1])
        #expect(rig.view.counters.isrShrinks == [TopicPartition("orders", 0): 1])
        rig.partitions[0].leader = BrokerID(1)
        rig.partitions[0].inSyncReplicas = (1...3).map { BrokerID($0) }
        rig.pass(.seconds(6))
        #expect(rig.view.openIncidents.isEmpty)
        #expect(rig.view.counters.isrExpands == [TopicPartition("orders", 0): 1])
        #expect(rig.intents.isEmpty)
    }

    @Test("What follows from a dead broker is no finding of its own")
    func explained() {
        var rig = Rig.leading(Rig.policy { $0.mode = .observe })
        rig.kill(self.broker)
        rig.expireSession(of: BrokerID(2))
        rig.pass(.seconds(3))
        #expect(rig.view.openIncidents.map(\.code) == [.brokerDead])
        #expect(rig.view.partitions.underReplicated.count == 3)
    }

    @Test("A node is known by its maintenance, whatever else it is")
    func maintenance() {
        var rig = Rig.leading()
        rig.readControl(maintenance: [self.broker: Control.Hold(by: "me", why: "")], version: 1)
        #expect(rig.row(self.broker).status == .maintenance)
        #expect(rig.view.maintenance.keys.contains(self.broker))
    }
}
