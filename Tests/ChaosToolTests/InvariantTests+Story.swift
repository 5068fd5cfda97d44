import Cluster
import Foundation

@testable import ChaosTool

/// The story that one thing at a time goes wrong in.
extension InvariantTests {
    /// A broker dies, its registration is removed, it is started.
    struct Story {
        var changes: [[TreeChange]] = []
        var sessions: [Int64] = []
        var requests: [NodeRequest] = []
        var audit = ""

        mutating func add(_ changes: [TreeChange], by session: Int64 = 1) {
            self.changes.append(changes)
            self.sessions.append(session)
        }
    }

    func leader(_ epoch: Int64, _ healer: String, version: Int32) -> TreeChange {
        let holder = LeaderRecord.Holder(
            member: HealerID(healer), incarnation: Incarnation("i"), address: "127.0.0.1:1")
        return .set(
            path: self.layout.leader,
            data: LeaderRecord(epoch: Epoch(epoch), holder: holder, nonce: "n\(epoch)").encoded, version: version)
    }

    func guarded(_ version: Int32) -> [TreeChange] {
        [
            .checked(path: self.layout.leader, version: version), .checked(path: self.layout.control, version: 0),
            .checked(path: self.layout.globalControl, version: 0),
        ]
    }

    func recovery(
        _ id: String, _ step: Step, node: String = "kafka-2", version: Int32, result: StepResult.Outcome? = nil
    ) -> TreeChange {
        let intent = Intent(
            id: IntentID(id)!, incident: IncidentID("1-1")!, node: NodeName(node), step: step, attempt: 1,
            target: self.life, freshness: .milliseconds(200), limit: .seconds(10))
        let record = RecoveryRecord(intent: intent, putDownAt: WallTime(0), result: result.map { StepResult($0) })
        return .set(
            path: self.layout.recovery(of: NodeName(node)), data: Array(try! JSONEncoder().encode(record)),
            version: version)
    }

    func request(
        _ verb: NodeVerb, _ intent: String, epoch: Int64 = 1, healer: String = "healer-1", at second: Int64,
        result: NodeResult, identity: String? = "boot:7:9", node: String = "kafka-2"
    ) -> NodeRequest {
        let time = Self.start.rawValue + second * 1000
        return NodeRequest(
            time: "2026-11-21T10:00:\(second < 10 ? "0" : "")\(second).000Z", boottime: time * 1_000_000, node: node,
            verb: verb, identity: identity, found: nil, intent: intent, incident: "1-1", epoch: epoch, healer: healer,
            startBy: time * 1_000_000 + 100_000_000, result: result, code: result.code)
    }

    static let start = WallTime(iso8601: "2026-11-21T10:00:00.000Z")!

    /// One transaction a second; the kill is between the second and the third.
    func good() -> Story {
        var story = Story()
        story.add([self.leader(1, "healer-1", version: 1)])
        story.add([.created(path: "/brokers/ids/2", data: [], isEphemeral: true)], by: 7)
        story.add(
            self.guarded(1) + [self.recovery("1-1", .deregister, version: 0), .deleted(path: "/brokers/ids/2")])
        story.add([self.recovery("1-1", .deregister, version: 1, result: .succeeded)])
        story.add(self.guarded(1) + [self.recovery("1-2", .start, version: 2)])
        story.requests = [self.request(.start, "1-2", at: 5, result: .started)]
        story.audit = "x begin intent.id=1-2 node=kafka-2\n"
        story.add([self.recovery("1-2", .start, version: 3, result: .succeeded)])
        return story
    }

    func violated(_ story: Story, _ change: (inout RunRecord) -> Void = { _ in }) -> [Invariant] {
        InvariantJudge(record: self.record(of: story, change)).verdicts().filter { !$0.violations.isEmpty }
            .map(\.invariant)
    }

    func record(of story: Story, _ change: (inout RunRecord) -> Void = { _ in }) -> RunRecord {
        let transactions = zip(story.changes, story.sessions).enumerated().map { index, item in
            Transaction(
                zxid: Int64(index + 1), session: item.1, time: WallTime(Self.start.rawValue + Int64(index) * 1000),
                changes: item.0)
        }
        var record = RunRecord(
            scenario: Scenario(name: "F0"), seed: 1,
            cast: [CastMember(name: "kafka-2", part: .broker(BrokerID(2)))], began: Self.start,
            stepsEnded: Self.start, settled: Self.start, ended: Self.start,
            history: TreeHistory(transactions, layout: self.layout, minInSyncReplicas: 2))
        record.faults = [
            FaultRecord(
                word: "kill", text: "kills kafka-2", members: ["kafka-2"],
                from: WallTime(Self.start.rawValue + 1500), until: WallTime(Self.start.rawValue + 5000))
        ]
        record.requests = story.requests
        record.auditTrails = ["healer-1": story.audit, "healer-2": ""]
        record.end.leader = LeaderRecord(
            epoch: Epoch(1),
            holder: .init(member: HealerID("healer-1"), incarnation: Incarnation("i"), address: "a"), nonce: "n")
        record.end.living = ["healer-1"]
        record.end.members = ["healer-1"]
        record.end.isInSync = true
        change(&record)
        return record
    }
}

extension RunRecord {
    func expecting(_ moment: KillMoment) -> RunRecord {
        var scenario = self.scenario
        scenario.then.moment = moment
        var record = RunRecord(
            scenario: scenario, seed: self.seed, cast: self.cast, began: self.began, stepsEnded: self.stepsEnded,
            settled: self.settled, ended: self.ended, history: self.history)
        (record.faults, record.requests, record.ends) = (self.faults, self.requests, self.ends)
        (record.auditTrails, record.end) = (self.auditTrails, self.end)
        return record
    }
}
