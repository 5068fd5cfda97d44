import Cluster
import Foundation
import Testing

@testable import ChaosTool

@Suite("Scenario files") struct ScenarioReaderTests {
    private func read(_ text: String) throws -> Scenario {
        try ScenarioReader.read(Array(text.utf8), file: "chaos/scenarios/F0-sample.yaml")
    }

    private func problems(_ text: String) -> [String] {
        do {
            _ = try self.read(text)
            return []
        } catch {
            return (error as? ScenarioProblems)?.problems ?? ["\(error)"]
        }
    }

    @Test("A name is that scenario alone, a row all of its scenarios")
    func names() throws {
        func names(_ word: String) throws -> [String] {
            try RunCommand.paths(word).map { String($0.split(separator: "/").last!.dropLast(".yaml".count)) }
        }
        #expect(try names("F4-leader-frozen") == ["F4-leader-frozen"])
        #expect(try names("F4") == ["F4-leader-frozen", "F4-leader-frozen-in-a-recovery"])
        #expect(try names("F1") == ["F1-leader-killed"])
        #expect(throws: UsageError.self) { try names("F4-lead") }
    }

    @Test("What a file says is what is played")
    func whole() throws {
        let scenario = try self.read(
            """
            summary: One sentence.
            given:
              load: 2000
              start-takes: 1.5 s
            when:
              - freeze: leader
                for: 11 s
                while:
                  - kill: kafka-2
                  - await: new-leader
                    within: 1 min
              - cut: zookeeper-leader
                from: zookeeper-follower
                ways: in
                for: 200 ms
              - repeat: 3
                steps:
                  - wait: 1 s
            then:
              started: 1
              leaderships: 0..2
              acked: 1000..
              takeover: 7 s
            """)
        #expect(scenario.name == "F0-sample")
        #expect(scenario.given.load == 2000 && scenario.given.healers == 3)
        #expect(scenario.given.startTakes == .milliseconds(1500))
        #expect(
            scenario.when == [
                ScenarioStep(
                    act: .hurt(.freeze, .leader), lasts: .seconds(11),
                    steps: [
                        ScenarioStep(act: .hurt(.kill, .member("kafka-2"))),
                        ScenarioStep(act: .await(.newLeader, within: .seconds(60))),
                    ]),
                ScenarioStep(
                    act: .hurt(.link(.cut([.in]), .role(.zooKeeperFollower)), .zooKeeperLeader),
                    lasts: .milliseconds(200)),
                ScenarioStep(act: .repeat(3), steps: [ScenarioStep(act: .wait(.seconds(1)))]),
            ])
        #expect(scenario.then.started == .init(least: 1, most: 1))
        #expect(scenario.then.leaderships == .init(least: 0, most: 2))
        #expect(scenario.then.acked == .init(least: 1000, most: .max))
        #expect(scenario.then.takeover == .seconds(7))
        #expect(scenario.needs == [.peerLinks, .slowStarts])
    }

    @Test(
        "What nobody knows is an error at its place, with the nearest word",
        arguments: [
            ("kill: leadr", "4:11: unknown role 'leadr': did you mean 'leader'?"),
            ("kil: leader", "4:5: unknown step 'kil': did you mean 'kill'?"),
            ("{kill: leader, for: 3 s}", "4:20: unknown key 'for' (known: kill)"),
            ("{freeze: leader, fro: 3 s}", "4:22: unknown key 'fro': did you mean 'for'?"),
            ("{freeze: leader, for: 3}", "4:27: '3' is no time; write one such as `200 ms`, `3 s` or `2 min`"),
            ("{freeze: leader, while: [{wait: 1 s}]}", "4:29: `while` needs `for`: how long it lasts"),
            ("await: heeled", "4:12: unknown condition 'heeled': did you mean 'healed'?"),
            ("{slow: kafka-1, to: 95}", "4:25: '95' is no whole number from 1 to 90"),
            ("slow: kafka-1", "4:5: `to` is missing; write how many of a hundred parts it runs"),
            ("kill: kafka-9", "4:11: unknown role 'kafka-9': did you mean 'kafka-1'?"),
            (
                "read-only-logs: kafka-1",
                "4:21: only healers have logs of their own; write such as `leader` or `healer-1`"
            ),
            ("maintenance: leader", "4:18: only nodes are left to people; write such as `kafka-2`"),
            ("leader", "4:5: this is no step; write one such as `kill: leader`"),
        ])
    func wrongStep(step: String, problem: String) {
        let found = self.problems(
            """
            summary: S
            # A comment.
            when:
              - \(step)
            """)
        #expect(found == ["chaos/scenarios/F0-sample.yaml:\(problem)"])
    }

    @Test("All that is wrong is said at once, in the order of the file")
    func all() {
        let found = self.problems(
            """
            sumary: S
            given: {lod: 3}
            when:
              - wait: soon
            then: {started: many}
            """)
        #expect(
            found.map { $0.replacingOccurrences(of: "chaos/scenarios/F0-sample.yaml:", with: "") } == [
                "1:1: unknown key 'sumary': did you mean 'summary'?",
                "1:1: `summary` is missing; write one sentence",
                "2:9: unknown key 'lod': did you mean 'load'?",
                "4:11: 'soon' is no time; write one such as `200 ms`, `3 s` or `2 min`",
                "5:17: 'many' is no count; write one such as `2`, `0..2` or `1000..`",
            ])
    }

    @Test("Another node may be hurt than the one that the file names, and nobody else is")
    func target() throws {
        let scenario = try self.read(
            """
            summary: S
            when:
              - fill-disk: kafka-2
              - start: kafka-2
              - kill: leader
            """)
        let other = try scenario.hurting("kafka-3")
        #expect(other.smallDisks == ["kafka-3"])
        #expect(other.when[1].act == .start(.member("kafka-3")) && other.when[2] == scenario.when[2])
        #expect(throws: UsageError.self) { try scenario.hurting("zookeeper-1") }
        #expect(throws: UsageError.self) { try scenario.hurting("kafka-4") }
    }

    @Test("A seed is one pair of faults, other seeds are others, and no more is asked of a platform than it can do")
    func mix() {
        let all = Set(PlatformFeature.allCases)
        let summaries = (UInt64(1)...50).map { Mix.scenario(seed: $0, features: all).summary }
        #expect(summaries == (UInt64(1)...50).map { Mix.scenario(seed: $0, features: all).summary })
        #expect(Set(summaries).count > 45)
        #expect((UInt64(1)...50).allSatisfy { Mix.scenario(seed: $0, features: []).needs.isEmpty })
    }

    @Test("Metrics are read by name and label")
    func metrics() {
        let page = """
            # TYPE kafka_cluster_brokers gauge
            kafka_cluster_brokers{cluster="main"} 2.0
            kafka_under_replicated_partitions{topic="messages"} 1
            kafka_under_replicated_partitions{cluster="main",topic="__total__"} 4.0
            """
        let sample = MetricsSample(page, at: HostClock.wall)
        #expect(sample?.brokers == 2 && sample?.underReplicated == 4)
        #expect(MetricsSample("kafka_cluster_brokers_total 3", at: HostClock.wall) == nil)
    }

    @Test("Every scenario of the suite can be read, and hurts somebody")
    func suite() throws {
        let names = try RunCommand.names()
        #expect(names.count >= 15)
        for name in names {
            let scenario = try ScenarioReader.read(path: "\(RunCommand.folder)/\(name).yaml")
            #expect(!scenario.when.isEmpty && !scenario.summary.isEmpty)
        }
    }

    @Test("The command refuses what is not there before it starts anything")
    func command() async throws {
        let wrong = try await chaos(["run", "F99"])
        #expect(wrong.code == 2 && wrong.errors.contains("unknown scenario 'F99'"))
        let platform = try await chaos(["run", "F1", "--on", "proceses"])
        #expect(platform.code == 2 && platform.errors.contains("did you mean 'processes'?"))
        let good = try await chaos(["run", "--check", "F1", "F4"])
        #expect(good.code == 0 && good.output.split(separator: "\n").count == 3)
    }
}
