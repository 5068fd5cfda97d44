public import Cluster

/// What a healer's HTTP pages show. Fulfilled by whoever wires the healer; every answer is a ready value, so that no
/// page makes Kafka or ZooKeeper work, but ``check(_:of:)``.
public protocol StatusSource: Sendable {
    /// In the order of the configuration, which makes the first the default; never empty.
    var clusters: [ClusterName] { get }
    /// Not `async`: it must answer while everything else hangs.
    func liveness() -> Liveness
    func readiness() async -> Readiness
    /// Not `async`: other healers take silence for a sign.
    func leadership(of cluster: ClusterName) -> LeadershipPage
    func metrics() async -> HealerMetrics

    /// `cluster` is always one of ``clusters``.
    func status(of cluster: ClusterName) async -> StatusPage
    func nodes(of cluster: ClusterName) async -> NodesPage
    func partitions(of cluster: ClusterName) async -> PartitionsPage
    func incidents(of cluster: ClusterName) async -> IncidentsPage
    /// `nil` if no such incident is remembered.
    func incident(_ id: String, of cluster: ClusterName) async -> IncidentPage?
    /// Why no broker of it is known; `nil` if one is.
    func missingBrokers(of cluster: ClusterName) async -> String?
    /// Looks now, by every method, within the configuration's time limits. `nil` if there is no such node.
    func check(_ node: NodeName, of cluster: ClusterName) async -> CheckPage?
}

/// The heartbeat of the healing loops.
public struct Liveness: Hashable, Sendable, Codable {
    public var alive: Bool
    /// Milliseconds since the loop that is furthest behind last came round.
    public var loopAgeMs: Int64

    public init(alive: Bool, loopAgeMs: Int64) {
        self.alive = alive
        self.loopAgeMs = loopAgeMs
    }
}

/// Whether this healer takes part: it has a session, and has seen its clusters.
public struct Readiness: Hashable, Sendable, Codable {
    public var ready: Bool
    /// Why not, one sentence each.
    public var reasons: [String]

    /// Ready if there is no reason against it.
    public init(reasons: [String]) {
        self.ready = reasons.isEmpty
        self.reasons = reasons
    }
}
