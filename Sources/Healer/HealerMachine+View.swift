public import Cluster

extension HealerMachine {
    /// What this healer can say now. Walks over all partitions: made when somebody asks, not for every event.
    public func view(at now: Moment) -> ClusterView {
        let wall = self.wallTime(at: now)
        let holds = self.control?.cluster.maintenance.filter { $0.value.holds(at: wall) } ?? [:]
        return ClusterView(
            cluster: self.policy.cluster, healer: self.policy.healer, at: wall, leadership: self.leadership,
            mode: self.policy.mode, zooKeeperMode: self.policy.zooKeeperMode,
            clusterID: self.state.metadata?.view.clusterID,
            controller: self.state.controller?.value?.broker ?? self.state.metadata?.view.controller,
            pause: self.control?.pause(at: wall), maintenance: holds,
            nodes: self.state.names.compactMap { name in
                self.state.nodes[name].map { self.row($0, isHeld: holds[name] != nil, at: now) }
            },
            partitions: self.partitions(at: now),
            openIncidents: self.incidents.values.sorted { $0.since < $1.since }.map(\.record),
            closedIncidents: self.closed,
            recoveries: self.recoveries.sorted { $0.key < $1.key }.map { name, recovery in
                ClusterView.RecoveryRow(
                    node: name, intent: recovery.intent, stage: recovery.stage.word, age: now - recovery.since)
            },
            divergence: self.peers.divergence(
                from: self.verdicts, at: now, self.policy.timing.digestValidity),
            auditFailure: self.auditFailure, ledgerIsRead: self.book.readUnder != nil,
            ledgerFailure: self.ledgerFailure,
            monitorFailures: self.state.failures.mapValues(\.value), counters: self.counters)
    }

    private func row(_ node: NodeState, isHeld: Bool, at now: Moment) -> ClusterView.NodeRow {
        let condition = self.conditions[node.node.name]
        let status: NodeStatus =
            switch condition?.kind {
            case _ where isHeld: .maintenance
            case nil, .unknown: .unknown
            case .well: .healthy
            case .starting: .starting
            case .stopped: .stopped
            case .refusing, .restarting, .dead, .hung, .unregistered: .unhealthy
            }
        let broker = node.node.brokerID
        let yieldedTo = self.incidents[.node(node.node.name)]?.yielding?.to
        return ClusterView.NodeRow(
            node: node.node, status: status, code: condition?.code(for: node.node.role),
            isConfirmed: condition?.isConfirmed ?? false, identity: node.process?.value.identity,
            process: node.process?.value.state,
            registered: broker.flatMap { broker in self.state.registrations.map { $0.value[broker] != nil } },
            isController: broker != nil && broker == self.state.controller?.value?.broker,
            lastCheck: node.lastLook.map { self.wallTime(at: $0.at) }, age: node.lastLook.map { now - $0.at },
            response: node.troubleSince == nil ? node.lastAnswer?.took : nil, method: node.lastLook?.method,
            error: condition?.kind == .well ? nil : node.hand ?? yieldedTo ?? node.error ?? node.processError)
    }

    private func partitions(at now: Moment) -> ClusterView.Partitions {
        guard let summary = self.state.metadata else {
            return ClusterView.Partitions(
                age: nil, topics: 0, states: [], offline: [], underReplicated: [], underMinISR: [], atMinISR: [],
                offlineByTopic: [:], underReplicatedByTopic: [:])
        }
        var offline: [String: Int] = [:]
        var underReplicated: [String: Int] = [:]
        var last: String?
        for partition in summary.view.partitions where partition.id.topic != last {
            last = partition.id.topic
            offline[partition.id.topic] = 0
            underReplicated[partition.id.topic] = 0
        }
        for id in summary.ids(summary.offline) { offline[id.topic, default: 0] += 1 }
        for id in summary.ids(summary.underReplicated) { underReplicated[id.topic, default: 0] += 1 }
        return ClusterView.Partitions(
            age: now - summary.at, topics: offline.count, states: summary.view.partitions,
            offline: summary.ids(summary.offline), underReplicated: summary.ids(summary.underReplicated),
            underMinISR: summary.ids(summary.underMinISR), atMinISR: summary.ids(summary.atMinISR),
            offlineByTopic: offline, underReplicatedByTopic: underReplicated)
    }
}

extension Recovery.Stage {
    var word: ClusterView.RecoveryRow.Stage {
        switch self {
        case .asking, .doubtful: .asking
        case .running: .running
        case .probing: .probing
        case .recording: .recording
        case .settling: .settling
        }
    }
}
