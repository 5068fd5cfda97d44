import Cluster
import Healer
import YAML

extension ClusterConfiguration {
    init(_ section: Section, recovery: RecoveryConfiguration) {
        section.later("sasl", "tls", "schema_registry", "cruise_control", "notifications")
        self.name = ClusterName(section.required("name", .name, standIn: ""))
        self.kafka = section.properties("kafka", name: KafkaProperty.complaint, value: KafkaProperty.complaint)
        let zooKeeper = section.optional("zookeeper", .connectString, absent: "none: KRaft")
        self.zooKeeper = zooKeeper
        self.zooKeeperAccess = EnsembleAccess(section, prefix: "zookeeper_")
        self.mode = section.value("mode", .mode, default: .observe)
        self.supervisor = section.optionalSection("supervisor") { SupervisorConfiguration($0) } ?? nil
        let wishes = section.section("discovery") { DiscoveryWishes($0) }
        let hasZooKeeper = zooKeeper != nil
        let readings = section.sections("nodes") {
            NodeReading($0, naming: wishes.brokerName, recovery: recovery)
        }
        let nodes = readings.compactMap(\.configuration)
        self.nodes = nodes
        self.discovery = wishes.settled(beside: nodes, hasZooKeeper: hasZooKeeper)
        self.blastRadius = section.optional(
            "blast_radius", .integer(1...1000), absent: "a third of the brokers, at least one")
        self.brokerSession = section.value("broker_session_seconds", .seconds(1...600), default: .seconds(18))
        self.policies = section.section("policies") { policies in
            policies.later(
                "brokerOverloaded", "logDirOffline", "diskFull", "leaderSkew", "hostUnreachable", "noController")
            policies.judgeUnknownCodes()
            return Dictionary(
                uniqueKeysWithValues: FindingCode.allCases.map { code in
                    (code, policies.section(code.rawValue, pattern: "<code>") { PolicyConfiguration($0, for: code) })
                })
        }
        self.check(section, readings)
    }

    private func check(_ section: Section, _ nodes: [NodeReading]) {
        // One that is there and was refused has its own error.
        if self.kafka["bootstrap.servers"] == nil, section.node("kafka")?["bootstrap.servers"] == nil {
            let place = section.has("kafka") ? section.mark(of: "kafka") : section.mark
            section.complain(
                Complaint("is missing", "write where brokers are reached, `host:port,host:port`"),
                "kafka.bootstrap.servers", at: place)
        }
        for key in ["zookeeper_digest", "zookeeper_tls", "zookeeper_sasl"]
        where section.has(key) && self.zooKeeper == nil && section.areSound("zookeeper") {
            section.complain(Complaint("is there, but no `zookeeper`", "leave it out"), key)
        }
        if self.zooKeeperAccess.security.isTLS, self.discovery.zooKeeperServers, !section.reader.isDescribing {
            section.complain(
                Complaint(
                    "leaves its servers to be looked at through a port that speaks TLS, which cannot be done",
                    "name them in `nodes`, each with its plain port, or set discovery.zookeeper to false"),
                "zookeeper_tls")
        }
        if self.mode == .heal { self.checkHealing(section, nodes) }
        self.check(nodes, section)
    }

    private func checkHealing(_ section: Section, _ nodes: [NodeReading]) {
        guard self.zooKeeper != nil || !section.areSound("zookeeper") else {
            section.reader.warn(
                "`\(section.pathOf("mode"))` is `heal`, but a KRaft cluster is observed only in this version; "
                    + "write `mode: observe`, or name its `zookeeper`", at: section.mark(of: "mode"))
            return
        }
        // A supervisor or a `start` that is there and was refused has its own error.
        let isRefused = section.refusedStart(of: self.supervisor)
        var needed = nodes.filter { !$0.isSupervisorRefused }.compactMap(\.configuration)
            .filter { !isRefused || $0.supervisor != nil }.map { $0.supervisor ?? self.supervisor }
        // Which nodes are discovered follows from those that are named, which a refused one may have been.
        let areAllRead = nodes.allSatisfy { $0.configuration != nil }
        if areAllRead, !isRefused, self.discovery.brokers || self.discovery.zooKeeperServers {
            needed.append(self.supervisor)
        }
        if needed.contains(where: { $0?.knows(.start) != true }) {
            section.complain(
                Complaint(
                    "is `heal`, which needs a `supervisor` with `start` for every node",
                    "add it, or write `mode: observe`"), "mode")
        } else if self.mode(for: .brokerHung) == .heal, needed.contains(where: { $0?.knows(.kill) != true }) {
            section.reader.warn(
                "`\(section.pathOf("supervisor"))` has no `kill`, so a hung broker is reported and left alone; "
                    + "add `kill`, or write `mode: observe` at `policies.brokerHung`",
                at: section.mark(of: "supervisor"))
        }
    }

    private func check(_ nodes: [NodeReading], _ section: Section) {
        func refuse(_ index: Int, _ problem: String, _ remedy: String) {
            section.complain(Complaint(problem, remedy), "nodes[\(index)]", at: nodes[index].mark)
        }
        for (index, this) in nodes.enumerated() {
            for (place, other) in nodes[..<index].enumerated() {
                let before = other.name.map { "`\($0)`" } ?? "`nodes[\(place)]`"
                if let name = this.name, name == other.name {
                    refuse(index, "has the name `\(name)` of another node", "give each its own node_id")
                } else if let endpoint = this.endpoint, endpoint == other.endpoint {
                    refuse(index, "is at \(endpoint) like \(before)", "name every node once")
                } else if let id = this.broker, id == other.broker {
                    refuse(index, "has the broker_id \(id) of \(before)", "give each its own broker_id")
                }
            }
        }
        guard self.discovery.zooKeeperServers, let servers = self.zooKeeper?.servers else { return }
        for (number, server) in servers.enumerated() {
            let name = self.discovery.zooKeeperName.name(number + 1)
            guard let index = nodes.firstIndex(where: { $0.name?.rawValue == name }) else { continue }
            if let endpoint = nodes[index].endpoint, endpoint != server {
                refuse(
                    index, "has the name `\(name)` that the server \(server) gets by discovery",
                    "rename it, or set `discovery.zookeeper` to false")
            }
        }
    }
}

extension ClusterConfiguration {
    /// The ensemble's servers that are looked after: those that the file names, and those of the connect string.
    var zooKeeperNodes: [Node] {
        var nodes = self.nodes.map(\.node).filter { $0.role == .zooKeeper }
        guard self.discovery.zooKeeperServers, let servers = self.zooKeeper?.servers else { return nodes }
        for (index, server) in servers.enumerated() where !nodes.contains(where: { $0.endpoint == server }) {
            let name = NodeName(self.discovery.zooKeeperName.name(index + 1))
            nodes.append(Node(name: name, role: .zooKeeper, endpoint: server))
        }
        return nodes
    }

    /// The node that a registered broker is: the one of the file with its number, or a discovered one.
    /// `nil` if it is in no file and discovery is off.
    func node(for broker: BrokerID, at endpoint: Endpoint) -> Node? {
        if let named = self.nodes.first(where: { $0.node.brokerID == broker }) { return named.node }
        guard self.discovery.brokers else { return nil }
        let name = NodeName(self.discovery.brokerName.name(Int(broker.rawValue)))
        return Node(name: name, role: .broker(broker), endpoint: endpoint)
    }

    /// What is put in the place of placeholders for this node. `identity` is left out while it is not known.
    func placeholders(for node: Node, identity: ProcessIdentity?) -> [Placeholder: String] {
        var values: [Placeholder: String] = [.node: node.name.rawValue, .host: node.endpoint.host]
        if let id = node.brokerID { values[.brokerID] = id.description }
        if let identity { values[.identity] = identity.rawValue }
        return values
    }
}

/// What the file says of discovery, before it is known which nodes it names.
struct DiscoveryWishes {
    /// `nil`: on unless the file names nodes of this kind.
    let brokers: Bool?
    let zooKeeperServers: Bool?
    let brokerName: NameTemplate
    let zooKeeperName: NameTemplate

    init(_ section: Section) {
        let absent = "true unless `nodes` names some"
        self.brokers = section.optional("brokers", .boolean, absent: absent)
        self.zooKeeperServers = section.optional("zookeeper", .boolean, absent: absent)
        self.brokerName = section.nameTemplate("broker_name", .brokerID, default: "kafka-")
        self.zooKeeperName = section.nameTemplate("zookeeper_name", .number, default: "zookeeper-")
        if self.brokerName.prefix == self.zooKeeperName.prefix, self.brokerName.suffix == self.zooKeeperName.suffix {
            section.complain(Complaint("gives brokers and servers the same names", "change one"), "zookeeper_name")
        }
    }

    func settled(beside nodes: [NodeConfiguration], hasZooKeeper: Bool) -> DiscoveryConfiguration {
        DiscoveryConfiguration(
            brokers: self.brokers ?? !nodes.contains { $0.node.brokerID != nil },
            zooKeeperServers: hasZooKeeper
                && (self.zooKeeperServers ?? !nodes.contains { $0.node.role == .zooKeeper }),
            brokerName: self.brokerName, zooKeeperName: self.zooKeeperName)
    }
}

extension Section {
    fileprivate func nameTemplate(_ key: String, _ placeholder: Placeholder, default prefix: String) -> NameTemplate {
        let standard = NameTemplate(prefix: prefix, placeholder: placeholder, suffix: "")
        guard let node = self.node(key) else {
            self.reader.record(self.pathOf(key), standard.description, .standard)
            return standard
        }
        guard let template = self.template(key, node, [placeholder]) else { return standard }
        var (prefix, suffix, seen) = ("", "", 0)
        for piece in template.pieces {
            switch piece {
            case .placeholder: seen += 1
            case .text(let text): if seen == 0 { prefix += text } else { suffix += text }
            }
        }
        let name = NameTemplate(prefix: prefix, placeholder: placeholder, suffix: suffix)
        guard seen == 1, NodeName(name.name(0)).isAllowed else {
            self.complain(
                Complaint(
                    "is `\(template)`", "write a name with `${\(placeholder.rawValue)}` in it, such as `\(standard)`"),
                key)
            return standard
        }
        self.reader.record(self.pathOf(key), name.description, .file(line: node.mark.line))
        return name
    }
}

extension ConfigurationKind where Value == Mode {
    static var mode: Self {
        .choice(later: ["suggest": "approval does not exist in this version"])
    }
}

extension Section {
    /// What stands below a code that there is none of is judged by all keys that a policy can have. The code itself is
    /// complained of like any unknown key.
    fileprivate func judgeUnknownCodes() {
        let codes = Set(FindingCode.allCases.map(\.rawValue))
        for key in self.keys where !codes.contains(key) {
            self.aside(key, pattern: "<code>") { policy in
                _ = policy.value("grace_seconds", .seconds(0...86400), default: .zero)
                _ = policy.optional("mode", .mode)
                _ = policy.value("cooldown_seconds", .seconds(0...86400), default: .zero)
                _ = policy.value("confirm_seconds", .seconds(1...3600), default: .seconds(1))
                for key in ["deregister", "start_stopped"] { _ = policy.value(key, .boolean, default: false) }
            }
        }
    }
}

extension PolicyConfiguration {
    init(_ section: Section, for code: FindingCode) {
        self = .standard(for: code)
        self.grace = section.value("grace_seconds", .seconds(0...86400), default: self.grace)
        let isDescribing = section.reader.isDescribing
        if code.isActedOn || isDescribing {
            self.mode = section.optional("mode", .mode, absent: "the cluster's")
            self.cooldown = section.value("cooldown_seconds", .seconds(0...86400), default: self.cooldown)
        }
        if code == .brokerHung || isDescribing {
            self.confirm = section.value("confirm_seconds", .seconds(1...3600), default: self.confirm)
        }
        if code == .brokerDead || isDescribing {
            self.deregister = section.value("deregister", .boolean, default: self.deregister)
        }
        if code == .brokerStopped || code == .zooKeeperStopped || isDescribing {
            self.startStopped = section.value("start_stopped", .boolean, default: self.startStopped)
        }
        if code == .brokerHung, section.areSound("grace_seconds", "confirm_seconds"), self.grace < self.confirm {
            section.complain(
                Complaint(
                    "is \(shortest(self.grace.inSeconds))",
                    "make it at least confirm_seconds (\(shortest(self.confirm.inSeconds)))"), "grace_seconds")
        }
    }
}

extension FindingCode {
    /// Whether this version can do anything about it but tell people.
    var isActedOn: Bool {
        switch self {
        case .brokerDead, .brokerHung, .brokerStopped, .zooKeeperDead, .zooKeeperStopped: true
        case .brokerStarting, .brokerUnregistered, .zooKeeperHung, .zooKeeperNotServing, .zooKeeperStarting,
            .partitionOffline, .underReplicated, .underMinISR, .isrShrink:
            false
        }
    }
}
