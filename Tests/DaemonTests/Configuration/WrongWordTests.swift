import Testing

@testable import Daemon

@Suite("A configuration with a wrong word in a place on which others depend")
struct WrongWordTests {
    @Test("Of a node whose type is not known, all that every node has is judged all the same")
    func unknownType() {
        let node = "nodes: [{node_id: -a, node_type: broker, host: \"h h\", port: 0, broker_id: x}]"
        let problems = Sample.problems(Sample.cluster(node))
        #expect(problems.count == 5, "\(problems)")
        for key in ["node_id", "node_type", "host", "port", "broker_id"] {
            #expect(problems.contains { $0.contains("`clusters[0].nodes[0].\(key)` is") }, "\(key): \(problems)")
        }
    }

    /// Nothing hides behind a word on which other keys depend: the type of a node, the type of a supervisor, a policy's
    /// code, a timing profile, the connect string, a node among others that is wrong.
    @Test("Below and beside a word that is wrong, everything else is judged in the same run, each with its place")
    func discriminators() {
        let text = """
            coordination:
              zookeeper: "${A}:2181,${B}:2181"
              profile: fats
              timing: {beat_seconds: 3, limit_seconds: 4, session_seconds: no}
            clusters:
              - name: main
                kafka: {bootstrap.servers: "b:1"}
                zookeeper: "z:x"
                zookeeper_digest: {username: a, password: b}
                mode: heal
                supervisor:
                  type: comand
                  start: [start, "${nod}"]
                  kill: [/k, "${node}"]
                  engine: nowhere
                  stop_seconds: soon
                  limits: {start_seconds: 0, strat_seconds: 1}
                  environment: {A-B: 1}
                  starts: [/s]
                nodes:
                  - node_id: a
                    node_type: brokre
                    host: h
                    port: 9092
                    broker_id: many
                    monitoring_methods: [sokcet]
                    recovery_actions: [kil]
                    retry_policy: {max_attempts: 0}
                    supervisor: {type: docker, container: a/b, status: [/s]}
                    hots: h
                  - {node_id: a, node_type: kafka, broker_id: 1, host: i}
                  - {node_id: c, node_type: kafka, broker_id: 1, host: j}
                  - {node_id: d, node_type: zookeeper, host: h, port: 9092}
                  - {node_id: e, node_type: kafka, broker_id: 5, host: k, supervisor: {type: command, status: [/s]}}
                policies:
                  brokerDed: {grace_seconds: -1, mdoe: heal}
                  brokerHung: {grace_seconds: -1}
            logging: {format: xml, backup_count: -1}
            """
        let expected = [
            "2:14: `coordination.zookeeper` needs the environment variables A, B, which are not set",
            "3:12: `coordination.profile` is `fats`",
            "4:44: `coordination.timing.limit_seconds` breaks a rule",
            "4:64: `coordination.timing.session_seconds` is `no`", "8:16: `clusters[0].zookeeper` has `z:x`",
            "10:11: `clusters[0].mode` is `heal`, which needs a `supervisor` with `start`",
            "12:13: `clusters[0].supervisor.type` is `comand`",
            "13:15: `clusters[0].supervisor.start` begins with `start`",
            "13:22: `clusters[0].supervisor.start` needs the environment variable nod",
            "14:13: `clusters[0].supervisor.kill` has no `${identity}`",
            "15:15: `clusters[0].supervisor.engine` is `nowhere`",
            "16:21: `clusters[0].supervisor.stop_seconds` is `soon`",
            "17:31: `clusters[0].supervisor.limits.start_seconds` is `0`",
            "17:34: `clusters[0].supervisor.limits.strat_seconds` is not a known key; did you mean `start_seconds`?",
            "18:21: `clusters[0].supervisor.environment.A-B` is not such a name",
            "19:7: `clusters[0].supervisor.starts` is not a known key; did you mean `start`?",
            "22:20: `clusters[0].nodes[0].node_type` is `brokre`",
            "25:20: `clusters[0].nodes[0].broker_id` is `many`",
            "26:30: `clusters[0].nodes[0].monitoring_methods` is `sokcet`; did you mean `socket`?",
            "27:28: `clusters[0].nodes[0].recovery_actions` is `kil`",
            "28:38: `clusters[0].nodes[0].retry_policy.max_attempts` is `0`",
            "29:47: `clusters[0].nodes[0].supervisor.container` is `a/b`",
            "29:52: `clusters[0].nodes[0].supervisor.status` is not a known key",
            "30:9: `clusters[0].nodes[0].hots` is not a known key; did you mean `host`?",
            "31:9: `clusters[0].nodes[1]` has the name `a` of another node",
            "32:9: `clusters[0].nodes[2]` has the broker_id 1 of `a`",
            "33:9: `clusters[0].nodes[3]` is at h:9092 like `a`",
            "36:7: `clusters[0].policies.brokerDed` is not a known key; did you mean `brokerDead`?",
            "36:34: `clusters[0].policies.brokerDed.grace_seconds` is `-1`",
            "36:38: `clusters[0].policies.brokerDed.mdoe` is not a known key; did you mean `mode`?",
            "37:35: `clusters[0].policies.brokerHung.grace_seconds` is `-1`", "38:19: `logging.format` is `xml`",
            "38:38: `logging.backup_count` is `-1`",
        ]
        let problems = Sample.problems(text)
        for line in expected {
            #expect(problems.contains { $0.hasPrefix("c.yaml:\(line)") }, "\(line) is not said")
        }
        #expect(problems.count == expected.count, "\(problems.joined(separator: "\n"))")
    }

    @Test("What is right below a word that is wrong is not complained of")
    func rightBelowWrong() {
        let text = """
            zookeeper: z
            mode: heal
            supervisor: {type: comand, status: [/s], start: [/s], kill: [/k, "${identity}"], stop_seconds: 5, tls: {ca_file: /c}, engine: "tcp://h:1"}
            nodes: [{node_id: a, node_type: brokre, host: h, broker_id: 1, monitoring_methods: [four_letter, protocol]}]
            """
        let problems = Sample.problems(Sample.cluster(text))
        #expect(problems.count == 2, "\(problems)")
        #expect(problems.first?.contains("supervisor.type` is `comand`") == true)
        #expect(problems.last?.contains("node_type` is `brokre`") == true)
    }
}
