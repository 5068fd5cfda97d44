import Foundation

/// Where Kafka's and ZooKeeper's jars and `java` are. Finds what `scripts/kafka-home` finds, and fetches nothing.
enum KafkaHome {
    static let version = "3.9.1"

    /// The folder whose jars are the class path: `$KAFKA_HOME/libs`, else the one in the cache.
    /// - Throws: ``SandboxError`` that names what would fetch it.
    static func jars(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws -> String {
        if let home = environment["KAFKA_HOME"], !home.isEmpty {
            let folder = "\(SandboxDirectory.absolute(home))/libs"
            guard self.isWhole(folder) else {
                throw SandboxError("KAFKA_HOME=\(home): no Kafka 3.x with ZooKeeper in its libs folder")
            }
            return folder
        }
        let folder = "\(self.cache(environment))/kafka-\(self.version)/libs"
        guard self.isWhole(folder) else {
            throw SandboxError("Kafka \(self.version) is not in \(folder): `scripts/kafka-home` fetches it")
        }
        return folder
    }

    /// `$HEALER_CACHE`, else `kafka-healer` in the user's cache folder.
    static func cache(_ environment: [String: String] = ProcessInfo.processInfo.environment) -> String {
        if let own = environment["HEALER_CACHE"], !own.isEmpty { return SandboxDirectory.absolute(own) }
        if let folder = environment["XDG_CACHE_HOME"], !folder.isEmpty {
            return "\(SandboxDirectory.absolute(folder))/kafka-healer"
        }
        return "\(environment["HOME"] ?? "")/.cache/kafka-healer"
    }

    private static func isWhole(_ folder: String) -> Bool {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return ["kafka_2.", "zookeeper-", "slf4j-api-"].allSatisfy { prefix in
            names.contains { $0.hasPrefix(prefix) && $0.hasSuffix(".jar") }
        }
    }

    /// `$JAVA_HOME/bin/java`, else the first on the path.
    static func java(_ environment: [String: String] = ProcessInfo.processInfo.environment) throws -> String {
        var folders = (environment["PATH"] ?? "").split(separator: ":").map(String.init)
        if let home = environment["JAVA_HOME"], !home.isEmpty { folders.insert("\(home)/bin", at: 0) }
        for folder in folders where access("\(folder)/java", X_OK) == 0 { return "\(folder)/java" }
        throw SandboxError("no java on the path: `scripts/setup` installs one")
    }
}
