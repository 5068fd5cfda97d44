@testable import Daemon

/// Texts of configurations, and reading them.
enum Sample {
    /// The fewest keys; each line of `more` is added at the end, at the top level.
    static func minimal(_ more: String = "") -> String {
        """
        coordination: {zookeeper: "zk-1:2181,zk-2:2181"}
        clusters:
          - name: main
            kafka: {bootstrap.servers: "kafka-1:9092"}
            zookeeper: zk-1:2181/kafka

        """ + more
    }

    /// One cluster with these lines in it, after `name` and `kafka`.
    static func cluster(_ lines: String) -> String {
        "coordination: {zookeeper: zk-1}\nclusters:\n  - name: main\n    kafka: {bootstrap.servers: \"b:1\"}\n"
            + lines.split(separator: "\n").map { "    \($0)\n" }.joined()
    }

    static let supervisor = """
        supervisor:
          type: command
          status: [/bin/s, "${node}"]
          start: [/bin/s, start, "${node}"]
          kill: [/bin/s, kill, "${node}", "${identity}"]
        """

    static func surroundings(_ environment: [String: String] = [:], directory: String = "/") -> Surroundings {
        Surroundings(environment: environment, hostName: "host-1", directory: directory)
    }

    static func load(_ text: String, _ environment: [String: String] = [:]) throws -> LoadedConfiguration {
        try Configuration.load(Array(text.utf8), file: "c.yaml", surroundings: self.surroundings(environment))
    }

    static func read(_ text: String, _ environment: [String: String] = [:]) throws -> Configuration {
        try self.load(text, environment).configuration
    }

    /// The problems as they are printed; empty if there are none.
    static func problems(
        _ text: String, _ environment: [String: String] = [:], surroundings: Surroundings? = nil
    ) -> [String] {
        do throws(ConfigurationProblems) {
            _ = try Configuration.load(
                Array(text.utf8), file: "c.yaml", surroundings: surroundings ?? self.surroundings(environment))
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }
}
