import Cluster

/// Where a ZooKeeper ensemble is reached: `host:port,host:port/chroot`.
struct ConnectString: Hashable, Sendable, CustomStringConvertible {
    /// In the order of the text; at least one, none twice.
    var servers: [Endpoint]
    /// Begins with a slash, or is empty.
    var chroot: String

    init(servers: [Endpoint], chroot: String = "") {
        self.servers = servers
        self.chroot = chroot
    }

    var description: String { self.servers.map(\.description).joined(separator: ",") + self.chroot }
}
