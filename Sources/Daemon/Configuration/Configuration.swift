import Cluster
import Election

/// All that one healer is told by its file, checked and with every default filled in.
struct Configuration: Hashable, Sendable {
    /// This healer's own name; the host name unless the file says otherwise.
    var healerID: HealerID
    /// How many healers there are meant to be: what a majority is counted from. At least 1.
    var healers: Int
    var coordination: CoordinationConfiguration
    /// In the order of the file, at least one, no name twice.
    var clusters: [ClusterConfiguration]
    var monitoring: MonitoringConfiguration
    var recovery: RecoveryConfiguration
    var api: APIConfiguration
    var logging: LoggingConfiguration
    /// Equal among healers whose files agree on all that decides; see ``ConfigurationDigest``.
    var digest: String
}

/// The ensemble that healers elect on.
struct CoordinationConfiguration: Hashable, Sendable {
    var zooKeeper: ConnectString
    /// The znode that all our znodes lie below; absolute, without a slash at the end.
    var root: String
    var profile: TimingProfile
    var timing: Election.Timing
    /// How long everything must be quiet before a cluster's leadership is moved to the healer that should have it;
    /// `nil`: never.
    var spread: Duration?
    var access: EnsembleAccess
}

enum TimingProfile: String, Hashable, Sendable, CaseIterable {
    case steady, fast

    var timing: Election.Timing {
        switch self {
        case .steady: .steady
        case .fast: .fast
        }
    }
}

struct MonitoringConfiguration: Hashable, Sendable {
    /// Between two looks by the slower methods (metadata, supervisor).
    var interval: Duration
    /// How long one look may take. At most `interval`.
    var timeout: Duration
    /// Whether the nodes of a cluster are looked at side by side, or one after the other.
    var concurrentChecks: Bool
    /// Between two liveness handshakes on a held connection.
    var livenessInterval: Duration
}

/// How often and how fast a start is tried again.
struct RecoveryConfiguration: Hashable, Sendable {
    /// Starts of one node within `window`.
    var maxAttempts: Int
    /// Between the first and the second attempt.
    var initialDelay: Duration
    /// What each further delay is multiplied by; at least 1.
    var backoffMultiplier: Double
    var maxDelay: Duration
    /// Attempts older than this are not counted any more.
    var window: Duration

    static let standard = RecoveryConfiguration(
        maxAttempts: 3, initialDelay: .seconds(10), backoffMultiplier: 1.5, maxDelay: .seconds(120),
        window: .seconds(1800))
}

struct APIConfiguration: Hashable, Sendable {
    /// The address to listen at.
    var host: String
    /// 0 means any free port.
    var port: UInt16
    /// An additional listener for metrics alone; `nil` means none, 0 any free port.
    var metricsPort: UInt16?
    /// What other hosts reach this healer by: stands in its candidate's record.
    var advertisedHost: String
}

struct LoggingConfiguration: Hashable, Sendable {
    enum Format: String, Hashable, Sendable, CaseIterable {
        case text, json
    }
    var level: LogLevel
    /// `nil` means standard error.
    var directory: String?
    /// The size from which on a file is rotated, in bytes.
    var maxSize: Int
    /// How many rotated files are kept beside the current one.
    var backupCount: Int
    var format: Format
}
