import Admin
import Cluster
import Curl
import Foundation
import Testing

@testable import AdminTool
@testable import ChaosTool
@testable import Daemon

/// Real healers on a real ensemble, without brokers, who have nothing to do but to lead.
@Suite("How leadership moves between real healers", .serialized)
struct SuccessionTests {
    private static let patience = Duration.seconds(120)

    /// So long that on no machine anything but the broken connection can be meant.
    private static let slow = """
          profile: steady
          timing:
            silence_seconds: 60
            session_seconds: 120
        """

    @Test("A killed leader is followed on the word of its broken connection, long before its session ends")
    func killed() async throws {
        try await self.during(coordination: Self.slow) { healers in
            let before = try await healers.leader()
            healers[before].send(SIGKILL)
            let after = try await healers.leader(after: before)
            try await healers.awaitLeading(after, by: "crash")
            // The dead one left the line with the claim, not with its session.
            try await healers.until("two in line") { try await healers.tree.members().count == 2 }
        }
    }

    @Test("A frozen leader is followed for its silence, and follows when it is thawed")
    func frozen() async throws {
        try await self.during(coordination: "  profile: fast\n") { healers in
            let before = try await healers.leader()
            healers[before].send(SIGSTOP)
            let after: LeaderRecord.Holder
            do {
                after = try await healers.leader(after: before)
            } catch {
                healers[before].send(SIGCONT)
                throw error
            }
            healers[before].send(SIGCONT)
            try await healers.awaitLeading(after, by: "silence")
            try await healers.until("all in line again") { try await healers.tree.members().count == 3 }
            #expect(healers[before].exitStatus == nil)
        }
    }

    @Test("A session that a lagging server alone can end is warned of, a longer one is not")
    func sessionAgainstEnsemble() async throws {
        let warning = "sessions are shorter than 1.2 times what a server of the ensemble may lag"
        let short = """
              profile: fast
              timing:
                beat_seconds: 0.2
                limit_seconds: 0.5
                silence_seconds: 1
                session_seconds: 2

            """
        try await self.during(coordination: short) { healers in
            // The sandbox's own: ticks of 500 ms, 4 of them.
            let servers = healers.sandbox.description.zookeepers.map { Endpoint(host: $0.host, port: UInt16($0.port)) }
            let ensemble = try #require(EnsembleTiming(conf: "tickTime=500\nsyncLimit=4"))
            #expect(await EnsembleTiming.ask(servers, within: .seconds(20)) == .timing(ensemble))
            try await healers.until("the warning") { healers.all.values.allSatisfy { $0.tail(1000).contains(warning) } }
        }
        try await self.during(coordination: Self.slow) { healers in
            // A minute is the longest that it grants.
            let shorter = "the ensemble grants shorter sessions than asked for"
            try await healers.until("told") { healers.all.values.allSatisfy { $0.tail(1000).contains(shorter) } }
            // All are in line: the question is put at the start, and answered by the same servers that they stand in line at.
            #expect(healers.all.values.allSatisfy { !$0.tail(1000).contains(warning) })
        }
    }

    @Test("A leader that stops hands over at once, and healerctl names who is next")
    func handedOver() async throws {
        try await self.during(coordination: Self.slow) { healers in
            let before = try await healers.leader()
            let line = try await healers.tree.members()
            try await healers.until("the leader knows who stands in line") {
                try await healers.knownLine(of: before) == line.map(\.id)
            }
            healers[before].send(SIGTERM)
            let after = try await healers.leader(after: before)
            #expect(after.member == line.last?.id)
            try await healers.awaitLeading(after, by: "vacancy")
            #expect(await healers[before].ended(within: Self.patience) == .code(0))

            let other = try #require(line.map(\.id).first { $0 != before.member && $0 != after.member })
            let program = AdminTool.Program(
                environment: ["HEALER_ZOOKEEPER": healers.sandbox.description.zookeeper], colours: false)
            let outcome = await program.run(["transfer", "--to", other.rawValue, "--timeout", "60s"])
            #expect(outcome.code == .healthy, "\(outcome)")
            #expect(try await healers.leader().member == other)
            // It stands in line again, and what it has counted is not lost with its leadership.
            try await healers.until("the former leader tells of its leadership") {
                let metrics = try await healers.metrics(of: after)
                return metrics["claims_total"] == 1 && metrics["takeovers_total,by=\"vacancy\""] == 1
                    && metrics["leaderships_ended_total,reason=\"resigned\""] == 1
                    && metrics["needless_handovers_total"] == 0 && metrics["late_renewals_total"] != nil
                    && metrics["guard_seconds,quantile=\"0.99\"", default: .nan] > 0
                    && metrics["guard_limit_seconds", default: 0] > 0
            }
        }
    }

    @Test("Restarting all healers one after the other moves leadership at most twice", arguments: [0, 1, 2])
    func restarted(from first: Int) async throws {
        try await self.during(coordination: Self.slow) { started in
            var healers = started
            let leader = try await healers.leader().member
            let line = try await healers.tree.members().map(\.id)
            let before = try #require(try await healers.tree.leader()).epoch
            // Whoever leads comes first, second or last.
            var order = line.filter { $0 != leader }
            order.insert(leader, at: first)
            for id in order {
                let incarnation = try #require(try await healers.tree.members().first { $0.id == id }).incarnation
                healers.all[id]!.send(SIGTERM)
                #expect(await healers.all[id]!.ended(within: Self.patience) == .code(0))
                healers.all[id] = try healers.start(id)
                try await healers.until("\(id) is in line again, and whoever leads knows it") {
                    let members = try await healers.tree.members()
                    guard members.count == 3, members.last?.id == id, members.last?.incarnation != incarnation,
                        let holder = try await healers.tree.leader()?.holder
                    else { return false }
                    return try await healers.knownLine(of: holder).last == id
                }
            }
            let after = try #require(try await healers.tree.leader()).epoch
            #expect(after.rawValue - before.rawValue <= 2, "\(order), led by \(leader)")
        }
    }

    /// Three healers, one of which leads, all in line.
    private struct Healers {
        let sandbox: Sandbox
        let tree: ChaosTool.CoordinationTree
        var all: [HealerID: HealerProcess]
        let start: (HealerID) throws -> HealerProcess

        subscript(_ holder: LeaderRecord.Holder) -> HealerProcess { self.all[holder.member]! }

        func until(_ what: String, _ holds: () async throws -> Bool) async throws {
            let end = HostClock.now + SuccessionTests.patience
            while try await !holds() {
                guard HostClock.now < end else {
                    throw SandboxError("never came: \(what)\n\(self.all.values.map { $0.tail(20) })")
                }
                try await Task.sleep(for: .milliseconds(20))
            }
        }

        func leader(after before: LeaderRecord.Holder? = nil) async throws -> LeaderRecord.Holder {
            var found: LeaderRecord.Holder?
            try await self.until("a leader") {
                found = try await self.tree.leader()?.holder
                return found != nil && found?.incarnation != before?.incarnation
            }
            return found!
        }

        func knownLine(of holder: LeaderRecord.Holder) async throws -> [HealerID] {
            try await HTTPClient.during { client in
                let answer = try await client.get("http://\(holder.address)/api/v1/status", timeout: .seconds(20))
                return try AdminJSON.decode(StatusPage.self, from: answer.body).members.map(\.member)
            }
        }

        /// By what follows `kafka_self_healing_`, without the cluster's name.
        func metrics(of holder: LeaderRecord.Holder) async throws -> [String: Double] {
            let answer = try await HTTPClient.during { client in
                try await client.get("http://\(holder.address)/metrics", timeout: .seconds(20))
            }
            var metrics: [String: Double] = [:]
            for line in String(decoding: answer.body, as: UTF8.self).split(separator: "\n") {
                guard !line.hasPrefix("#"), let blank = line.lastIndex(of: " ") else { continue }
                let name = String(line[..<blank]).replacing("kafka_self_healing_", with: "")
                    .replacing("{cluster=\"sandbox\"", with: "").replacing("}", with: "")
                metrics[name] = Double(String(line[line.index(after: blank)...]))
            }
            return metrics
        }

        /// Its log may come after the record: it is told that its claim was committed when everybody can see it.
        func awaitLeading(_ holder: LeaderRecord.Holder, by takeover: String) async throws {
            try await self.until("\(holder.member) says that it leads by \(takeover)") {
                let lines = self[holder].tail(1000).split(separator: "\n").filter { $0.contains("election.by=") }
                return lines.last?.contains("election.by=\(takeover)") ?? false
            }
        }
    }

    private func during(coordination: String, _ body: (Healers) async throws -> Void) async throws {
        let directory = "\(NSTemporaryDirectory())succeeded-\(UUID().uuidString.prefix(8))"
        try await Sandbox.during(SandboxOptions(zookeepers: 3, brokers: 0, topics: []), in: directory) { sandbox in
            let example = try String(contentsOfFile: OwnProgram.example("config_development.yaml"), encoding: .utf8)
            let line = "  profile: ${HEALER_PROFILE:-steady}\n"
            try #require(example.contains(line))
            let configuration = "\(sandbox.directory)/healers.yaml"
            try Data(example.replacing(line, with: coordination + "\n").utf8)
                .write(to: URL(fileURLWithPath: configuration))
            let tree = try await ChaosTool.CoordinationTree(zookeeper: sandbox.description.zookeeper)
            do {
                func start(_ id: HealerID) throws -> HealerProcess {
                    try HealerProcess(
                        id, sandbox: sandbox, program: OwnProgram.beside("healer"), configuration: configuration,
                        // The sandbox has no brokers, but the file wants to name some.
                        settings: ["SANDBOX_BOOTSTRAP": "127.0.0.1:9"])
                }
                var all: [HealerID: HealerProcess] = [:]
                for number in 1...3 {
                    let id = HealerID("healer-\(number)")
                    all[id] = try start(id)
                }
                let healers = Healers(sandbox: sandbox, tree: tree, all: all, start: start)
                try await healers.until("all in line") { try await tree.members().count == 3 }
                _ = try await healers.leader()
                // Each has asked the leader who it is, and would notice its end.
                try await healers.until("two connected to the leader") {
                    all.values.count { $0.tail(1000).contains("connected to whoever leads") } == 2
                }
                try await body(healers)
                await tree.close()
            } catch {
                await tree.close()
                throw error
            }
        }
    }
}
