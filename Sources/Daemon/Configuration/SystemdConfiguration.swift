/// Nodes that are units of systemd, here or over SSH: type `systemd`.
struct SystemdConfiguration: Hashable, Sendable {
    /// Of a broker.
    var unit: TextTemplate
    /// Of a ZooKeeper server.
    var zooKeeperUnit: TextTemplate
    /// `nil` means this machine's own systemd.
    var transport: SSHConfiguration?
}

/// How the host of a node is reached by the OpenSSH client.
struct SSHConfiguration: Hashable, Sendable {
    /// `user@host`, or a host alone.
    var destination: TextTemplate
    /// `nil` leaves it to ssh's own configuration; so for the next two.
    var port: UInt16?
    var identityFile: String?
    var knownHostsFile: String?
}

/// The name of a service, with its ending.
///
/// Only what no shell and no option parser reads in a way of its own: it becomes a word of a remote command.
struct UnitName: Hashable, Sendable, Codable, CustomStringConvertible {
    let description: String

    /// `kafka` means `kafka.service`; `nil` for anything that is no service's name.
    init?(_ text: String) {
        let name = text.hasSuffix(".service") ? text : text + ".service"
        // systemd's own bound (UNIT_NAME_MAX) and its characters, without the backslash of escaped ones.
        guard name != ".service", name.utf8.count < 256, name.utf8.first != UInt8(ascii: "-"),
            name.utf8.allSatisfy({ $0.isASCIILetterOrDigit || ":_.-@".utf8.contains($0) })
        else { return nil }
        self.description = name
    }
}

/// Whom ssh is told to connect to: `user@host`, or a host alone.
struct SSHDestination: Hashable, Sendable, Codable, CustomStringConvertible {
    let description: String

    init?(_ text: String) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        // A host may be an IPv6 address, without brackets.
        guard (1...2).contains(parts.count), parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix("-") }),
            text.utf8.allSatisfy({ $0.isASCIILetterOrDigit || "@:_.-".utf8.contains($0) })
        else { return nil }
        self.description = text
    }
}

extension UInt8 {
    fileprivate var isASCIILetterOrDigit: Bool {
        (0x30...0x39).contains(self) || (0x41...0x5a).contains(self) || (0x61...0x7a).contains(self)
    }
}
