import Testing

@testable import Daemon

@Suite("A configuration that is wrong")
struct ProblemTests {
    @Test("All problems come at once, in the order of the file, each with its place and what would be right")
    func all() {
        let text = """
            coordination: {zookeeper: "zk-1:99999", root: kafka-healer}
            healers: 0
            helers: 3
            clusters:
              - name: -bad
                kafka: {}
                mode: suggest
                mode: heal
                supervisor: {type: nomad, unit: kafka}
            api:
              port: 70000
              metrics-port: 1
            smtp: {host: mail}
            logging: {level: LOUD}
            """
        #expect(
            Sample.problems(text) == [
                "c.yaml:1:27: `coordination.zookeeper` has `zk-1:99999` for a server; write `host:port,host:port/chroot`",
                "c.yaml:1:47: `coordination.root` is `kafka-healer`; write a path in ZooKeeper such as `/kafka-healer`, "
                    + "without a slash at its end, not in `/zookeeper`",
                "c.yaml:2:10: `healers` is `0`; write a whole number from 1 to 99",
                "c.yaml:3:1: `helers` is not a known key; did you mean `healers`?",
                "c.yaml:5:11: `clusters[0].name` is `-bad`; write letters, digits, dots, dashes and underscores, "
                    + "at most 253, not a dash or a dot first",
                "c.yaml:6:12: `clusters[0].kafka.bootstrap.servers` is missing; "
                    + "write where brokers are reached, `host:port,host:port`",
                "c.yaml:7:11: `clusters[0].mode` is `suggest`: approval does not exist in this version; "
                    + "write one of `observe`, `heal`",
                "c.yaml:8:5: `mode` is there twice, first at 7:5; keep one of them",
                "c.yaml:9:24: `clusters[0].supervisor.type` is `nomad`; "
                    + "write one of `command`, `docker`, `systemd`, `kubernetes`",
                "c.yaml:11:9: `api.port` is `70000`; write a port from 0 to 65535, where 0 means any free one",
                "c.yaml:12:3: `api.metrics-port` is not a known key; did you mean `metrics_port`?",
                "c.yaml:13:1: `smtp` is not available in this version; leave it out",
                "c.yaml:14:18: `logging.level` is `LOUD`; write one of `DEBUG`, `INFO`, `WARNING`, `ERROR`",
            ])
    }

    @Test("An empty file, and a file that is no mapping, are told what they lack")
    func empty() {
        #expect(
            Sample.problems("") == [
                "c.yaml:1:1: `coordination.zookeeper` is missing; write `host:port,host:port/chroot`",
                "c.yaml:1:1: `clusters` is missing; write a list with at least one cluster",
            ])
        for text in ["- a\n", "just text"] {
            let problem = "c.yaml:1:1: the file is not a mapping; write keys and values, `key: value`"
            #expect(Sample.problems(text).contains(problem))
        }
    }

    /// A line at the top level, and what must be said of it.
    static let values: [(String, String)] = [
        ("healers: three", "`healers` is `three`; write a whole number from 1 to 99"),
        ("healers: \"3\"", "`healers` is a text because of its quotes; write 3 without quotes"),
        ("healers: 03", "`healers` is `03`, which YAML 1.1 takes for octal; write it without the leading zero"),
        ("healers: 1:30", "`healers` is `1:30`, which YAML 1.1 counts in sixties; write a whole number from 1 to 99"),
        ("healers: 3.0", "`healers` is `3.0`; write a whole number from 1 to 99"),
        ("healers: [3]", "`healers` is a list; write a single value"),
        ("healers: {n: 3}", "`healers` is a mapping; write a single value"),
        ("healers: 99999999999999999999", "`healers` is `99999999999999999999`; write a whole number from 1 to 99"),
        ("healer_id: a/b", "`healer_id` is `a/b`; write letters,"),
        ("monitoring: {concurrent_checks: maybe}", "`monitoring.concurrent_checks` is `maybe`; write true or false"),
        ("monitoring: {concurrent_checks: \"yes\"}", "`monitoring.concurrent_checks` is a text because of its quotes"),
        ("monitoring: {timeout_seconds: 9}", "`monitoring.timeout_seconds` is 9; make it at most interval_seconds (5)"),
        ("monitoring: {interval_seconds: 0.1}", "is `0.1`; write a number of seconds from 0.2 to 3600"),
        ("monitoring: {interval_seconds: -5}", "is `-5`; write a number of seconds"),
        ("recovery: {max_delay_seconds: 5}", "is 5; make it at least initial_delay_seconds (10)"),
        ("recovery: {backoff_multiplier: 0.5}", "is `0.5`; write a number from 1 to 100"),
        ("api: {metrics_port: 8080}", "`api.metrics_port` is 8080, which is the port of the API"),
        ("api: {host: \"-o\"}", "`api.host` is `-o`; write a host name"),
        ("api: {port: 1, tls: {}}", "`api.tls` is not available in this version; leave it out"),
        ("api: on", "`api` is not a mapping; write keys and values"),
        ("logging: {directory: logs}", "`logging.directory` is `logs`; write an absolute path"),
        ("logging: {level: debug}", "did you mean `DEBUG`?"),
        ("mode: heal", "`mode` belongs into an element of `clusters`; move it there"),
        (
            "healer_id: ${NOBODY}",
            "needs the environment variable NOBODY, which is not set; set it, or write `${NOBODY:-text}`"
        ),
        ("healer_id: ${node}", "has `${node}`, which has no meaning here"),
        ("healer_id: ${1x}", "has `${1x}`, which is not understood; write `${NAME}` or `${NAME:-text}`"),
        ("healer_id: ${X", "has a `${` without its `}`"),
        ("healers: !!int 3", "the tag `tag:yaml.org,2002:int` is not read; leave it out"),
        ("state_directory: /var/lib", "`state_directory` is not a known key"),
        // A value that is refused is not compared with others: what would stand in for it is nobody's word.
        ("monitoring: {interval_seconds: 2, timeout_seconds: soon}", "`monitoring.timeout_seconds` is `soon`"),
        ("monitoring: {interval_seconds: often, timeout_seconds: 9}", "`monitoring.interval_seconds` is `often`"),
        ("recovery: {initial_delay_seconds: 200, max_delay_seconds: 2m}", "`recovery.max_delay_seconds` is `2m`"),
        ("recovery: {initial_delay_seconds: 1m, max_delay_seconds: 5}", "`recovery.initial_delay_seconds` is `1m`"),
        ("api: {port: http, metrics_port: 8080}", "`api.port` is `http`"),
    ]

    @Test("A value that is wrong is told what would be right", arguments: Self.values)
    func wrong(line: String, message: String) {
        let problems = Sample.problems(Sample.minimal(line))
        #expect(problems.count == 1, "\(problems)")
        #expect(problems.first?.contains(message) == true, "\(problems)")
        #expect(problems.first?.hasPrefix("c.yaml:6:") == true)
    }

    /// Lines within the one cluster, and what must be said of them.
    static let clusters: [(String, String)] = [
        (
            "mode: heal\nzookeeper: z",
            "`clusters[0].mode` is `heal`, which needs a `supervisor` with `start` for every node"
        ),
        ("zookeeper: z:1,z:1", "`clusters[0].zookeeper` names z:1 twice"),
        ("zookeeper: z:1,", "has an empty place for a server"),
        ("zookeeper: z:1/a//b", "ends in `/a//b`, which is not a path in ZooKeeper"),
        ("zookeeper: \"z:1 y:2\"", "has `z:1 y:2` for a server"),
        ("zookeeper_digest: {username: a, password: b}", "`clusters[0].zookeeper_digest` is there, but no `zookeeper`"),
        ("zookeeper: z\nzookeeper_digest: {username: \"a:b\", password: b}", "write a user name without a colon"),
        ("zookeeper: z\nzookeeper_digest: {username: a}", "`clusters[0].zookeeper_digest.password` is missing"),
        ("supervisor: {status: [/s]}", "`clusters[0].supervisor.type` is missing; write one of `command`"),
        (
            "supervisor: {type: docker, engine: /run/docker.sock}",
            "write an address, `unix:///PATH` or `tcp://HOST:PORT`"
        ),
        ("supervisor: {type: docker, engine: \"tcp://${number}:1\"}", "has `${number}`, which has no meaning here"),
        ("supervisor: {type: docker, container: \"a/${node}\"}", "write the name of a container"),
        ("supervisor: {type: systemd, unit: a b}", "`clusters[0].supervisor.unit` is `a b`; write the name of a"),
        ("supervisor: {type: systemd, unit: \"${identity}\"}", "has `${identity}`, which has no meaning here"),
        ("supervisor: {type: systemd, transport: {port: 22}}", "`clusters[0].supervisor.transport.ssh` is missing"),
        ("supervisor: {type: systemd, transport: {ssh: \"-oProxyCommand=x\"}}", "write `user@host`, or a host alone"),
        ("supervisor: {type: systemd, transport: {ssh: h, port: 0}}", "write a whole number from 1 to 65535"),
        ("supervisor: {type: systemd, engine: x}", "`clusters[0].supervisor.engine` is not a known key"),
        (
            "supervisor: {type: command, status: [/s], start: [/s], interruptible: [status]}",
            "has `status`, which is no step of this supervisor; choose among `start`"
        ),
        ("supervisor: {type: command, status: [/s], interruptible: [start]}", "leave it out"),
        ("supervisor: {type: command, status: [/s], start: [/s], interruptible: [all]}", "write one of `status`"),
        ("supervisor: {type: docker, start: [/s]}", "`clusters[0].supervisor.start` is not a known key"),
        ("supervisor: {type: docker, stop_seconds: 90}", "make it less than limits.stop_seconds (60)"),
        ("supervisor: {type: docker, tls: {ca_file: /c}}", "but a Unix socket has no TLS"),
        (
            "supervisor: {type: docker, engine: \"tcp://h:1\", tls: {key_file: /k}}",
            "`clusters[0].supervisor.tls.certificate_file` is missing"
        ),
        ("supervisor: {type: kubernetes, server: \"http://h:1\"}", "write an address, `https://HOST:PORT`"),
        ("supervisor: {type: kubernetes, pod: \"${node}_a\"}", "write the name of a pod"),
        ("supervisor: {type: kubernetes, namespace: Kafka}", "write the name of a namespace"),
        ("supervisor: {type: kubernetes, pod_container: a/b}", "write the name of a container"),
        ("supervisor: {type: kubernetes, token_file: token}", "write an absolute path"),
        ("supervisor: {type: kubernetes, crash_loop_seconds: 0}", "`clusters[0].supervisor.crash_loop_seconds` is `0`"),
        ("supervisor: {type: kubernetes, engine: \"unix:///e\"}", "`clusters[0].supervisor.engine` is not a known key"),
        ("supervisor: {type: command}", "`clusters[0].supervisor.status` is missing"),
        ("supervisor: {type: comand}", "did you mean `command`?"),
        ("supervisor: {type: command, status: /bin/s}", "is not a list of arguments"),
        ("supervisor: {type: command, status: []}", "is not a list of arguments"),
        ("supervisor: {type: command, status: [s]}", "begins with `s`; write the program's absolute path"),
        (
            "kafka2: {}\nzookeeper: z\nmode: heal\nsupervisor: {type: command, status: [/s], start: [/s]}",
            "did you mean `kafka`?"
        ),
        (
            "zookeeper: z\nmode: heal\nsupervisor: {type: command, status: [/s], start: [\"${NO}\"], kill: [/k, \"${identity}\"]}",
            "`clusters[0].supervisor.start` needs the environment variable NO"
        ),
        ("supervisor: {type: command, status: [\"${node}\"]}", "begins with `${node}`"),
        ("supervisor: {type: command, status: [/s], kill: [/k, \"${node}\"]}", "has no `${identity}`"),
        ("supervisor: {type: command, status: [/s, \"${nod}\"]}", "needs the environment variable nod"),
        ("supervisor: {type: command, status: [/s, \"${number}\"]}", "has `${number}`, which has no meaning here"),
        ("supervisor: {type: command, status: [/s], stat: [/s]}", "did you mean `start`?"),
        ("supervisor: {type: command, status: [/s], limits: {start_seconds: 0}}", "from 0.1 to 3600"),
        (
            "supervisor: {type: command, status: [/s], environment: {A-B: 1}}",
            "`clusters[0].supervisor.environment.A-B`"
        ),
        ("policies: {brokerDed: {}}", "did you mean `brokerDead`?"),
        ("policies: {leaderSkew: {}}", "`clusters[0].policies.leaderSkew` is not available in this version"),
        ("policies: {brokerHung: {deregister: true}}", "is not a known key; known here: `confirm_seconds`"),
        ("policies: {brokerHung: {grace_seconds: 1}}", "make it at least confirm_seconds (5)"),
        ("policies: {underReplicated: {mode: heal}}", "is not a known key"),
        ("nodes: {}", "`clusters[0].nodes` is not a list"),
        ("nodes: [{node_type: zookeeper, host: h}]", "`clusters[0].nodes[0].node_id` is missing"),
        ("nodes: [{node_id: a, node_type: broker, host: h}]", "write one of `kafka`, `zookeeper`"),
        ("nodes: [{node_id: a, node_type: kafka, host: h}]", "`clusters[0].nodes[0].broker_id` is missing"),
        ("nodes: [{node_id: a, node_type: zookeeper, host: \"h;reboot\"}]", "is `h;reboot`; write a host name"),
        ("nodes: [{node_id: a, node_type: zookeeper, host: h, port: 0}]", "from 1 to 65535"),
        ("nodes: [{node_id: a, node_type: zookeeper, host: h, jmx_port: 1}]", "jmx_port` is not available"),
        (
            "nodes: [{node_id: a, node_type: zookeeper, host: h}, {node_id: a, node_type: zookeeper, host: i}]",
            "`clusters[0].nodes[1]` has the name `a` of another node"
        ),
        (
            "nodes: [{node_id: a, node_type: zookeeper, host: h}, {node_id: b, node_type: zookeeper, host: h}]",
            "`clusters[0].nodes[1]` is at h:2181 like `a`"
        ),
        (
            "nodes: [{node_id: kafka-1, node_type: kafka, host: h}, {node_id: b, broker_id: 1, node_type: kafka, host: i}]",
            "has the broker_id 1 of `kafka-1`"
        ),
        (
            "zookeeper: z\nnodes: [{node_id: zookeeper-1, node_type: kafka, broker_id: 1, host: h}]",
            "has the name `zookeeper-1` that the server z:2181 gets by discovery"
        ),
        (
            "nodes: [{node_id: a, node_type: zookeeper, host: h, monitoring_methods: [protocol]}]",
            "has `protocol`, which is not for a zookeeper node"
        ),
        (
            "nodes: [{node_id: a, node_type: zookeeper, host: h, monitoring_methods: [jmx]}]",
            "is `jmx`: this way of watching is not available in this version"
        ),
        (
            "nodes: [{node_id: a, node_type: zookeeper, host: h, recovery_actions: [restart]}]",
            "a dead node is started, and a hung one killed"
        ),
        ("discovery: {broker_name: kafka}", "write a name with `${broker_id}` in it, such as `kafka-${broker_id}`"),
        ("discovery: {zookeeper_name: \"kafka-${number}\"}", "gives brokers and servers the same names"),
        ("kafka2: {}", "did you mean `kafka`?"),
        (
            "policies: {brokerHung: {grace_seconds: 2, confirm_seconds: 4s}}",
            "`clusters[0].policies.brokerHung.confirm_seconds` is `4s`"
        ),
    ]

    @Test("What is wrong in a cluster is told what would be right", arguments: Self.clusters)
    func wrongCluster(lines: String, message: String) {
        let problems = Sample.problems(Sample.cluster(lines))
        #expect(problems.count == 1, "\(problems)")
        #expect(problems.contains { $0.contains(message) }, "\(problems)")
    }

    /// A property of librdkafka, where it is wrong (line 4: its column), and what must be said of it.
    static let properties: [(String, Int, String)] = [
        (
            "soket.timeout.ms: 5000", 39,
            "`clusters[0].kafka.soket.timeout.ms` is not a property of librdkafka; did you mean `socket.timeout.ms`?"
        ),
        ("bootstrap.server: b", 39, "did you mean `bootstrap.servers`?"),
        ("qqqqqqqqqqqq: 1", 39, "write one that its CONFIGURATION.md lists"),
        ("socket.timeout.ms: soon", 58, "`clusters[0].kafka.socket.timeout.ms` is not accepted by librdkafka ("),
        ("security.protocol: SLL", 58, "`clusters[0].kafka.security.protocol` is not accepted by librdkafka ("),
        ("security.protocol: \"${NAME:-SLL}\"", 58, "is not accepted by librdkafka ("),
    ]

    @Test(
        "A property that librdkafka does not know, or does not accept, is told before anything starts",
        arguments: Self.properties)
    func property(line: String, column: Int, message: String) {
        let text =
            "coordination: {zookeeper: z}\nclusters:\n  - name: main\n"
            + "    kafka: {bootstrap.servers: \"b:1\", \(line)}\n"
        let problems = Sample.problems(text)
        #expect(problems.count == 1, "\(problems)")
        #expect(problems.first?.hasPrefix("c.yaml:4:\(column): ") == true, "\(problems)")
        #expect(problems.first?.contains(message) == true, "\(problems)")
    }

    @Test("A secret that librdkafka does not accept is not shown")
    func secretProperty() {
        let text =
            "coordination: {zookeeper: z}\nclusters:\n  - name: main\n"
            + "    kafka: {bootstrap.servers: \"b:1\", ssl.key.pem: hunter2}\n"
        #expect(!Sample.problems(text).joined().contains("hunter2"))
    }

    @Test("No name twice among clusters, and no cluster twice")
    func twice() {
        let text = """
            coordination: {zookeeper: z}
            clusters:
              - {name: a, kafka: {bootstrap.servers: b}, zookeeper: "z:1,y:1/k"}
              - {name: a, kafka: {bootstrap.servers: c}, zookeeper: "z:1,y:1/l"}
              - {name: b, kafka: {bootstrap.servers: d}, zookeeper: "y:1,z:1/k"}
            """
        #expect(
            Sample.problems(text) == [
                "c.yaml:4:5: `clusters[1]` has the name `a` of `clusters[0]`; give each its own name",
                "c.yaml:5:5: `clusters[2]` is the same ZooKeeper and chroot as `clusters[0]`; "
                    + "describe each cluster once, or two would heal it",
            ])
    }

    @Test(
        "Times that contradict each other are refused by the rule they break",
        arguments: [
            ("limit_seconds: 0.9", "limit_seconds` breaks a rule of timing; keep to this: limit is at least 2 × beat"),
            ("silence_seconds: 2.3", "silence is at least 1.2 × limit"),
            ("session_seconds: 5", "session is at least 2 × silence"),
            ("freshness_seconds: 2.5", "freshness is at most limit"),
        ])
    func timing(line: String, rule: String) {
        let text =
            "coordination: {zookeeper: z, timing: {\(line)}}\nclusters: [{name: a, kafka: {bootstrap.servers: b}}]\n"
        let problems = Sample.problems(text)
        #expect(problems.contains { $0.contains(rule) }, "\(problems)")
    }

    @Test("What is there and refused is not called missing as well")
    func refusedIsNotMissing() {
        let text = "coordination: {zookeeper: z}\nclusters: [{name: a, kafka: {bootstrap.servers: \"${NO}\"}}]\n"
        #expect(Sample.problems(text).count == 1)
    }

    @Test("A syntax error is told with its place, and what stands before it is not judged")
    func syntax() {
        let problems = Sample.problems("coordination: {zookeeper: z\nclusters: []\n")
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("c.yaml:2:") == true)
    }
}
