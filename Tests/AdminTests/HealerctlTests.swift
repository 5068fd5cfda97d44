import Admin
import Cluster
import Foundation
import MicroHTTPD
import Testing
import ZooKeeper

@testable import AdminTool
@testable import ChaosTool

@Suite("healerctl against a real ZooKeeper", .serialized, .timeLimit(.minutes(5)))
struct HealerctlTests {
    private let nobody = "127.0.0.1:1"

    @Test("Status and leader are told with every healer dead")
    func everyHealerDead() async throws {
        try await HealerctlFixture.with { fixture in
            let fresh = await fixture.run("status")
            #expect(fresh.code == .unhealthy)
            #expect(fresh.output.contains("no healer has led yet"), "\(fresh)")

            let first = try await fixture.join("healer-1", address: self.nobody)
            try await fixture.lead(first, epoch: 3)
            try await fixture.know("kafka-1", "kafka-2")
            try await fixture.see("healer-1", [:])
            let well = await fixture.run("status")
            #expect(well.code == .healthy, "\(well)")
            #expect(well.output.hasPrefix("cluster main: HEALTHY\n"))
            #expect(well.output.contains("healer-1, epoch 3, for "))
            #expect(well.output.contains("quorum  established"))

            // The healer dies: its place in line goes, the record stays.
            try await fixture.session.delete(first.path)
            let leader = await fixture.run("leader -o json")
            #expect(leader.code == .unhealthy)
            let page = try AdminJSON.decode(LeaderPage.self, from: Array(leader.output.utf8))
            #expect(page.leader?.state == .gone)
            #expect(page.leader?.epoch == Epoch(3))
            #expect(page.source.quorum == .established)
            #expect(page.verdict.reasons == ["nobody leads: healer-1 of epoch 3 is gone"])

            let members = await fixture.run("members")
            #expect(members.code == .unhealthy)
            // What only a healer knows needs one, and the error says what to do.
            let partitions = await fixture.run("partitions")
            #expect(partitions.code == .error)
            #expect(partitions.errors.contains("no healer takes part\n  `healerctl status` works without them"))
        }
    }

    @Test("Nodes, incidents and recoveries are told from what healers left in ZooKeeper")
    func withoutHealers() async throws {
        try await HealerctlFixture.with { fixture in
            let first = try await fixture.join("healer-1", address: self.nobody)
            try await fixture.join("healer-2", address: self.nobody)
            try await fixture.lead(first, epoch: 3)
            try await fixture.know("kafka-1", "kafka-2")
            try await fixture.see(
                "healer-1", [NodeName("kafka-2"): Digest.Verdict(code: .brokerDead, identity: nil)])
            try await fixture.intend("kafka-2", number: 1, freshness: .seconds(1))
            var incident = IncidentRecord(code: .brokerDead, subject: .node(NodeName("kafka-2")), since: .now)
            incident.id = IncidentID(epoch: Epoch(3), number: 1)
            incident.phase = .confirmed
            incident.timeline = [TimelineItem(at: .now, what: .permitted(.start))]
            try await fixture.session.create(
                fixture.layout.incident("3-1"), data: HealerctlFixture.json(incident))
            var watched = IncidentRecord(code: .brokerHung, subject: .node(NodeName("kafka-1")), since: .now)
            watched.id = IncidentID(epoch: Epoch(3), number: 2)
            watched.phase = .confirmed
            watched.timeline = [TimelineItem(at: .now, what: .verifying)]
            try await fixture.session.create(
                fixture.layout.incident("3-2"), data: HealerctlFixture.json(watched))

            let nodes = await fixture.run("nodes")
            #expect(nodes.code == .unhealthy)
            #expect(nodes.output.contains("kafka-1  broker  HEALTHY"), "\(nodes)")
            #expect(nodes.output.contains("kafka-2  broker  UNHEALTHY"))

            let status = await fixture.run("status -o json")
            #expect(status.code == .unhealthy)
            let page = try AdminJSON.decode(StatusPage.self, from: Array(status.output.utf8))
            #expect(page.members.map { $0.role } == [.leader, .follower])
            #expect(page.incidents.map { $0.id } == ["3-1", "3-2"])
            #expect(page.recoveries.map { $0.step } == ["start"])
            // What nothing is to be seen of any more is still told while it is open.
            #expect(
                page.verdict.reasons == [
                    "kafka-2 is UNHEALTHY: brokerDead",
                    "brokerHung of kafka-1: open; serves again; watching whether it holds",
                ])

            #expect(await fixture.run("incidents").output.contains("3-1"))
            let explained = await fixture.run("explain 3-1")
            #expect(explained.code == .healthy)
            #expect(explained.output.contains("permitted"))
            let unknown = await fixture.run("explain 9-9")
            #expect(unknown.code == .error)
            #expect(
                unknown.errors == "healerctl: no incident 9-9 is remembered\n"
                    + "  `healerctl incidents` lists those that are.\n")
        }
    }

    @Test("Pause returns only when no step can begin any more, and prints what is still in flight")
    func pause() async throws {
        try await HealerctlFixture.with { fixture in
            let freshness = Duration.milliseconds(700)
            try await fixture.intend("kafka-2", number: 1, freshness: freshness)
            let before = try await fixture.session.get(fixture.layout.control)
            let begin = ContinuousClock.now
            let paused = await fixture.run("pause --why upgrade --for 2h")
            #expect(ContinuousClock.now - begin >= freshness)
            #expect(paused.code == .healthy, "\(paused)")
            #expect(paused.output.contains("still in flight:\n"))
            #expect(paused.output.contains("kafka-2  start"))
            let control = try await fixture.control()
            #expect(control.paused?.why == "upgrade")
            #expect(control.paused?.by.hasPrefix("ada@") == true)
            #expect(control.pause(at: .now) != nil)
            // The guard of a step that was decided before does not pass any more.
            await #expect(throws: ZooKeeperError.self) {
                try await fixture.session.multi([.check(fixture.layout.control, version: before.stat.version)])
            }
            #expect(await fixture.run("status").output.contains("by ada@"))

            let resumed = await fixture.run("resume")
            #expect(resumed.code == .healthy)
            #expect(try await fixture.control().paused == nil)
        }
    }

    @Test("A pause everywhere is kept at the root, and ended there")
    func everywhere() async throws {
        try await HealerctlFixture.with { fixture in
            try await fixture.found(Layout(root: "/kafka-healer", cluster: ClusterName("other")))
            let paused = await fixture.run("pause --everywhere")
            #expect(paused.code == .healthy, "\(paused)")
            #expect(try await fixture.control().paused == nil)
            #expect(await fixture.run("status --cluster other").output.contains("paused  everywhere, by ada@"))
            #expect(await fixture.run("resume --cluster main").output.contains("`healerctl resume --everywhere`"))
            #expect(await fixture.run("resume --everywhere").output.contains("paused  no"))

            // With two clusters the one that is meant must be named.
            let which = await fixture.run("status")
            #expect(which.code == .error)
            #expect(which.errors == "healerctl: which cluster?\n  Say --cluster with one of: main, other.\n")
            #expect(await fixture.run("status --cluster third").errors.contains("There is: main, other."))
        }
    }

    @Test("Maintenance of several nodes by several people at once loses none of them")
    func maintenance() async throws {
        try await HealerctlFixture.with { fixture in
            let names = (1...6).map { "kafka-\($0)" }
            try await fixture.know("kafka-1", "kafka-2", "kafka-3", "kafka-4", "kafka-5", "kafka-6")
            let outcomes = await withTaskGroup(of: Program.Outcome.self) { group in
                for name in names { group.addTask { await fixture.run("maintenance \(name) on --why disk") } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.allSatisfy { $0.code == .healthy }, "\(outcomes)")
            #expect(try await fixture.control().maintenance.count == names.count)
            #expect(await fixture.run("status").output.contains("maintenance  kafka-6 by ada@"))

            let off = await fixture.run("maintenance kafka-6 off")
            #expect(off.output.hasPrefix("kafka-6 is looked after again\n"))
            #expect(await fixture.run("maintenance kafka-6 off").output.hasPrefix("kafka-6 was not in maintenance\n"))
            let unknown = await fixture.run("maintenance kafka-9 on")
            #expect(unknown.code == .error)
            #expect(unknown.errors.contains("There is: kafka-1, "))
        }
    }

    @Test("A node that stands in the healers' configuration is known, also with every healer dead")
    func configuredNodes() async throws {
        try await HealerctlFixture.with { fixture in
            let record = """
                {"nodes": [], "configured": [{"name": "zk-1", "role": {"zooKeeper": {}},
                "endpoint": {"host": "127.0.0.1", "port": 2181}}]}
                """
            try await fixture.session.set(fixture.layout.nodes, data: Array(record.utf8))
            let nodes = await fixture.run("nodes")
            #expect(nodes.output.contains("zk-1  zookeeper  UNKNOWN"), "\(nodes)")
            let on = await fixture.run("maintenance zk-1 on")
            #expect(on.code == .healthy, "\(on)")
            #expect(try await fixture.control().maintenance.keys.map(\.rawValue) == ["zk-1"])
            #expect(await fixture.run("maintenance zk-2 on").errors.contains("There is: zk-1."))
        }
    }

    @Test("A control that cannot be read is left as it is")
    func unreadable() async throws {
        try await HealerctlFixture.with { fixture in
            try await fixture.session.set(fixture.layout.control, data: Array("{".utf8))
            let paused = await fixture.run("pause")
            #expect(paused.code == .error)
            #expect(paused.errors.contains("no step starts while it is so"))
            #expect(try await fixture.session.get(fixture.layout.control).data == Array("{".utf8))
        }
    }

    @Test("Resign asks the one who leads, and returns when another one does")
    func resign() async throws {
        try await HealerctlFixture.with { fixture in
            #expect(await fixture.run("resign").errors.contains("nobody leads"))
            let first = try await fixture.join("healer-1", address: self.nobody)
            try await fixture.lead(first, epoch: 3)
            let alone = await fixture.run("resign")
            #expect(alone.errors.contains("no other healer is there to follow healer-1"))
            #expect(try await fixture.control().resign == nil)

            let second = try await fixture.join("healer-2", address: self.nobody)
            async let resigned = fixture.run("resign -o json")
            // What the leading healer does when it reads the request.
            while try await fixture.control().resign?.incarnation != first.holder.incarnation { await Task.yield() }
            try await fixture.session.delete(first.path)
            try await fixture.lead(second, epoch: 4)
            let outcome = await resigned
            #expect(outcome.code == .healthy, "\(outcome)")
            let page = try AdminJSON.decode(LeaderPage.self, from: Array(outcome.output.utf8))
            #expect(page.leader?.member == HealerID("healer-2"))
            #expect(page.leader?.epoch == Epoch(4))
            #expect(try await fixture.control().resign == nil)
        }
    }

    @Test("Transfer names the one that is to lead, and fails if another one does")
    func transfer() async throws {
        try await HealerctlFixture.with { fixture in
            let first = try await fixture.join("healer-1", address: self.nobody)
            let second = try await fixture.join("healer-2", address: self.nobody)
            let third = try await fixture.join("healer-3", address: self.nobody)
            #expect(await fixture.run("transfer --to healer-2").errors.contains("nobody leads"))
            try await fixture.lead(first, epoch: 3)
            #expect(
                await fixture.run("transfer --to healer-9").errors.contains("There is: healer-1, healer-2, healer-3."))
            #expect(await fixture.run("transfer --to healer-1").code == .healthy)
            #expect(try await fixture.control().resign == nil)

            async let transferred = fixture.run("transfer --to healer-3 -o json")
            try await fixture.awaitResignation()
            let asked = try await fixture.control().resign
            #expect(asked?.incarnation == first.holder.incarnation)
            #expect(asked?.successor.map { fixture.layout.candidate($0) } == third.path)
            try await fixture.session.delete(first.path)
            try await fixture.lead(third, epoch: 4)
            let outcome = await transferred
            #expect(outcome.code == .healthy, "\(outcome)")
            #expect(
                try AdminJSON.decode(LeaderPage.self, from: Array(outcome.output.utf8)).leader?.member
                    == third.holder.member)

            async let refused = fixture.run("transfer --to healer-2")
            try await fixture.awaitResignation()
            let rival = try await fixture.join("healer-4", address: self.nobody)
            try await fixture.session.delete(third.path)
            try await fixture.lead(rival, epoch: 5)
            #expect(await refused.errors.contains("healer-4 leads, not healer-2"))
            _ = second
        }
    }

    @Test("What a healer knows is asked of the next one when the leader does not answer")
    func healers() async throws {
        let server = try HTTPServer(host: "127.0.0.1", port: 0) { request in
            let json: [UInt8]? =
                switch request.path {
                case "/api/v1/status": AdminJSON.encode(Samples.status)
                case "/api/v1/nodes": AdminJSON.encode(Samples.nodes)
                case "/api/v1/partitions": AdminJSON.encode(Samples.partitionsPage)
                case "/api/v1/check" where request.query("node") == "kafka-2": AdminJSON.encode(Samples.check)
                case "/api/v1/incidents/a%20b", "/api/v1/incidents/a b": AdminJSON.encode(Samples.explained)
                default: nil
                }
            guard request.query("cluster") == "main", let json else {
                return HTTPResponse(
                    status: 404, body: AdminJSON.encode(APIProblem("there is no such thing", hint: "Try another.")))
            }
            return HTTPResponse(status: 200, body: json)
        }
        async let running: Void = server.run()
        do {
            try await HealerctlFixture.with { fixture in
                let first = try await fixture.join("healer-1", address: self.nobody)
                try await fixture.lead(first, epoch: 3)
                try await fixture.join("healer-2", address: "127.0.0.1:\(server.port)")
                let nodes = await fixture.run("nodes")
                #expect(nodes.code == .unhealthy)
                #expect(nodes.output == Samples.nodes.text(.table, colours: false))
                // What ZooKeeper holds stays, what only a healer knows is added.
                let status = await fixture.run("status")
                #expect(status.code == .unhealthy)
                #expect(status.output.contains("data        from zookeeper and healer-1"), "\(status)")
                #expect(status.output.contains("leader      healer-1, epoch 3"))
                #expect(status.output.contains("partitions  3 partitions, 1 offline"))
                #expect(status.output.contains("paused      no"))
                #expect(await fixture.run("partitions -o json").output.contains(#""under_min_isr" : 1"#))
                #expect(await fixture.run("check kafka-2").output.contains("refused"))
                let unknown = await fixture.run("check kafka-9")
                #expect(unknown.code == .error)
                #expect(unknown.errors == "healerctl: there is no such thing\n  Try another.\n")
            }
        } catch {
            Issue.record(error)
        }
        await server.stop()
        await running
    }
}
