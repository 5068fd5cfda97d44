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

    /// A server without a port is at 2181.
    init(reading text: String) throws(Complaint) {
        let slash = text.firstIndex(of: "/") ?? text.endIndex
        self.chroot = String(text[slash...])
        self.servers = []
        if self.chroot == "/" { self.chroot = "" }
        guard self.chroot.isEmpty || Self.isPath(self.chroot) else {
            throw Complaint("ends in `\(self.chroot)`, which is not a path in ZooKeeper", "write it as `/kafka`")
        }
        for part in text[..<slash].split(separator: ",", omittingEmptySubsequences: false) {
            guard let server = Endpoint(reading: String(part.trimmed), port: 2181) else {
                throw Complaint(
                    part.trimmed.isEmpty ? "has an empty place for a server" : "has `\(part.trimmed)` for a server",
                    "write `host:port,host:port/chroot`")
            }
            guard !self.servers.contains(server) else {
                throw Complaint("names \(server) twice", "name every server once")
            }
            self.servers.append(server)
        }
    }

    /// The same ensemble and chroot, in whatever order.
    func means(_ other: ConnectString) -> Bool {
        Set(self.servers) == Set(other.servers) && self.chroot == other.chroot
    }

    /// ZooKeeper's own rules (`PathUtils.validatePath`), and no blanks.
    static func isPath(_ text: String) -> Bool {
        guard text.hasPrefix("/") else { return false }
        if text == "/" { return true }
        return text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            !part.isEmpty && part != "." && part != ".."
                && part.unicodeScalars.allSatisfy { !$0.properties.isWhitespace && $0.value > 0x20 && $0.value < 0x7f }
        }
    }

    var description: String { self.servers.map(\.description).joined(separator: ",") + self.chroot }
}

extension Endpoint {
    /// `host:port`, `host`, `[address]:port`; `nil` for anything else. Port 0 is refused.
    init?(reading text: String, port standard: UInt16?) {
        let host: Substring
        let rest: Substring
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
            guard host.contains(":") else { return nil }
        } else {
            let colon = text.firstIndex(of: ":") ?? text.endIndex
            host = text[..<colon]
            rest = text[colon...]
        }
        guard HostName.isAllowed(String(host)) else { return nil }
        let digits = rest.dropFirst()
        if rest.isEmpty {
            guard let standard else { return nil }
            self.init(host: String(host), port: standard)
        } else {
            guard rest.hasPrefix(":"), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let port = UInt16(digits), port > 0
            else { return nil }
            self.init(host: String(host), port: port)
        }
    }
}

/// What may stand for a host: it ends up in argument vectors, so nothing that could be taken for an option or a command.
enum HostName {
    /// Letters, digits, dots, dashes and underscores, at most 253, not a dash or dot first; or an IPv6 address.
    static func isAllowed(_ text: String) -> Bool {
        if text.contains(":") {
            return text.count <= 45
                && text.utf8.allSatisfy { byte in
                    (0x30...0x3a).contains(byte) || (0x61...0x66).contains(byte) || (0x41...0x46).contains(byte)
                        || byte == 0x2e
                }
        }
        return NodeName(text).isAllowed
    }
}

extension Substring {
    var trimmed: Substring {
        var text = self
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
