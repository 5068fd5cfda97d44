import Cluster
import YAML

/// The kinds of nodes under the names of the file.
enum NodeType: String, Hashable, Sendable, CaseIterable {
    case kafka, zookeeper
}

extension NodeConfiguration {
    /// `nil` when it cannot be told which node is meant, which is reported.
    init?(_ section: Section, naming: NameTemplate, recovery: RecoveryConfiguration) {
        section.later("jmx_port", "rest_url", "ansible", "salt", "scripts")
        let name = section.required("node_id", .name, standIn: "")
        // What else is right depends on the type.
        guard let type = section.type() else {
            _ = section.required("host", .host)
            _ = section.optional("port", .servingPort)
            section.abandon()
            return nil
        }
        let host = section.required("host", .host, standIn: "")
        let port = section.value("port", .servingPort, default: type == .kafka ? 9092 : 2181)
        var role = Node.Role.zooKeeper
        if type == .kafka {
            let derived = naming.number(in: name).map { "read from node_id: \($0)" } ?? "none"
            let number = section.optional("broker_id", .integer(0...Int(Int32.max)), absent: derived)
            if let id = (number ?? naming.number(in: name)).flatMap({ Int32(exactly: $0) }) {
                role = .broker(BrokerID(id))
            } else {
                section.missing("broker_id", "the broker's number, or a node_id such as `\(naming)`")
            }
        }
        self.monitoringMethods = section.list("monitoring_methods", .method, absent: "all that apply")
        let applicable = MonitorMethod.methods(for: role)
        for method in self.monitoringMethods ?? [] where !applicable.contains(method) {
            section.complain(
                Complaint(
                    "has `\(method.rawValue)`, which is not for a \(type.rawValue) node",
                    "choose among \(applicable.map { "`\($0.rawValue)`" }.joined(separator: ", "))"),
                "monitoring_methods")
        }
        self.recoveryActions = section.list("recovery_actions", .action, absent: "all").map { Set($0) }
        self.retryPolicy = section.optionalSection("retry_policy") {
            RecoveryConfiguration($0, defaults: recovery)
        }
        self.supervisor = section.optionalSection("supervisor") { SupervisorConfiguration($0) } ?? nil
        guard !name.isEmpty, !host.isEmpty else { return nil }
        self.node = Node(name: NodeName(name), role: role, endpoint: Endpoint(host: host, port: port))
    }
}

extension Section {
    fileprivate func type() -> NodeType? {
        self.required("node_type", ConfigurationKind<NodeType>.choice()) ?? (self.reader.isDescribing ? .kafka : nil)
    }
}

extension ConfigurationKind where Value == UInt16 {
    /// The port of a server that is there already.
    fileprivate static var servingPort: Self {
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
