import Cluster
import Healer

extension Policy {
    /// What the core is to do for one cluster of a configuration.
    init(_ cluster: ClusterConfiguration, of configuration: Configuration) {
        self.init(cluster: cluster.name, healer: configuration.healerID, healers: configuration.healers)
        self.mode = cluster.effectiveMode
        self.zooKeeperMode = cluster.zooKeeper != nil
        self.sharesEnsemble = cluster.sharesEnsemble(with: configuration.coordination)
        self.kafkaRoot = cluster.zooKeeper?.chroot ?? ""
        self.nodes = cluster.nodes.map(\.node).filter { $0.brokerID != nil } + cluster.zooKeeperNodes
        let name = cluster.discovery.brokerName
        self.discovery = cluster.discovery.brokers ? Discovery(prefix: name.prefix, suffix: name.suffix) : nil
        self.retry = RetryPolicy(configuration.recovery)
        self.codes = Dictionary(
            uniqueKeysWithValues: FindingCode.allCases.map { ($0, CodePolicy(cluster.policy(for: $0), for: $0)) })
        if !cluster.policy(for: .brokerDead).deregister {
            self.codes[.brokerStarting]?.ladder.removeAll { $0 == .step(.deregister) }
        }
        self.overrides = Dictionary(
            uniqueKeysWithValues: cluster.nodes.map { node in
                (node.node.name, NodePolicy(node, settings: configuration.settings(for: node.node, in: cluster), self))
            })
        self.timing.validity = configuration.monitoring.interval * 3
        self.timing.metadataValidity = configuration.monitoring.interval * 4
        self.timing.brokerSession = cluster.brokerSession
        self.timing.hungConfirm = cluster.policy(for: .brokerHung).confirm
        self.timing.freshness = configuration.coordination.timing.freshness
        // One limit for all nodes: the longest, since each command is ended by its own.
        let supervisors = ([cluster.supervisor] + cluster.nodes.map(\.supervisor)).compactMap { $0 }
        for (step, verb) in [(Step.start, SupervisorVerb.start), (.kill, .kill)] {
            if let longest = supervisors.map({ $0.limit(for: verb) }).max() { self.timing.limits[step] = longest }
        }
        self.blastRadius = cluster.blastRadius
    }
}

extension ClusterConfiguration {
    /// Whether one session can write to both in one transaction: the same servers, and no chroot that would hide the
    /// cluster's znodes from the healers' session.
    func sharesEnsemble(with coordination: CoordinationConfiguration) -> Bool {
        guard let zooKeeper else { return false }
        return Set(zooKeeper.servers) == Set(coordination.zooKeeper.servers) && coordination.zooKeeper.chroot.isEmpty
    }
}

extension RetryPolicy {
    init(_ recovery: RecoveryConfiguration) {
        self.init(
            attempts: recovery.maxAttempts, initialDelay: recovery.initialDelay,
            multiplier: recovery.backoffMultiplier, maximumDelay: recovery.maxDelay, window: recovery.window)
    }
}

extension CodePolicy {
    init(_ policy: PolicyConfiguration, for code: FindingCode) {
        var ladder = CodePolicy.defaults[code]?.ladder ?? [.page]
        if !policy.deregister { ladder.removeAll { $0 == .step(.deregister) } }
        if policy.startStopped, code == .brokerStopped || code == .zooKeeperStopped {
            ladder.insert(.step(.start), at: 0)
        }
        self.init(mode: policy.mode, grace: policy.grace, cooldown: policy.cooldown, ladder: ladder)
    }
}

extension NodePolicy {
    fileprivate init(_ node: NodeConfiguration, settings: NodeSettings, _ cluster: Policy) {
        self.init(retry: node.retryPolicy.map { RetryPolicy($0) }, methods: settings.methods)
        guard let actions = node.recoveryActions else { return }
        self.codes = cluster.codes.mapValues { policy in
            var policy = policy
            policy.ladder.removeAll { rung in
                if case .step(let step) = rung { !actions.contains(RecoveryAction(step)) } else { false }
            }
            return policy
        }
    }
}

extension RecoveryAction {
    init(_ step: Step) {
        switch step {
        case .deregister: self = .deregister
        case .start: self = .start
        case .kill: self = .kill
        }
    }
}
