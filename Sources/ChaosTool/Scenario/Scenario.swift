import Cluster

/// What a scenario file says: on what it is played, what is done, and what must hold in the end.
struct Scenario: Hashable, Sendable {
    /// The file's name without its ending.
    let name: String
    /// One sentence for people.
    var summary = ""
    var given = Given()
    var when: [ScenarioStep] = []
    var then = Expectation()

    struct Given: Hashable, Sendable {
        var zookeepers = 3
        var brokers = 3
        var healers = 3
        var partitions = 12
        /// Records in a second; 0: no load.
        var load = 2000
        /// Every start by a supervisor takes at least so long, so that a healer can be hurt in the middle of one.
        var startTakes = Duration.zero
        /// For the healers' configuration, as in `examples/config_development.yaml`.
        var profile = "fast"
    }

    /// What a platform has to be able to do for it.
    var needs: Set<PlatformFeature> {
        var needs: Set<PlatformFeature> = []
        func look(_ steps: [ScenarioStep]) {
            for step in steps {
                needs.formUnion(step.needs)
                look(step.steps)
            }
        }
        look(self.when)
        if self.given.startTakes > .zero { needs.insert(.slowStarts) }
        let sizes = [self.given.zookeepers, self.given.brokers, self.given.healers]
        if sizes.contains(where: { $0 != 3 }) { needs.insert(.sizes) }
        return needs
    }

    /// Members whose disk is filled: theirs must be small.
    var smallDisks: Set<String> {
        var names: Set<String> = []
        func look(_ steps: [ScenarioStep]) {
            for step in steps {
                // A healer's own folder is covered instead, whoever it is at the moment.
                if case .hurt(.fullDisk, .member(let name)) = step.act, !Role.member(name).isHealer {
                    names.insert(name)
                }
                look(step.steps)
            }
        }
        look(self.when)
        return names
    }
}

/// One line of `when`: an act, and what happens while it lasts.
struct ScenarioStep: Hashable, Sendable {
    var act: Act
    /// How long it lasts; then it is undone. `nil`: until something undoes it, the end of `when` at the latest.
    var lasts: Duration?
    /// Played while it lasts, or repeated.
    var steps: [ScenarioStep] = []

    enum Act: Hashable, Sendable {
        case hurt(Fault, Role)
        /// Takes away whatever this hand has done to it: thawed, heard and sent to again, with room on its disk.
        case mend(Role)
        /// By chaos's own hand.
        case start(Role)
        /// Waits.
        case wait(Duration)
        /// Waits until it is so, for as long as this at most.
        case await(Condition, within: Duration)
        /// Plays ``ScenarioStep/steps`` so often.
        case `repeat`(Int)
        /// Makes a healer talk to another ZooKeeper server.
        case move(Role, to: Role)
    }

    fileprivate var needs: Set<PlatformFeature> {
        switch self.act {
        case .hurt(.link(let fault, let ends), let role):
            let side: PlatformFeature =
                role.isBroker || ends.areBrokers
                ? .brokerLinks : role.isHealer || ends == .healers ? .healerLinks : .peerLinks
            return switch fault {
            case .cut, .stall: [side]
            case .delay, .bandwidth, .reset, .halfOpen, .holdPermission: [side, .shapedLinks]
            }
        case .hurt(.fullDisk, _), .hurt(.readOnlyLogs, _): return [.smallDisks]
        case .move: return [.healerLinks]
        default: return []
        }
    }
}

/// What can be done to a member.
enum Fault: Hashable, Sendable {
    /// SIGKILL, or what comes nearest.
    case kill
    /// SIGTERM, and its end awaited.
    case stop
    /// It stands still: SIGSTOP, or the freezer.
    case freeze
    /// It runs only so many of a hundred parts of the time.
    case slow(percent: Int)
    /// Not a byte more fits where it keeps its data; of a healer: its logs.
    case fullDisk
    /// Nothing can be written where a healer keeps its logs.
    case readOnlyLogs
    /// An operator leaves a node to people. No blow, but whoever touches it meanwhile is wrong.
    case maintenance
    case link(LinkFault, Ends)

    /// The other ends of the connections that a link fault is about.
    enum Ends: Hashable, Sendable {
        /// Of a healer: all ZooKeeper servers. Of a ZooKeeper server: all others of its ensemble. Of a broker: all
        /// ZooKeeper servers and all other brokers.
        case all
        /// Of a ZooKeeper server: all healers.
        case healers
        case role(Role)

        var areBrokers: Bool { if case .role(let role) = self { role.isBroker } else { false } }
    }

    /// The word that the file uses.
    var word: String {
        switch self {
        case .kill: "kill"
        case .stop: "stop"
        case .freeze: "freeze"
        case .slow: "slow"
        case .fullDisk: "fill-disk"
        case .readOnlyLogs: "read-only-logs"
        case .maintenance: "maintenance"
        case .link(let fault, _): fault.word
        }
    }
}

/// What can be done to a connection.
enum LinkFault: Hashable, Sendable {
    /// Bytes vanish.
    case cut(Set<Way>)
    /// Bytes wait.
    case stall(Set<Way>)
    /// Bytes come later, by the time and up to the jitter.
    case delay(Duration, jitter: Duration)
    /// In kilobytes a second.
    case bandwidth(Int)
    /// Once.
    case reset
    /// The server's side is gone, and nobody told the client.
    case halfOpen
    /// From a healer's next intent to start something on no answer comes any more: it stands in ZooKeeper, and its
    /// healer does not hear of it.
    case holdPermission

    /// As the member sees it that is hurt.
    enum Way: String, Hashable, Sendable, CaseIterable { case `in`, out }

    var word: String {
        switch self {
        case .cut: "cut"
        case .stall: "stall"
        case .delay: "delay"
        case .bandwidth: "bandwidth"
        case .reset: "reset"
        case .halfOpen: "half-open"
        case .holdPermission: "hold-permission"
        }
    }
}

/// Who is meant, by the part it plays at the moment; chosen by the seed where several fit.
enum Role: Hashable, Sendable {
    /// The healer that leads.
    case leader
    /// One of those that do not.
    case follower
    case followers
    case healers
    case controller
    case broker
    case brokers
    case zooKeeperLeader
    case zooKeeperFollower
    case zooKeeperFollowers
    /// The server that the leading healer's session is connected to.
    case zooKeeperOfLeader
    case member(String)

    static let words: [String: Role] = [
        "leader": .leader, "follower": .follower, "followers": .followers, "healers": .healers,
        "controller": .controller, "broker": .broker, "brokers": .brokers, "zookeeper-leader": .zooKeeperLeader,
        "zookeeper-follower": .zooKeeperFollower, "zookeeper-followers": .zooKeeperFollowers,
        "zookeeper-of-leader": .zooKeeperOfLeader,
    ]

    var isBroker: Bool {
        switch self {
        case .controller, .broker, .brokers: true
        case .member(let name): name.hasPrefix("kafka-")
        default: false
        }
    }

    var isHealer: Bool {
        switch self {
        case .leader, .follower, .followers, .healers: true
        case .member(let name): name.hasPrefix("healer-")
        default: false
        }
    }
}

/// What can be waited for.
enum Condition: String, Hashable, Sendable, CaseIterable {
    /// Somebody leads under a later epoch than when the step before began.
    case newLeader = "new-leader"
    /// Somebody leads, and every living healer stands in line.
    case leader
    /// Every server of the ensemble serves.
    case serving
    /// Everything is as it was before: registered, in sync, no incident and no recovery open.
    case healed
    /// An intent stands open in ZooKeeper.
    case intent
    /// A supervisor was asked for a step by a healer, since the step before began.
    case asked
    /// Whatever supervisors were asked for by healers has been carried out.
    case carriedOut = "carried-out"
    /// An incident is confirmed.
    case confirmed
    /// An incident says that nothing is done because the audit trail cannot be written.
    case unaudited
    /// The brokers say of all partitions that they are led.
    case led
}

/// What must hold besides the invariants, which always must.
struct Expectation: Hashable, Sendable {
    /// Until all is well again after the last step.
    var settle = Duration.seconds(120)
    /// Claims from the first step to the end.
    var leaderships: Count?
    /// Steps that healers had carried out.
    var started: Count?
    var killed: Count?
    var deregistered: Count?
    /// The longest time without a leader: from the moment the last one was hurt to the next claim.
    var takeover: Duration?
    /// So long after the first step the leader's metrics say at the latest that all brokers are there and all replicas in
    /// sync, after they said that a broker is away.
    var metrics: Duration?
    /// Acknowledged from the first step to the end.
    var acked: Count?
    /// Sessions of healers that ended.
    var sessionsLost: Count?
    /// Of a leader by the ensemble, which shows that a fault between its servers was felt.
    var elections: Count?
    /// Where in a start the leader that was killed last must have been, or the run says nothing.
    var moment: KillMoment?

    struct Count: Hashable, Sendable, CustomStringConvertible {
        let least: Int
        let most: Int
        func contains(_ number: Int) -> Bool { self.least <= number && number <= self.most }
        var description: String {
            self.least == self.most ? "\(self.least)" : "\(self.least)..\(self.most == .max ? "" : "\(self.most)")"
        }
    }
}
