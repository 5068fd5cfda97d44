import Cluster
import YAML

/// The kinds of nodes under the names of the file.
enum NodeType: String, Hashable, Sendable, CaseIterable {
    case kafka, zookeeper
}

/// What could be read of one element of `nodes`, also where something in it was refused: enough to hold it against
/// the others.
struct NodeReading {
    let mark: Mark
    let name: NodeName?
    let endpoint: Endpoint?
    let broker: BrokerID?
    /// Whether it has a supervisor of its own that was refused, or whose `start` was.
    let isSupervisorRefused: Bool
    /// `nil` when it cannot be told which node is meant, which is reported.
    let configuration: NodeConfiguration?

    init(_ section: Section, naming: NameTemplate, recovery: RecoveryConfiguration) {
        section.later("jmx_port", "rest_url", "ansible", "salt", "scripts")
        let name = section.required("node_id", .name)
        // `nil` after that is reported: then all keys of both types are known, and what they share is judged.
        let type = section.type()
        let host = section.required("host", .host)
        let port = section.port(of: type)
        let role = section.role(of: type, named: name ?? "", naming: naming)
        let methods = section.list("monitoring_methods", .method, absent: "all that apply")
        if let type { section.check(methods ?? [], of: type) }
        let actions = section.list("recovery_actions", .action, absent: "all").map { Set($0) }
        let retryPolicy = section.optionalSection("retry_policy") {
            RecoveryConfiguration($0, defaults: recovery)
        }
        let supervisor = section.optionalSection("supervisor") { SupervisorConfiguration($0) } ?? nil
        self.mark = section.mark
        self.name = name.map { NodeName($0) }
        self.endpoint = host.flatMap { host in port.map { Endpoint(host: host, port: $0) } }
        if case .broker(let id) = role { self.broker = id } else { self.broker = nil }
        self.isSupervisorRefused = section.refusedStart(of: supervisor)
        guard let name = self.name, let endpoint = self.endpoint, let role else {
            self.configuration = nil
            return
        }
        self.configuration = NodeConfiguration(
            node: Node(name: name, role: role, endpoint: endpoint), monitoringMethods: methods,
            recoveryActions: actions, retryPolicy: retryPolicy, supervisor: supervisor)
    }
}

extension Section {
    /// Whether the section says `supervisor`, but it or its `start` was refused.
    func refusedStart(of supervisor: SupervisorConfiguration?) -> Bool {
        guard let supervisor else { return self.has("supervisor") }
        return !supervisor.knows(.start) && self.node("supervisor")?["start"] != nil
    }

    fileprivate func type() -> NodeType? {
        self.required("node_type", ConfigurationKind<NodeType>.choice())
    }

    /// `nil` if it was refused, or depends on a type that was.
    fileprivate func port(of type: NodeType?) -> UInt16? {
        guard let type else { return self.optional("port", .servingPort) }
        let port = self.value("port", .servingPort, default: type == .kafka ? 9092 : 2181)
        return self.areSound("port") ? port : nil
    }

    /// `nil` if it cannot be told, which is reported.
    fileprivate func role(of type: NodeType?, named name: String, naming: NameTemplate) -> Node.Role? {
        if type == .zookeeper { return .zooKeeper }
        let derived = naming.number(in: name)
        let number = self.optional(
            "broker_id", .integer(0...Int(Int32.max)),
            absent: derived.map { "read from node_id: \($0)" } ?? "none")
        guard type == .kafka, self.areSound("broker_id") else { return nil }
        if let id = (number ?? derived).flatMap({ Int32(exactly: $0) }) { return .broker(BrokerID(id)) }
        self.missing("broker_id", "the broker's number, or a node_id such as `\(naming)`")
        return nil
    }

    fileprivate func check(_ methods: [MonitorMethod], of type: NodeType) {
        let applicable = MonitorMethod.methods(for: type == .kafka ? .broker(BrokerID(0)) : .zooKeeper)
        for method in methods where !applicable.contains(method) {
            self.complain(
                Complaint(
                    "has `\(method.rawValue)`, which is not for a \(type.rawValue) node",
                    "choose among \(applicable.map { "`\($0.rawValue)`" }.joined(separator: ", "))"),
                "monitoring_methods")
        }
    }
}

extension ConfigurationKind where Value == UInt16 {
    /// The port of a server that is there already.
    static var servingPort: Self {
        let number = ConfigurationKind<Int>.integer(1...65535)
        return Self(
            wanted: number.wanted, read: { scalar throws(Complaint) in UInt16(try number.read(scalar)) },
            show: { String($0) })
    }
}

extension ConfigurationKind where Value == MonitorMethod {
    fileprivate static var method: Self {
        let reason = "this way of watching is not available in this version"
        return .choice(later: ["jmx": reason, "rest": reason, "cli": reason, "stats": reason, "plugin": reason])
    }
}

extension ConfigurationKind where Value == RecoveryAction {
    fileprivate static var action: Self {
        let reason = "this action is not available in this version"
        let names = [
            "elect_leaders", "demote", "reassign", "replace", "ansible", "salt", "script", "cleanup", "webhook",
            "cruise_control", "notify", "plugin",
        ]
        var later = Dictionary(uniqueKeysWithValues: names.map { ($0, reason) })
        let apart = "a dead node is started, and a hung one killed and then started, as two steps"
        later["restart"] = apart
        later["restart_service"] = apart
        return .choice(later: later)
    }
}
