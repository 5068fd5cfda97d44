import Cluster

/// Where a scenario is played: a cluster with healers around it, a hand that hurts them, and witnesses that are no healer.
///
/// Members are named as in the scenario files: `kafka-2`, `zookeeper-1`, `healer-3`. Chaos's own hand never carries an
/// epoch. Calls return when what they do has been done.
protocol Platform: Sendable {
    /// What `--on` calls it.
    static var word: String { get }
    /// What it can do at all. A scenario that needs more is refused before anything starts.
    static var features: Set<PlatformFeature> { get }

    /// Brings all of it up, healers included unless `healers` is false; leaves nothing when that fails.
    static func up(
        for scenario: Scenario, healers: HealerChoice, in directory: String,
        progress: @escaping @Sendable (String) -> Void
    ) async throws -> Self

    /// Ends everything. With a folder, everything that was written down goes there first.
    func down(keepingLogs folder: String?) async throws

    /// All members, in a fixed order.
    var cast: [CastMember] { get }
    /// Where this program reaches the ensemble and the brokers.
    var zookeeper: String { get }
    var bootstrap: String { get }
    /// Where the healers keep what they share.
    var layout: Layout { get }
    /// What was done before that was none of this run's.
    var since: WallTime { get }

    // MARK: The hand

    func kill(_ member: String) async throws
    func stop(_ member: String) async throws
    func start(_ member: String) async throws
    func freeze(_ member: String) async throws
    func thaw(_ member: String) async throws
    /// `percent` of a hundred: how much of the time it runs; `nil` ends it.
    func slow(_ member: String, to percent: Int?) async throws
    /// Fills the disk of a member of ``Scenario/smallDisks``, or of a healer's logs, or empties it again.
    func fillDisk(of member: String, _ isFull: Bool) async throws
    /// Lets nothing be written where a healer keeps its logs, or everything again.
    func makeLogsReadOnly(of healer: String, _ isReadOnly: Bool) async throws
    /// On one connection in one direction of connecting; ``mend(_:)`` ends it.
    func apply(_ fault: ProxyOrder, to link: Link) async throws
    func mend(_ link: Link) async throws
    /// Asks for a step that no healer has decided, in a healer's name, as one that went mad would.
    func actAsRogue(_ origin: RequestOrigin) async throws

    // MARK: The witnesses

    func isRunning(_ member: String) async throws -> Bool
    /// Whether a node answers its own protocol now.
    func serves(_ node: String) async -> Bool
    /// Every request to the supervisors so far.
    func requests() async throws -> [NodeRequest]
    /// Every step that the supervisors have carried out so far.
    func ends() async throws -> [NodeEnd]
    /// What the ZooKeeper servers have written down, by server, each server's files in order.
    func transactionLogs() async throws -> [String: [[UInt8]]]
    /// What a broker says that is none of these; `nil` if none answers in time.
    func metadata(avoiding: Set<String>) async -> KafkaWire.Metadata?
    /// A four-letter word's answer; `nil` if there is none.
    func ask(_ word: String, of zookeeper: String) async -> String?
    /// A page of a healer's API, which it says is at this address; `nil` if it does not answer.
    func page(_ path: String, of healer: String, at address: String) async -> String?
    /// What each healer has written into its audit trail.
    func auditTrails() async throws -> [String: String]
    /// Where a secret must not be: name and content of every log and page there is, and the lines of commands that run.
    func publicTexts() async throws -> [(name: String, text: String)]
    /// A secret of the healers' configuration.
    var canary: String { get }
}

extension Platform {
    /// Leaves a node to people, as an operator does, or to healers again.
    func maintain(_ node: String, _ isInMaintenance: Bool) async throws {
        let program = try OwnProgram.beside("healerctl")
        let arguments = [
            "maintenance", node, isInMaintenance ? "on" : "off", "--zookeeper", self.zookeeper, "--root",
            self.layout.root, "--cluster", self.layout.cluster.rawValue,
        ]
        try await blocking { try Tool.run(program, arguments) }
    }
}

struct CastMember: Hashable, Sendable {
    enum Part: Hashable, Sendable {
        case broker(BrokerID)
        case zooKeeper
        case healer
    }
    let name: String
    let part: Part
}

/// Who connects to whom.
struct Link: Hashable, Sendable, CustomStringConvertible {
    let from: String
    let to: String
    var description: String { "\(self.from)→\(self.to)" }
}

enum PlatformFeature: String, Hashable, Sendable, CaseIterable {
    /// Faults between a healer and a ZooKeeper server.
    case healerLinks = "faults between healers and ZooKeeper"
    /// Faults between two ZooKeeper servers.
    case peerLinks = "faults between ZooKeeper servers"
    /// Faults between a broker and anybody else.
    case brokerLinks = "faults of a broker's connections"
    case smallDisks = "disks that can be filled, and made read-only"
    case slowStarts = "slow starts"
    /// Connections that are delayed, narrow, half open or reset, beside those that are cut or stand still.
    case shapedLinks = "connections that are slow, half open or reset"
    /// Another number of servers, brokers or healers than three each.
    case sizes = "other numbers of nodes"
}

/// Which healers watch the cluster.
enum HealerChoice: Hashable, Sendable {
    case healing
    /// They look, and do nothing.
    case observing
    case none
}
