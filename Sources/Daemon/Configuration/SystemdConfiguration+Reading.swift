extension SystemdConfiguration {
    private static let places: Set<Placeholder> = [.node, .host, .brokerID]

    init(_ section: Section) {
        let wanted = "the name of a service, in letters, digits, colons, dots, dashes, underscores and `@`"
        func unit(_ key: String, default standard: String) -> TextTemplate {
            section.pattern(key, Self.places, default: [.text(standard)], wanted) { UnitName($0) != nil }
        }
        self.unit = unit("unit", default: "kafka")
        self.zooKeeperUnit = unit("zookeeper_unit", default: "zookeeper")
        self.transport =
            section.optionalSection("transport") { transport in
                if !transport.has("ssh"), !section.reader.isDescribing {
                    transport.missing("ssh", "whom ssh connects to, such as `healer@${host}`")
                }
                return SSHConfiguration(
                    destination: transport.pattern(
                        "ssh", Self.places, default: [.placeholder(.host)], "`user@host`, or a host alone"
                    ) { SSHDestination($0) != nil },
                    port: transport.optional("port", .servingPort, absent: "ssh's own"),
                    identityFile: transport.optional("identity_file", .absolutePath, absent: "ssh's own"),
                    knownHostsFile: transport.optional("known_hosts_file", .absolutePath, absent: "ssh's own"))
            } ?? nil
    }
}
