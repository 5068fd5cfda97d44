import Cluster
import Healer
import Testing

/// Between the intent and the step: everything that may come instead of a timely reply.
@Suite struct PermissionTests {
    let broker = Rig.broker(2)

    /// A leader whose intent to start the broker is on its way.
    private func asking() -> (rig: Rig, write: LedgerWrite, intent: Intent) {
        var rig = Rig.leading()
        rig.registrations[BrokerID(2)] = nil
        rig.refresh()
        rig.answersWrites = false
        rig.effects = []
        rig.kill(self.broker)
        let (intent, write) = rig.intents[0]
        #expect(intent.step == .start)
        return (rig, write, intent)
    }

    @Test("Nothing runs before its intent is committed")
    func intentFirst() {
        var (rig, write, intent) = self.asking()
        rig.pass(.milliseconds(500))
        #expect(rig.runs.isEmpty)
        rig.send(.written(write.id, rig.commit(write)))
        #expect(rig.runs.map(\.intent) == [intent])
        let put = rig.effects.firstIndex(of: .write(write))!
        #expect(put < rig.effects.firstIndex(of: .run(rig.runs[0]))!)
    }

    @Test("A reply later than startBy permits nothing, counted from when the write was sent")
    func late() {
        var (rig, write, intent) = self.asking()
        let answer = rig.commit(write)
        rig.now = rig.now + .milliseconds(1001)
        rig.answersWrites = true
        rig.send(.written(write.id, answer))
        #expect(rig.runs.isEmpty)
        #expect(rig.ledger.recovery(self.broker)?.result?.outcome == .notStarted)
        rig.pass(.seconds(2))
        #expect(rig.runs.count == 1)
        #expect(rig.runs[0].intent.id > intent.id)
        #expect(rig.runs[0].intent.attempt == 1)
    }

    @Test("A reply that comes while the leadership stands in doubt permits nothing")
    func suspended() {
        var (rig, write, _) = self.asking()
        rig.send(.leadership(.suspended(Epoch(1))))
        rig.send(.written(write.id, rig.commit(write)))
        #expect(rig.runs.isEmpty)
        rig.pass(.seconds(5))
        #expect(rig.runs.isEmpty)
        rig.answersWrites = true
        rig.send(.leadership(.leading(Epoch(1))))
        rig.pass(.seconds(15))
        #expect(rig.runs.count == 1)
    }

    @Test("A reply that comes after the leadership ended permits nothing")
    func afterwards() {
        var (rig, write, _) = self.asking()
        rig.send(.leadership(.following))
        rig.send(.written(write.id, rig.commit(write)))
        rig.pass(.seconds(5))
        #expect(rig.runs.isEmpty)
    }

    @Test("A reply that comes under another epoch of ours permits nothing")
    func otherEpoch() {
        var (rig, write, _) = self.asking()
        rig.send(.leadership(.following))
        rig.send(.leadership(.leading(Epoch(2))))
        rig.send(.written(write.id, rig.commit(write)))
        #expect(rig.runs.isEmpty)
    }

    @Test("A lost reply permits nothing, whether or not it was committed", arguments: [true, false])
    func unknown(committed: Bool) {
        var (rig, write, intent) = self.asking()
        if committed { _ = rig.commit(write) }
        rig.answersWrites = true
        rig.send(.written(write.id, .unknown))
        #expect(rig.effects.contains(.readLedger))
        #expect(!rig.runs.contains { $0.intent.id == intent.id })
        if committed { #expect(rig.ledger.recovery(self.broker)?.intent.id == intent.id) }
        rig.pass(.seconds(3))
        #expect(rig.runs.count == 1)
        #expect(rig.runs[0].intent.id > intent.id)
    }

    @Test("A removal whose reply was lost is found done in what is stored, and not repeated")
    func unknownRemoval() {
        var rig = Rig.leading()
        rig.answersWrites = false
        rig.effects = []
        rig.kill(self.broker)
        let write = rig.intents[0].write
        #expect(write.removing != nil)
        _ = rig.commit(write)
        rig.answersWrites = true
        rig.send(.written(write.id, .unknown))
        rig.pass(.seconds(2))
        #expect(rig.removals.count == 1)
        #expect(rig.runs.map(\.intent.step) == [.start])
    }

    @Test("When control moved, nothing is decided until the new one is read; a pause in it is honoured")
    func controlMoved() {
        var (rig, write, _) = self.asking()
        rig.send(.written(write.id, .controlMoved))
        rig.answersWrites = true
        rig.pass(.seconds(3))
        #expect(rig.intents.count == 1)
        rig.readControl(pause: Control.Hold(by: "me", why: "work"), version: 1)
        rig.pass(.seconds(3))
        #expect(rig.intents.count == 1)
        #expect(rig.refused("paused", .start))
        rig.readControl(version: 2)
        #expect(rig.runs.count == 1)
        if case .intent(_, let versions) = rig.intents.last!.write.purpose {
            #expect(versions == ControlVersions(cluster: 2, global: 0))
        }
    }

    @Test("If the new control was read before the refusal came, it is decided with at once")
    func controlMovedLate() {
        var (rig, write, _) = self.asking()
        rig.readControl(version: 1)
        rig.answersWrites = true
        rig.send(.written(write.id, .controlMoved))
        #expect(rig.runs.count == 1)
    }

    @Test("A pause that is over holds nothing back")
    func pauseEnds() {
        var rig = Rig.leading()
        let end = WallTime(rig.wall.rawValue + 3000)
        rig.readControl(pause: Control.Hold(by: "me", why: "", until: end), version: 1)
        rig.effects = []
        rig.kill(self.broker)
        rig.pass(.seconds(2))
        #expect(rig.intents.isEmpty)
        rig.pass(.seconds(2))
        #expect(!rig.runs.isEmpty)
    }

    @Test("A deposed leader starts nothing and writes nothing more")
    func deposed() {
        var (rig, write, _) = self.asking()
        rig.answersWrites = true
        rig.send(.written(write.id, .deposed))
        rig.pass(.seconds(5))
        #expect(rig.intents.count == 1)
        #expect(rig.runs.isEmpty)
        #expect(rig.view.leadership == .following)
    }

    @Test("Where the intent cannot be written nothing is done, and it is tried again, not in a hurry")
    func refused() {
        var (rig, write, _) = self.asking()
        for _ in 0..<30 {
            for one in rig.writes.suffix(1) {
                rig.send(
                    .written(
                        one.id, .refused(operation: 0, StoreError(.notAuthorized, path: "/x", operation: 0))))
            }
            rig.pass(.milliseconds(100))
        }
        _ = write
        #expect(rig.runs.isEmpty)
        #expect((2...10).contains(rig.intents.count))
    }

    @Test("An intent that cannot stand in the audit trail is not sent, people are told why, and it is sent when it can")
    func notAudited() {
        var (rig, write, _) = self.asking()
        rig.answersWrites = true
        rig.send(.auditUnwritable(reason: "/audit.log: full"))
        rig.send(.notAudited(write.id))
        rig.pass(.seconds(30))
        #expect(rig.intents.count == 1)
        #expect(rig.runs.isEmpty)
        let told = rig.incident(self.broker)!.timeline.suffix(2).map(\.what)
        #expect(
            told == [
                .withheld(rig.intents[0].intent.id, .notAudited),
                .refused(.start, .auditUnwritable(reason: "/audit.log: full")),
            ])
        rig.pass(.seconds(40))
        #expect(rig.pages == [.lasts])
        rig.send(.auditUnwritable(reason: nil))
        #expect(rig.runs.map(\.intent.attempt) == [1])
    }

    @Test("An intent that ZooKeeper does not let us write is tried again after a while, and people are told why")
    func notAuthorized() {
        var (rig, write, _) = self.asking()
        let refused = GuardedResult.refused(operation: 0, StoreError(.notAuthorized, path: "/x", operation: 0))
        rig.send(.intentUnwritable(reason: "/x is world:anyone:r"))
        rig.send(.written(write.id, refused))
        rig.answersWrites = true
        rig.pass(.seconds(29))
        #expect(rig.intents.count == 1)
        let told = rig.incident(self.broker)!.timeline.suffix(2).map(\.what)
        #expect(
            told == [
                .withheld(rig.intents[0].intent.id, .notAuthorized),
                .refused(.start, .intentUnwritable(reason: "/x is world:anyone:r")),
            ])
        rig.pass(.seconds(2))
        #expect(rig.runs.map(\.intent.attempt) == [1])
        #expect(rig.view.counters.withheld[.notAuthorized] == 1)
    }

    @Test("An outcome that could not be put down is put down later; the step is not repeated meanwhile")
    func outcomeLost() {
        var rig = Rig.leading()
        rig.registrations[BrokerID(2)] = nil
        rig.refresh()
        rig.effects = []
        rig.kill(self.broker)
        rig.answersWrites = false
        rig.end(rig.runs[0].intent.id, .failed)
        let write = rig.writes.last!
        #expect(write.purpose == .outcome(rig.runs[0].intent.id))
        rig.answersWrites = true
        rig.send(.written(write.id, .unknown))
        rig.pass(.seconds(2))
        #expect(rig.ledger.recovery(self.broker)?.result?.outcome == .failed)
        #expect(rig.runs.count == 1)
    }

    @Test("A step whose end is never told is over when its time is, and counts")
    func neverTold() {
        var rig = Rig.leading()
        rig.registrations[BrokerID(2)] = nil
        rig.refresh()
        rig.effects = []
        rig.kill(self.broker)
        rig.pass(.seconds(65))
        #expect(rig.runs.count == 1)
        rig.pass(.seconds(30))
        #expect(rig.runs.map(\.intent.attempt) == [1, 2])
    }
}
