import Cluster
import Election
import YAML

/// A configuration that may be used, and what people should know of it.
struct LoadedConfiguration: Sendable {
    let configuration: Configuration
    /// What is allowed but probably not meant.
    let warnings: [ConfigurationProblem]
    /// Every value in effect and where it comes from.
    let entries: [ConfigurationEntry]
}

extension Configuration {
    /// Reads a configuration from its text; all problems come at once.
    init(reading text: [UInt8], file: String, surroundings: Surroundings) throws(ConfigurationProblems) {
        self = try Self.load(text, file: file, surroundings: surroundings).configuration
    }

    static func load(
        _ text: [UInt8], file: String, surroundings: Surroundings
    ) throws(ConfigurationProblems) -> LoadedConfiguration {
        let reader = ConfigurationReader(file: file, surroundings: surroundings)
        let document = YAMLDocument(parsing: text)
        for error in document.errors { reader.report(error.reason.description, at: error.mark) }
        var configuration: Configuration?
        if document.root != nil || document.errors.isEmpty {
            configuration = Self.read(reader, document.root)
        }
        let problems = reader.problems.sorted { ($0.mark ?? Mark.start) < ($1.mark ?? Mark.start) }
        guard problems.isEmpty, var configuration else { throw ConfigurationProblems(problems: problems) }
        configuration.digest = ConfigurationDigest.of(reader.entries)
        return LoadedConfiguration(
            configuration: configuration, warnings: reader.warnings, entries: reader.entries)
    }

    /// Every key there is, such as `clusters[].nodes[].host`.
    static var keys: Set<String> {
        let surroundings = Surroundings(environment: [:], hostName: "host", directory: "/")
        let reader = ConfigurationReader(file: "", surroundings: surroundings, isDescribing: true)
        _ = Self.read(reader, nil)
        return reader.keys
    }

    private static func read(_ reader: ConfigurationReader, _ root: YAMLNode?) -> Configuration {
        let whole = Section(reader, path: "", pattern: "", mark: root?.mark ?? .start, node: root)
        whole.later(
            "smtp", "email", "notifications", "history", "plugins", "collector", "security", "cruise_control",
            "ansible",
            "salt")
        whole.later(
            "mode", "kafka", "zookeeper", "supervisor", "nodes", "policies", "discovery",
            reason: "belongs into an element of `clusters`; move it there")
        let recovery = whole.section("recovery") { RecoveryConfiguration($0, defaults: .standard) }
        let configuration = Configuration(
            healerID: HealerID(whole.value("healer_id", .name, default: reader.surroundings.hostName)),
            healers: whole.value("healers", .integer(1...99), default: 1),
            coordination: whole.section("coordination") { CoordinationConfiguration($0) },
            clusters: whole.sections("clusters") { ClusterConfiguration($0, recovery: recovery) },
            monitoring: whole.section("monitoring") { MonitoringConfiguration($0) }, recovery: recovery,
            api: whole.section("api") { APIConfiguration($0) },
            logging: whole.section("logging") { LoggingConfiguration($0) }, digest: "")
        configuration.checkClusters(whole)
        whole.finish()
        return configuration
    }

    private func checkClusters(_ whole: Section) {
        guard !self.clusters.isEmpty else {
            if whole.has("clusters") {
                whole.complain(Complaint("has no element", "describe at least one cluster"), "clusters")
            } else {
                whole.missing("clusters", "a list with at least one cluster")
            }
            return
        }
        let marks = whole.node("clusters")?.sequence?.map(\.mark) ?? []
        for (index, cluster) in self.clusters.enumerated() where index < marks.count {
            for (before, other) in self.clusters[..<index].enumerated() {
                if cluster.name == other.name, !cluster.name.rawValue.isEmpty {
                    whole.complain(
                        Complaint("has the name `\(cluster.name)` of `clusters[\(before)]`", "give each its own name"),
                        "clusters[\(index)]", at: marks[index])
                }
                if let mine = cluster.zooKeeper, let its = other.zooKeeper, mine.means(its) {
                    whole.complain(
                        Complaint(
                            "is the same ZooKeeper and chroot as `clusters[\(before)]`",
                            "describe each cluster once, or two would heal it"),
                        "clusters[\(index)]", at: marks[index])
                }
            }
        }
    }
}

extension Mark {
    static let start = Mark(line: 1, column: 1)
}

extension CoordinationConfiguration {
    init(_ section: Section) {
        let nowhere = ConnectString(servers: [Endpoint(host: "", port: 0)])
        self.zooKeeper = section.required("zookeeper", .connectString, standIn: nowhere)
        self.root = section.value("root", .znode, default: "/kafka-healer")
        let profile = section.value("profile", .choice(), default: TimingProfile.steady)
        self.profile = profile
        self.timing = section.section("timing") {
            Election.Timing($0, defaults: profile.timing, isProfileSound: section.areSound("profile"))
        }
        let spread = section.value("spread_seconds", .seconds(0...86400), default: .seconds(300))
        self.spread = spread == .zero ? nil : spread
        self.access = EnsembleAccess(section)
    }
}

extension Election.Timing {
    init(_ section: Section, defaults: Election.Timing, isProfileSound: Bool) {
        self.init(
            beat: section.value("beat_seconds", .seconds(0.01...60), default: defaults.beat),
            limit: section.value("limit_seconds", .seconds(0.02...300), default: defaults.limit),
            silence: section.value("silence_seconds", .seconds(0.05...600), default: defaults.silence),
            session: section.value("session_seconds", .seconds(1...600), default: defaults.session),
            freshness: section.value("freshness_seconds", .seconds(0.01...60), default: defaults.freshness))
        for rule in self.brokenRules {
            let keys = rule.keys
            // A rule is about the values that it compares, as far as they are somebody's word.
            guard keys.allSatisfy({ section.areSound($0) && (isProfileSound || section.has($0)) }) else { continue }
            section.complain(Complaint("breaks a rule of timing", "keep to this: \(rule)"), keys[0])
        }
    }
}

extension Election.Timing.Rule {
    /// What it compares; the first is the one to change.
    fileprivate var keys: [String] {
        switch self {
        case .beatIsPositive: ["beat_seconds"]
        case .limitAllowsALostBeat: ["limit_seconds", "beat_seconds"]
        case .silenceExceedsLimit: ["silence_seconds", "limit_seconds"]
        case .sessionExceedsSilence: ["session_seconds", "silence_seconds"]
        case .freshnessIsPositive: ["freshness_seconds"]
        case .freshnessWithinLimit: ["freshness_seconds", "limit_seconds"]
        }
    }
}

extension MonitoringConfiguration {
    init(_ section: Section) {
        section.later("jmx", "rest", "plugins", "retry")
        self.interval = section.value("interval_seconds", .seconds(0.2...3600), default: .seconds(5))
        self.timeout = section.value("timeout_seconds", .seconds(0.1...600), default: .seconds(3))
        self.concurrentChecks = section.value("concurrent_checks", .boolean, default: true)
        self.livenessInterval = section.value("liveness_interval_seconds", .seconds(0.1...60), default: .seconds(1))
        if section.areSound("interval_seconds", "timeout_seconds"), self.timeout > self.interval {
            section.complain(
                Complaint(
                    "is \(shortest(self.timeout.inSeconds))",
                    "make it at most interval_seconds (\(shortest(self.interval.inSeconds)))"), "timeout_seconds")
        }
    }
}

extension RecoveryConfiguration {
    init(_ section: Section, defaults: RecoveryConfiguration) {
        self.maxAttempts = section.value("max_attempts", .integer(1...100), default: defaults.maxAttempts)
        self.initialDelay = section.value("initial_delay_seconds", .seconds(0...3600), default: defaults.initialDelay)
        self.backoffMultiplier = section.value(
            "backoff_multiplier", .number(1...100), default: defaults.backoffMultiplier)
        self.maxDelay = section.value("max_delay_seconds", .seconds(0...86400), default: defaults.maxDelay)
        self.window = section.value("window_seconds", .seconds(1...604800), default: defaults.window)
        if section.areSound("initial_delay_seconds", "max_delay_seconds"), self.maxDelay < self.initialDelay {
            section.complain(
                Complaint(
                    "is \(shortest(self.maxDelay.inSeconds))",
                    "make it at least initial_delay_seconds (\(shortest(self.initialDelay.inSeconds)))"),
                "max_delay_seconds")
        }
    }
}

extension APIConfiguration {
    init(_ section: Section) {
        section.later("tls", "token", "users", "authentication")
        let surroundings = section.reader.surroundings
        let host = section.value("host", .host, default: "0.0.0.0")
        self.host = host
        self.port = section.value("port", .port, default: 8080)
        self.metricsPort = section.optional("metrics_port", .port, absent: "none", variable: "METRICS_PORT")
        self.advertisedHost = section.value(
            "advertised_host", .host, default: ["0.0.0.0", "::"].contains(host) ? surroundings.hostName : host)
        if let metricsPort, metricsPort == self.port, metricsPort != 0, section.areSound("port") {
            section.complain(
                Complaint("is \(metricsPort), which is the port of the API", "choose another, or leave it out"),
                "metrics_port")
        }
    }
}

extension LoggingConfiguration {
    init(_ section: Section) {
        self.level = section.value("level", .choice(), default: .info)
        self.directory = section.optional("directory", .absolutePath, absent: "standard error")
        let megabytes = section.value("max_size_mb", .number(0.001...10240), default: 100)
        self.maxSize = Int((megabytes * 1_000_000).rounded())
        self.backupCount = section.value("backup_count", .integer(0...1000), default: 5)
        self.format = section.value("format", .choice(), default: .text)
    }
}
