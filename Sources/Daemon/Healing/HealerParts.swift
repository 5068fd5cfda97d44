import Cluster
import Curl
import Election
import FoundationEssentials
import Healer
import ZooKeeper

/// What all clusters of one healer have in common.
struct HealerParts: Sendable {
    let configuration: Configuration
    let dryRun: Bool
    /// Where our API answers, `host:port`.
    let address: String
    let logs: HealerLogs
    let log: Logger
    let time: any TimeSource
    let runner: StepRunner
    /// For engines and API servers. To be closed.
    let http = HTTPClient()
    /// `nil` where nobody is reached by ssh, or no folder could be made. To be removed.
    let sockets: SSHSockets?

    init(_ configuration: Configuration, dryRun: Bool, address: String, logs: HealerLogs) {
        self.configuration = configuration
        self.dryRun = dryRun
        self.address = address
        self.logs = logs
        self.log = logs.logger
        self.time = BootClock()
        self.runner = StepRunner(executable: Self.executable)
        self.sockets =
            configuration.usesSSH ? SSHSockets(environment: ProcessInfo.processInfo.environment) : nil
    }

    /// After all that used them has ended.
    func close() async {
        await self.http.close()
        self.sockets?.remove()
    }

    /// A new incarnation each time: a candidacy is never taken up again.
    func member() -> Member {
        Member(
            id: self.configuration.healerID, incarnation: .new(), address: self.address,
            version: HealerVersion.current, configuration: self.configuration.digest)
    }

    func policy(for cluster: ClusterConfiguration) -> Policy {
        var policy = Policy(cluster, of: self.configuration)
        if self.dryRun { policy.mode = .observe }
        return policy
    }

    /// The ensemble that healers elect on.
    var ensemble: ZooKeeperEnsemble {
        ZooKeeperEnsemble(
            servers: self.configuration.coordination.zooKeeper.servers, access: self.configuration.coordination.access,
            timing: self.configuration.coordination.timing, log: self.log)
    }

    /// The ensemble of a cluster, which is only looked at, but for a deregistration.
    func ensemble(of cluster: ClusterConfiguration) -> ZooKeeperEnsemble? {
        cluster.zooKeeper.map { zooKeeper in
            ZooKeeperEnsemble(
                servers: zooKeeper.servers, access: cluster.zooKeeperAccess, timeout: .seconds(10),
                callLimit: self.configuration.monitoring.timeout, silenceLimit: self.configuration.monitoring.timeout,
                log: self.log)
        }
    }

    func orphan(_ path: String, _ version: Int32, _ record: RecoveryRecord) -> OrphanOutcome {
        let coordination = self.configuration.coordination
        let servers = coordination.zooKeeper.servers.map(\.description).joined(separator: ",")
        let access = Session.Configuration(servers, coordination.access)
        return OrphanOutcome(
            servers: servers, digest: access.digest, security: access.security, path: path, version: version,
            record: record)
    }

    /// How a node is watched, and who runs its process.
    func target(_ node: Node, in cluster: ClusterConfiguration) -> NodeTarget {
        NodeTarget(
            node, self.configuration.settings(for: node, in: cluster), usesTLS: cluster.usesTLS,
            supervisor: self.supervisor)
    }

    private func supervisor(_ configuration: SupervisorConfiguration) -> any Supervisor {
        switch configuration.means {
        case .command(let command): CommandSupervisor(configuration: command, limit: configuration.limit(for:))
        case .docker(let docker):
            DockerSupervisor(
                configuration: docker, limit: configuration.limit(for:), client: self.http, executable: Self.executable)
        case .systemd(let systemd):
            SystemdSupervisor(
                configuration: systemd, limit: configuration.limit(for:), sockets: self.sockets,
                executable: Self.executable)
        case .kubernetes(let kubernetes):
            KubernetesSupervisor(
                configuration: kubernetes, limit: configuration.limit(for:), client: self.http,
                executable: Self.executable)
        }
    }

    /// This program, also after its file was replaced by a newer one.
    private static let executable = "/proc/self/exe"
}

extension Configuration {
    /// Whether a node is reached by ssh.
    fileprivate var usesSSH: Bool {
        self.clusters.contains { cluster in
            ([cluster.supervisor] + cluster.nodes.map(\.supervisor)).contains { $0?.systemd?.transport != nil }
        }
    }
}

extension ClusterConfiguration {
    var usesTLS: Bool {
        ["ssl", "sasl_ssl"].contains(self.kafka["security.protocol"]?.revealed.lowercased() ?? "plaintext")
    }
}

extension Incarnation {
    static func new() -> Incarnation {
        Incarnation(UUID().uuidString.filter { $0 != "-" }.lowercased())
    }
}
