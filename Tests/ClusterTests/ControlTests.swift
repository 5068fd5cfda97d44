import Cluster
import Testing

@Suite("What operators have asked of the healers")
struct ControlTests {
    @Test("A control survives its JSON, whichever of its fields are set")
    func roundTrip() throws {
        var control = Control()
        #expect(try Control(json: control.json) == control)
        control.paused = Control.Hold(by: "ada@desk", why: "upgrade", since: WallTime(1000), until: WallTime(2000))
        #expect(try Control(json: control.json) == control)
        control.maintenance[NodeName("kafka-2")] = Control.Hold(by: "ada@desk", why: "")
        control.resign = Control.Resignation(incarnation: Incarnation("00ff"), by: "ada@desk")
        #expect(try Control(json: control.json) == control)
    }

    @Test("Maintenance is an object by node name in the JSON")
    func maintenanceByName() {
        let control = Control(maintenance: [NodeName("kafka-2"): Control.Hold(by: "ada", why: "disk")])
        #expect(
            String(decoding: control.json, as: UTF8.self)
                == #"{"maintenance":{"kafka-2":{"by":"ada","why":"disk"}}}"#)
    }

    @Test("An empty node is an empty control, and one written by hand may leave things out")
    func sparse() throws {
        #expect(try Control(json: []) == Control())
        #expect(try Control(json: Array("{}".utf8)) == Control())
        let control = try Control(json: Array(#"{"paused":{"by":"me","why":""},"later":1}"#.utf8))
        #expect(control.pause(at: WallTime(0))?.by == "me")
    }

    @Test("What is not a control is an error, never an empty one", arguments: ["x", "[]", #"{"paused":true}"#])
    func unreadable(text: String) {
        #expect(throws: Control.Unreadable.self) { try Control(json: Array(text.utf8)) }
    }

    @Test("A hold ends at its time, and without one it goes on")
    func until() {
        let hold = Control.Hold(by: "ada", why: "", until: WallTime(2000))
        let control = Control(paused: hold, maintenance: [NodeName("kafka-1"): hold])
        #expect(control.pause(at: WallTime(1999)) == hold)
        #expect(control.pause(at: WallTime(2000)) == nil)
        #expect(control.maintenance(of: NodeName("kafka-1"), at: WallTime(1999)) == hold)
        #expect(control.maintenance(of: NodeName("kafka-1"), at: WallTime(2000)) == nil)
        #expect(control.maintenance(of: NodeName("kafka-2"), at: WallTime(0)) == nil)
        #expect(Control.Hold(by: "ada", why: "").holds(at: WallTime(.max)))
    }

    @Test("A leader record survives its JSON, held or vacant")
    func leaderRecord() throws {
        let holder = LeaderRecord.Holder(
            member: HealerID("healer-1"), incarnation: Incarnation("0a"), address: "h:8080")
        let held = LeaderRecord(epoch: Epoch(7), holder: holder, nonce: "n")
        #expect(try LeaderRecord(decoding: held.encoded) == held)
        #expect(try LeaderRecord(decoding: LeaderRecord.vacant(Epoch(8)).encoded) == .vacant(Epoch(8)))
        #expect(throws: LeaderRecord.Problem.unreadable) { try LeaderRecord(decoding: Array("{}".utf8)) }
        #expect(throws: LeaderRecord.Problem.unknownFormat(2)) {
            try LeaderRecord(decoding: Array("{\"format\": 2, \"epoch\": 1}".utf8))
        }
    }
}
