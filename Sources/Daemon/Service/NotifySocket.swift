import Glibc

/// The socket by which a service tells systemd how it is: datagrams of `NAME=value` lines (sd_notify(3)).
struct NotifySocket: Sendable {
    private let address: [UInt8]

    /// - Parameter address: of `NOTIFY_SOCKET`: an absolute path, or `@name` for an abstract socket. `nil` for anything
    ///   else, and for what is longer than a socket's address may be.
    init?(_ address: String) {
        guard address.hasPrefix("/") || address.hasPrefix("@"), address.utf8.count > 1 else { return nil }
        var bytes = Array(address.utf8)
        // An abstract name begins with a zero byte, and is as long as the address says; a path ends with one.
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 } else { bytes.append(0) }
        guard bytes.count <= MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { return nil }
        self.address = bytes
    }

    /// Sends one datagram; never waits.
    ///
    /// - Returns: whether it was taken.
    @discardableResult
    func send(_ lines: String...) -> Bool {
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: self.address) }
        let length = MemoryLayout<sockaddr_un>.offset(of: \.sun_path)! + self.address.count
        let flags = Int32(truncatingIfNeeded: Int(MSG_NOSIGNAL) | Int(MSG_DONTWAIT))
        let text = Array(lines.joined(separator: "\n").utf8)
        let sent = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(descriptor, text, text.count, flags, $0, socklen_t(length))
            }
        }
        return sent == text.count
    }
}
