import Cluster
import Foundation
import Testing

@testable import ChaosTool

/// Each invariant is shown to object to the one thing it is for, in a story in which nothing else is wrong.
@Suite("Invariants of the chaos suite") struct InvariantTests {
    let layout = Layout(root: "/kafka-healer", cluster: ClusterName("sandbox"))
    let life = ProcessIdentity("boot:7:9")

    @Test("A recovery as it should be breaks nothing")
    func goodStory() {
        #expect(self.violated(self.good()) == [])
    }

    @Test(
        "A leader's death counts for the moment that it hit, by the logs of ZooKeeper and of the supervisor",
        arguments: [
            // The intent is there from second 4 on, asked for at 5, done at 6, its outcome there at 7.
            (3.5, 3.6, nil, "to start anything"), (4.2, 4.4, .afterIntent, "had not been begun"),
            (4.8, 5.2, nil, "begun in that moment"), (5.2, 5.4, .midStep, "was under way"),
            (5.8, 6.2, nil, "carried out in that moment"), (6.2, 6.4, .beforeOutcome, "had been carried out"),
            (6.8, 7.2, nil, "was recorded"), (7.2, 7.4, nil, "was recorded"),
        ] as [(Double, Double, KillMoment?, String)])
    func moments(from: Double, done: Double, moment: KillMoment?, why: String) {
        func at(_ second: Double) -> WallTime { WallTime(Self.start.rawValue + Int64(second * 1000)) }
        var story = self.good()
        story.changes.insert([], at: 5)
        story.sessions.append(1)
        story.changes.insert([], at: 5)
        story.sessions.append(1)
        var record = self.record(of: story) { record in
            record.faults.append(
                FaultRecord(word: "kill", text: "", members: ["healer-1"], from: at(from), done: at(done)))
            record.ends = [NodeEnd(time: at(6).iso8601, node: "kafka-2", verb: .start, intent: "1-2")]
        }
        let hit = KillMoment.hit(in: record)
        #expect(hit.moment == moment && hit.why.contains(why), "\(hit)")
        for wanted in KillMoment.allCases {
            record = record.expecting(wanted)
            let verdict = RunVerdict(record)
            let outcome: RunVerdict.Outcome = wanted == moment ? .passed : .invalid
            #expect(verdict.outcome == outcome, "\(verdict.complaints)")
            #expect(verdict.isMissed == (wanted != moment))
        }
        record.faults.removeLast()
        #expect(KillMoment.hit(in: record).why == "no leader was killed")
    }

    @Test("A leader is away from its death on, not from the permission on that it did not hear of")
    func takeover() {
        var story = self.good()
        story.add([self.leader(2, "healer-2", version: 2)])
        func fault(_ word: String, _ second: Int64) -> FaultRecord {
            FaultRecord(
                word: word, text: "", members: ["healer-1"], from: WallTime(Self.start.rawValue + second * 1000))
        }
        let record = self.record(of: story) { $0.faults += [fault("hold-permission", 2), fault("kill", 5)] }
        #expect(RunVerdict(record).figures.takeover == 1)
    }

    @Test("A life that is followed by two starts, an intent begun twice and a node that nobody started are counted")
    func counted() {
        func figures(_ requests: [NodeRequest], away: [String] = []) -> [Int] {
            var story = self.good()
            story.requests = requests
            let figures = RunVerdict(self.record(of: story) { $0.end.away = away }).figures
            return [figures.startedTwice, figures.forgotten]
        }
        let start = self.request(.start, "1-2", at: 5, result: .started)
        #expect(figures([start]) == [0, 0])
        #expect(figures([start, self.request(.start, "1-2", at: 6, result: .running)]) == [0, 0])
        #expect(figures([start, self.request(.start, "2-1", epoch: 2, at: 6, result: .started)]) == [1, 0])
        let later = self.request(.start, "1-2", at: 6, result: .started, identity: "boot:8:9")
        #expect(figures([start, later]) == [1, 0])
        #expect(figures([self.request(.start, "1-2", at: 5, result: .staleEpoch)]) == [0, 1])
        #expect(figures([start], away: ["kafka-2"]) == [0, 1])
    }

    @Test("What missed its moment is played again, as often again as was asked for at most, and does not count")
    func sums() {
        let good = RunVerdict(self.record(of: self.good()))
        var missed = self.record(of: self.good())
        missed = missed.expecting(.midStep)
        var sum = RunSum(name: "F0")
        for verdict in [good, RunVerdict(missed)] { sum.add(verdict) }
        #expect(sum.isShort(of: 2) && !sum.isGood(of: 2))
        sum.add(good)
        #expect(!sum.isShort(of: 2) && sum.isGood(of: 2))
        #expect(sum.line == "F0 runs=3 valid=2 invalid=1 passed=2 failed=0 started-twice=0 forgotten=0")
        var never = RunSum(name: "F0")
        while never.isShort(of: 2) { never.add(RunVerdict(missed)) }
        #expect(never.runs == 4 && !never.isGood(of: 2))
        var bad = good.record
        bad.end.isInSync = false
        sum.add(RunVerdict(bad))
        #expect(
            !sum.isGood(of: 3)
                && RunSum.all([sum, never]).line.hasPrefix("all runs=8 valid=3 invalid=5 passed=2 failed=1"))
    }

    @Test("S1: a second intent for a node whose first one is open")
    func overlap() {
        var story = self.good()
        story.changes[3] = []
        #expect(self.violated(story) == [.s1])
    }

    @Test("S2: an intent without the guard, one under an older epoch, an epoch that does not grow")
    func unguarded() {
        var bare = self.good()
        bare.changes[4] = [self.recovery("1-2", .start, version: 2)]
        #expect(self.violated(bare) == [.s2])
        var stale = self.good()
        stale.changes[3].insert(self.leader(2, "healer-1", version: 2), at: 0)
        stale.changes[4] = self.guarded(2) + [self.recovery("1-2", .start, version: 2)]
        #expect(self.violated(stale).contains(.s2))
        var again = self.good()
        again.changes[5].append(self.leader(1, "healer-2", version: 2))
        #expect(self.violated(again) == [.s2])
    }

    @Test("S2: an intent that was accepted while a pause, or the maintenance of its node, stood in `control`")
    func heldBack() {
        let hold = Control.Hold(by: "anna", why: "")
        for (path, control, isBroken) in [
            (self.layout.control, Control(paused: hold), true),
            (self.layout.globalControl, Control(paused: hold), true),
            (self.layout.control, Control(maintenance: [NodeName("kafka-2"): hold]), true),
            (self.layout.control, Control(maintenance: [NodeName("kafka-1"): hold]), false),
        ] {
            var story = self.good()
            // Its version stays what the guard asks for: ZooKeeper writes one that asks for any version down alike.
            story.changes[3].append(.set(path: path, data: control.json, version: 0))
            #expect(self.violated(story) == (isBroken ? [.s2] : []), "\(control)")
        }
    }

    @Test("L4: a page that was said twice, by whomever, and one that was never said")
    func misheard() throws {
        let log = """
            2026-11-21T10:00:03.000Z INFO incident cluster=main incident.id=1-1 incident.what=paged
            2026-11-21T10:00:03.000Z ERROR page cluster=main incident.code=brokerDead incident.id=1-1 \
            incident.subject=kafka-2 page.reason="it lasts"
            """
        let page = HeardPage.all(in: log, of: "healer-1")
        #expect(page == [HeardPage(healer: "healer-1", incident: "1-1", reason: "\"it lasts\"")])
        var incident = IncidentRecord(code: .brokerDead, subject: .node(NodeName("kafka-2")), since: Self.start)
        incident.id = IncidentID("1-1")
        incident.paged = [.lasts]
        var story = self.good()
        story.changes[3].append(
            .set(
                path: self.layout.incident("1-1"), data: Array(try JSONEncoder().encode(incident)), version: 1))
        #expect(self.violated(story) { $0.pages = page } == [])
        #expect(self.violated(story) == [.l4])
        let again = HeardPage(healer: "healer-2", incident: "1-1", reason: "\"it lasts\"")
        #expect(self.violated(story) { $0.pages = page + [again] } == [.l4])
    }

    @Test("What is wrong while a run goes on is said once, and counts though it is not seen in the end")
    func live() async {
        var story = self.good()
        story.changes[4] = [self.recovery("1-2", .start, version: 2)]
        let (bad, good) = (self.record(of: story), self.record(of: self.good()))
        let judge = LiveJudge(progress: { _ in }) { bad }
        await judge.look()
        await judge.look()
        let sightings = await judge.sightings
        #expect(sightings.map(\.invariant) == [.s2])
        #expect(RunVerdict(good).isGood)
        var record = good
        record.sightings = sightings
        let verdict = RunVerdict(record)
        #expect(verdict.outcome == .violated && verdict.complaints == ["S2: \(sightings[0].violation)"])
        // What is owed in the end is not owed before.
        var early = good
        early.end.isInSync = false
        let patient = LiveJudge(progress: { _ in }) { [early] in early }
        await patient.look()
        #expect(await patient.sightings.isEmpty)
        #expect(!RunVerdict(early).isGood)
    }

    @Test("S3: a step asked by a healer that did not hold that epoch")
    func follower() {
        var story = self.good()
        story.requests = [self.request(.start, "1-2", healer: "healer-2", at: 5, result: .started)]
        #expect(self.violated(story) { $0.auditTrails["healer-2"] = story.audit } == [.s3])
    }

    @Test("S4: a step long after its time, and long after somebody else's claim")
    func late() {
        var story = self.good()
        let last = story.changes.count - 1
        story.changes[last].append(self.leader(2, "healer-2", version: 2))
        story.changes.removeLast()
        story.sessions.removeLast()
        story.add([self.leader(2, "healer-2", version: 2)])
        story.requests = [self.request(.start, "1-2", at: 20, result: .staleEpoch)]
        #expect(self.violated(story) == [.s4])
    }

    @Test("S5: a step without an intent, before it, after its end, or twice")
    func withoutIntent() {
        var none = self.good()
        none.requests = [self.request(.start, "1-9", at: 5, result: .started)]
        none.audit = "begin intent.id=1-9 \n"
        #expect(self.violated(none) == [.s5])
        var early = self.good()
        early.requests = [self.request(.start, "1-2", at: 3, result: .started)]
        #expect(self.violated(early) == [.s5])
        var closed = self.good()
        closed.requests = [self.request(.start, "1-2", at: 15, result: .running)]
        #expect(self.violated(closed) == [.s5])
        var twice = self.good()
        twice.requests.append(self.request(.start, "1-2", at: 6, result: .started))
        #expect(self.violated(twice) == [.s5])
    }

    @Test("S6: more starts in one incident than the policy allows")
    func tooOften() {
        var story = self.good()
        for number in 3...5 {
            story.add(self.guarded(1) + [self.recovery("1-\(number)", .start, version: Int32(number * 2))])
            story.add([self.recovery("1-\(number)", .start, version: Int32(number * 2 + 1), result: .failed)])
        }
        #expect(self.violated(story) == [.s6])
        // What nobody began is no start.
        var idle = self.good()
        for number in 3...9 {
            idle.add(self.guarded(1) + [self.recovery("1-\(number)", .start, version: Int32(number * 2))])
            idle.add([self.recovery("1-\(number)", .start, version: Int32(number * 2 + 1), result: .notStarted)])
        }
        #expect(self.violated(idle) == [])
    }

    @Test("S7: two nodes at once, a start over an old registration, a kill that takes a partition under its minimum")
    func together() {
        var two = self.good()
        two.changes[3] = self.guarded(1) + [self.recovery("1-7", .start, node: "zookeeper-1", version: 0)]
        two.changes[4].insert(self.recovery("1-1", .deregister, version: 1, result: .succeeded), at: 3)
        #expect(self.violated(two) == [.s7])
        var registered = self.good()
        registered.changes[2].removeLast()
        #expect(self.violated(registered) == [.s7])
        var kill = self.good()
        kill.changes[1].append(
            .created(
                path: "/brokers/topics/messages/partitions/0/state",
                data: Array(#"{"leader":1,"isr":[1,2]}"#.utf8), isEphemeral: false))
        kill.changes[4] = self.guarded(1) + [self.recovery("1-2", .kill, version: 2)]
        kill.changes[5] = [self.recovery("1-2", .kill, version: 3, result: .succeeded)]
        kill.requests = [self.request(.kill, "1-2", at: 5, result: .killed)]
        #expect(self.violated(kill) == [.s7])
    }

    private func fault(_ word: String, of member: String, until second: Int64 = 60) -> FaultRecord {
        FaultRecord(
            word: word, text: "\(word) \(member)", members: [member], from: Self.start,
            until: WallTime(Self.start.rawValue + second * 1000))
    }

    @Test("S8: a step by a healer that has been cut off for long")
    func cutOff() {
        let found = self.violated(self.good()) { record in
            record.faults.append(self.fault("cut", of: "healer-1"))
        }
        #expect(found == [.s8])
    }

    @Test("S9: a step on a node that nobody hurt, a kill that names no life, a registration of the living")
    func healthy() {
        #expect(self.violated(self.good()) { $0.faults = [] } == [.s9])
        // It is dead, and left to people.
        #expect(self.violated(self.good()) { $0.faults.append(self.fault("maintenance", of: "kafka-2")) } == [.s9])
        #expect(
            self.violated(self.good()) { $0.faults.append(self.fault("maintenance", of: "kafka-2", until: 3)) } == [])
        // A mark is no blow.
        #expect(
            self.violated(self.good()) { $0.faults = [self.fault("maintenance", of: "kafka-2", until: 4)] } == [.s9])
        var blind = self.good()
        blind.changes[4] = self.guarded(1) + [self.recovery("1-2", .kill, version: 2)]
        blind.changes[5] = [self.recovery("1-2", .kill, version: 3, result: .succeeded)]
        blind.requests = [self.request(.kill, "1-2", at: 5, result: .killed, identity: nil)]
        #expect(self.violated(blind) == [.s9])
        var living = self.good()
        living.add([.created(path: "/brokers/ids/3", data: [], isEphemeral: true)], by: 8)
        living.add([.deleted(path: "/brokers/ids/3")])
        #expect(self.violated(living) == [.s9])
    }

    @Test("S10, S11, S12: a lost message, a step that is not in the trail, a secret in a log")
    func outside() {
        let lost = self.violated(self.good()) { record in
            var load = LoadOutcome()
            load.check = LoadCheck(acked: [LoadValue(run: "r", sequence: 0).bytes(padded: 40)], consumed: [])
            record.load = load
        }
        #expect(lost == [.s10])
        #expect(self.violated(self.good()) { $0.auditTrails = ["healer-1": "begin intent.id=1-20 \n"] } == [.s11])
        for word in ["read-only-logs", "fill-disk"] {
            #expect(self.violated(self.good()) { $0.faults.append(self.fault(word, of: "healer-1")) } == [.s11])
            #expect(self.violated(self.good()) { $0.faults.append(self.fault(word, of: "healer-2")) } == [])
        }
        #expect(self.violated(self.good()) { $0.leaks = ["application.log"] } == [.s12])
    }

    @Test("L1, L2, L3, L5: a broker that stays away, nobody that leads, an open intent, healers that differ")
    func inTheEnd() {
        #expect(self.violated(self.good()) { $0.end.away = ["kafka-2"] } == [.l1])
        #expect(self.violated(self.good()) { $0.end.isInSync = false } == [.l1])
        #expect(self.violated(self.good()) { $0.end.leader = .vacant(Epoch(1)) } == [.l2])
        #expect(self.violated(self.good()) { $0.end.living = ["healer-2"] } == [.l2])
        #expect(self.violated(self.good()) { $0.end.members = ["healer-1", "healer-1"] } == [.l2])
        #expect(self.violated(self.good()) { $0.end.openRecoveries = [IntentID("1-2")!] } == [.l3])
        #expect(self.violated(self.good()) { $0.end.verdicts = ["a": [], "b": ["brokerDead kafka-2"]] } == [.l5])
    }
}
