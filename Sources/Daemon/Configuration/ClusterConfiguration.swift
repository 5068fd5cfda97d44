import Cluster
import Healer

/// One Kafka cluster that is looked after.
struct ClusterConfiguration: Hashable, Sendable {
    var name: ClusterName
    /// librdkafka's properties by their names, `bootstrap.servers` among them.
    var kafka: [String: PropertyValue]
    /// The cluster's own ensemble; `nil` for KRaft.
    var zooKeeper: ConnectString?
    var zooKeeperAccess: EnsembleAccess
    /// As the file says; see ``effectiveMode``.
    var mode: Mode
    /// `nil`: nothing is known of the nodes' processes, and nothing can be started.
    var supervisor: SupervisorConfiguration?
    /// The nodes that the file names.
    var nodes: [NodeConfiguration]
    var discovery: DiscoveryConfiguration
    /// One for each code.
    var policies: [FindingCode: PolicyConfiguration]
    /// While more brokers than this fail at once, nothing disruptive is done: dead ones are started, no more. `nil` is a
    /// third of them, at least one.
    var blastRadius: Int?
    /// The brokers' `zookeeper.session.timeout.ms`.
    var brokerSession: Duration

    /// A KRaft cluster is observed only, whatever the file says.
    var effectiveMode: Mode { self.zooKeeper == nil ? .observe : self.mode }

    /// Whether a step may be taken against this failure.
    func mode(for code: FindingCode) -> Mode {
        self.effectiveMode == .observe ? .observe : self.policy(for: code).mode ?? .heal
    }

    func policy(for code: FindingCode) -> PolicyConfiguration { self.policies[code] ?? .standard(for: code) }
}

/// The core's own word for it.
typealias Mode = Policy.Mode

/// What is done about one kind of failure.
struct PolicyConfiguration: Hashable, Sendable {
    /// `nil` means the cluster's.
    var mode: Mode?
    /// How long a failure must last before anything is done.
    var grace: Duration
    /// How long after a recovery of a node no other is begun for the same failure of that node.
    var cooldown: Duration
    /// Of `brokerHung`: how long the silence must last before the broker is called hung.
    var confirm: Duration
    /// Of `brokerDead`: whether a dead broker's registration may be removed before it expires.
    var deregister: Bool
    /// Of `brokerStopped` and `zooKeeperStopped`: whether a node that somebody stopped is started after the grace.
    var startStopped: Bool

    static func standard(for code: FindingCode) -> PolicyConfiguration {
        let standard = CodePolicy.defaults[code]
        return PolicyConfiguration(
            mode: nil, grace: standard?.grace ?? .zero, cooldown: standard?.cooldown ?? .zero, confirm: .seconds(5),
            deregister: true, startStopped: false)
    }
}

/// How nodes that the file does not name are found and named.
struct DiscoveryConfiguration: Hashable, Sendable {
    /// Whether brokers that register are looked after without being in the file.
    var brokers: Bool
    /// Whether the servers of the cluster's connect string are looked after without being in the file.
    var zooKeeperServers: Bool
    var brokerName: NameTemplate
    var zooKeeperName: NameTemplate
}
