import Foundation
import Testing

@testable import Daemon

@Suite("What is written about the configuration")
struct DocumentationTests {
    /// The folder that `Package.swift` is in.
    private static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// The rows of the page's tables: key, type and range, default, meaning.
    private func rows() throws -> [[String]] {
        let page = try String(contentsOfFile: "\(Self.repository)/docs/configuration.md", encoding: .utf8)
        return page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { line in
            line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        }
    }

    /// What a node can have as well is described once.
    private func described(_ key: String) -> String {
        for (own, shared) in [
            ("clusters[].nodes[].supervisor.", "clusters[].supervisor."),
            ("clusters[].nodes[].retry_policy.", "recovery."),
        ] where key.hasPrefix(own) {
            return shared + key.dropFirst(own.count)
        }
        return key
    }

    @Test("Every key that is read stands on the page as a row of its own, and no other does")
    func keys() throws {
        let documented = try self.rows().map { $0[0].filter { $0 != "`" } }
        let known = Set(Configuration.keys.map(self.described))
        #expect(Set(documented).subtracting(known).sorted() == [])
        #expect(known.subtracting(documented).sorted() == [])
        #expect(documented.count == Set(documented).count)
        #expect(known.count > 80)
    }

    @Test("Each default on the page is the one in effect")
    func defaults() throws {
        let heal = Sample.cluster("zookeeper: z\n" + Sample.supervisor)
        let rows = try self.rows()
        var checked = 0
        for entry in try Sample.load(heal).entries where entry.source == .standard {
            let key = entry.path.replacingOccurrences(of: "[0]", with: "[]")
            guard !key.contains(".policies."), !["healer_id", "api.advertised_host"].contains(key) else { continue }
            let row = try #require(rows.first { $0[0] == "`\(key)`" }, "\(key)")
            #expect(
                row[2].hasPrefix("`\(entry.value)`") || row[2].hasPrefix(entry.value),
                "\(key) is \(entry.value), not \(row[2])")
            checked += 1
        }
        #expect(checked > 30)
    }

    private static let sandbox = [
        "SANDBOX_ZOOKEEPER": "127.0.0.1:2001,127.0.0.1:2002,127.0.0.1:2003",
        "SANDBOX_BOOTSTRAP": "127.0.0.1:3001,127.0.0.1:3002", "SANDBOX_DIRECTORY": "/var/sandbox 1",
        "HEALER_CHAOS": "/opt/healer-chaos", "HEALER_ID": "healer-1",
    ]

    @Test("The minimal example is valid with nothing in the environment, and changes nothing")
    func minimal() throws {
        let loaded = try ConfigurationFile.load("\(Self.repository)/examples/config_minimal.yaml", environment: [:])
        #expect(loaded.warnings == [])
        #expect(loaded.configuration.clusters.map(\.effectiveMode) == [.observe])
    }

    @Test("The development example is valid for the sandbox, names its nodes, and heals")
    func development() throws {
        let path = "\(Self.repository)/examples/config_development.yaml"
        let loaded = try ConfigurationFile.load(path, environment: Self.sandbox)
        #expect(loaded.warnings == [])
        let configuration = loaded.configuration
        #expect(configuration.healers == 3)
        #expect(configuration.api.port == 0)
        #expect(configuration.logging.directory == nil)
        let cluster = try #require(configuration.clusters.first)
        #expect(cluster.effectiveMode == .heal)
        #expect(cluster.zooKeeperNodes.map(\.name.rawValue) == ["zookeeper-1", "zookeeper-2", "zookeeper-3"])
        let node = try #require(cluster.node(for: .init(2), at: .init(host: "127.0.0.1", port: 3002)))
        let values = cluster.placeholders(for: node, identity: .init("17-4711"))
        let supervisor = try #require(cluster.supervisor?.command)
        for verb in SupervisorVerb.allCases {
            let command = try #require(supervisor.commands[verb])
            let more = verb == .kill ? ["--identity", "17-4711"] : []
            #expect(
                try command.filled(with: values) == [
                    "/opt/healer-chaos", "sandbox", "node", verb.rawValue, "kafka-2",
                ] + more + ["--directory", "/var/sandbox 1"])
        }
    }

    @Test("The healers of the compose cluster heal its containers by their names, through the filter")
    func compose() throws {
        let path = "\(Self.repository)/deploy/compose/healer.yaml"
        let loaded = try ConfigurationFile.load(path, environment: ["HEALER_ID": "healer-1"])
        #expect(loaded.warnings == [])
        let cluster = try #require(loaded.configuration.clusters.first)
        #expect(loaded.configuration.healers == 3)
        #expect(cluster.effectiveMode == .heal)
        let docker = try #require(cluster.supervisor?.docker)
        #expect(docker.engine.description == "unix:///run/healer/docker.sock")
        #expect(docker.container.description == "${node}")
        let names = cluster.nodes.map(\.node.name.rawValue) + cluster.zooKeeperNodes.map(\.name.rawValue)
        let compose = try String(
            contentsOfFile: "\(Self.repository)/docker-compose.kafka-cluster.yml", encoding: .utf8)
        #expect(names.count == 6)
        for name in names {
            #expect(compose.contains("container_name: \(name)\n"))
            #expect(compose.contains("- --container=\(name)\n"))
        }
    }

    @Test("The production example is valid, and heals services over ssh with credentials from files")
    func production() throws {
        let directory = TemporaryDirectory()
        let password = directory.file("password", "hush\n")
        let loaded = try ConfigurationFile.load(
            "\(Self.repository)/examples/config_production.yaml",
            environment: ["HEALER_ID": "healer-1", "ZOOKEEPER_PASSWORD": "file:\(password)"])
        #expect(loaded.warnings == [])
        let cluster = try #require(loaded.configuration.clusters.first)
        #expect(loaded.configuration.healers == 3)
        #expect(loaded.configuration.logging.directory == "/var/log/kafka-self-healing")
        #expect(cluster.effectiveMode == .heal)
        let systemd = try #require(cluster.supervisor?.systemd)
        #expect(systemd.unit.description == "kafka")
        #expect(systemd.transport?.destination.description == "kafka-healing@${host}")
    }

    @Test("The Docker example is valid with nothing in the environment, and reaches containers through the filter")
    func docker() throws {
        let loaded = try ConfigurationFile.load("\(Self.repository)/examples/config_docker.yaml", environment: [:])
        #expect(loaded.warnings == [])
        let cluster = try #require(loaded.configuration.clusters.first)
        #expect(cluster.effectiveMode == .observe)
        let docker = try #require(cluster.supervisor?.docker)
        #expect(docker.engine.description == "unix:///run/healer/docker.sock")
        #expect(docker.container.description == "${node}")
        // The service before the engine listens there.
        let unit = try String(
            contentsOfFile: "\(Self.repository)/deploy/systemd/docker-filter/healer-docker-filter.service",
            encoding: .utf8)
        #expect(unit.contains("--listen=\(docker.engine.description) "))
    }

    /// The example is the base's configuration, so that what is read and what is applied cannot differ.
    @Test("The Kubernetes example heals pods by their names, as the manifests name them")
    func kubernetes() throws {
        let path = "\(Self.repository)/examples/config_kubernetes.yaml"
        let surroundings = ["HEALER_ID": "healer-0", "ZOOKEEPER_USERNAME": "u", "ZOOKEEPER_PASSWORD": "hush"]
        let loaded = try ConfigurationFile.load(path, environment: surroundings)
        #expect(loaded.warnings == [])
        let configuration = loaded.configuration
        #expect(configuration.healers == 3)
        #expect(configuration.coordination.access.digest?.password.revealed == "hush")
        #expect(configuration.api.advertisedHost == "healer-0.healer")
        let cluster = try #require(configuration.clusters.first)
        #expect(cluster.effectiveMode == .heal)
        let supervisor = try #require(cluster.supervisor?.kubernetes)
        #expect(supervisor.pod.description == "${node}")
        #expect(supervisor.server == nil && supervisor.namespace == nil)
        #expect(supervisor.account.tokenFile == "/var/run/secrets/kubernetes.io/serviceaccount/token")
        #expect(cluster.zooKeeperNodes.map(\.name.rawValue) == ["zookeeper-1", "zookeeper-2", "zookeeper-3"])
        let base = try String(contentsOfFile: "\(Self.repository)/k8s/base/healer.yaml", encoding: .utf8)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == base)
        let manifest = try String(contentsOfFile: "\(Self.repository)/k8s/base/healers.yaml", encoding: .utf8)
        for name in surroundings.keys { #expect(manifest.contains("name: \(name)\n")) }
    }

    @Test("The development example says all that is missing in the environment at once")
    func missing() {
        let path = "\(Self.repository)/examples/config_development.yaml"
        #expect(Validation.validate(path, print: false, environment: [:]).exit == 2)
        let errors = Validation.validate(path, print: false, environment: [:]).errors
        for name in Self.sandbox.keys { #expect(errors.contains("needs the environment variable \(name),")) }
    }
}

@Suite("healer validate")
struct ValidationTests {
    let directory = TemporaryDirectory()

    @Test("A valid file gives one line and exit 0; --print adds every value with its source")
    func valid() throws {
        let path = self.directory.file("c.yaml", Sample.minimal("healers: ${N}\nhealer_id: h1\n"), mode: 0o644)
        let answer = Validation.validate(path, print: false, environment: ["N": "3"])
        let digest = try ConfigurationFile.load(path, environment: ["N": "3"]).configuration.digest
        #expect(
            answer
                == Validation.Answer(
                    exit: 0,
                    output: "\(path): valid; healer h1 of 3, 1 cluster: main (observe), "
                        + "election zk-1:2181,zk-2:2181/kafka-healer, digest \(digest)\n"))
        let printed = Validation.validate(path, print: true, environment: ["N": "3"]).output
        #expect(printed.contains("healers: 3  # environment N, line 6\n"))
        #expect(printed.contains("healer_id: h1  # line 7\n"))
        #expect(printed.contains("api.port: 8080  # default\n"))
    }

    @Test("A file that is wrong gives all errors, a count, and exit 2")
    func invalid() {
        let path = self.directory.file("c.yaml", Sample.minimal("healers: 0\napi: {prot: 1}\n"))
        let answer = Validation.validate(path, print: true, environment: [:])
        #expect(answer.exit == 2)
        #expect(answer.output.isEmpty)
        #expect(
            answer.errors == """
                \(path):6:10: `healers` is `0`; write a whole number from 1 to 99
                \(path):7:7: `api.prot` is not a known key; did you mean `port`?
                \(path): 2 errors, not usable

                """)
    }

    @Test("A file that is not there, a folder, a file that everybody may write, and one that is too long are refused")
    func unreadable() {
        func errors(_ path: String) -> String {
            let answer = Validation.validate(path, print: false, environment: [:])
            #expect(answer.exit == 2)
            return answer.errors
        }
        #expect(errors("\(self.directory.path)/none").contains("cannot be read: No such file or directory"))
        #expect(errors(self.directory.path).contains("this is a folder; name the file"))
        let open = self.directory.file("open.yaml", Sample.minimal(), mode: 0o666)
        #expect(errors(open).contains("everybody may write this file; `chmod o-w \(open)`"))
        let long = self.directory.file("long.yaml", String(repeating: "#\n", count: 1 << 20))
        #expect(errors(long).contains("the text is longer than 1048576 bytes"))
    }

    @Test("A secret in a file that others may read is refused, and the same file for its owner alone is not")
    func readable() {
        let text = Sample.minimal().replacingOccurrences(
            of: "zk-2:2181\"}", with: "zk-2:2181\", digest: {username: u, password: hush}}")
        let path = self.directory.file("c.yaml", text, mode: 0o640)
        #expect(Validation.validate(path, print: true, environment: [:]).exit == 2)
        chmod(path, 0o600)
        let answer = Validation.validate(path, print: true, environment: [:])
        #expect(answer.exit == 0)
        #expect(answer.output.contains("coordination.digest.password: ***  # line 1\n"))
        #expect(!answer.output.contains("hush"))
    }
}
