internal import CZooKeeper
internal import Glibc

/// The socket of a handle. The library has no call that tells it, so it is looked for among this process's sockets by the
/// address of its server.
struct LibrarySocket {
    private let handle: Handle

    init(_ handle: Handle) { self.handle = handle }

    /// The server's address in the form that the kernel compares by; `nil` when not connected.
    private var peer: SocketAddress? {
        SocketAddress { address, length in
            zookeeper_get_connected_host(self.handle.pointer, address, &length) == nil ? -1 : 0
        }
    }

    /// As `address:port`; `nil` when not connected.
    var server: String? { self.peer?.description }

    /// Calls `body` with a duplicate of the library's descriptor and its number. A duplicate, because the library may close
    /// its own at any time, and the number may be given to another file; the duplicate is proven to be the socket.
    private func withDuplicate<Result>(_ body: (_ duplicate: Int32, _ original: Int32) -> Result) -> Result? {
        guard let peer = self.peer else { return nil }
        let candidates = openDescriptors().filter { descriptor in
            SocketAddress { getpeername(descriptor, $0, &$1) } == peer
        }
        // Monitors and other sessions may be connected to the same server.
        let hint = candidates.count > 1 ? czookeeper_socket_hint(self.handle.pointer) : candidates.first ?? -1
        guard candidates.contains(hint) else { return nil }
        let duplicate = fcntl(hint, F_DUPFD_CLOEXEC, 3)
        guard duplicate >= 0 else { return nil }
        defer { Glibc.close(duplicate) }
        guard SocketAddress({ getpeername(duplicate, $0, &$1) }) == peer else { return nil }
        return body(duplicate, hint)
    }

    /// - Returns: False if there is no connection, or its socket was not found.
    func shutdown() -> Bool {
        self.withDuplicate { duplicate, _ in Glibc.shutdown(duplicate, Int32(SHUT_RDWR)) == 0 } ?? false
    }

    /// Our own end of the library's socket, also while it is being connected; `nil` if there is none.
    var own: SocketAddress? {
        let hint = czookeeper_socket_hint(self.handle.pointer)
        guard hint > 2, let address = SocketAddress({ getsockname(hint, $0, &$1) }), address.port != 0 else {
            return nil
        }
        return address
    }

    /// - Parameter own: what ``own`` was: nothing but that connection is cut.
    /// - Returns: False if it is not there any more.
    func shutdown(own: SocketAddress) -> Bool {
        let duplicate = fcntl(czookeeper_socket_hint(self.handle.pointer), F_DUPFD_CLOEXEC, 3)
        guard duplicate >= 0 else { return false }
        defer { Glibc.close(duplicate) }
        guard SocketAddress({ getsockname(duplicate, $0, &$1) }) == own else { return false }
        return Glibc.shutdown(duplicate, Int32(SHUT_RDWR)) == 0
    }

    /// Keeps children of this process from inheriting the connection: they would keep it open after our death.
    func closeOnExec() {
        let _ = self.withDuplicate { _, original in fcntl(original, F_SETFD, FD_CLOEXEC) }
    }
}

/// An address of the internet as text and port.
struct SocketAddress: Hashable, CustomStringConvertible {
    private let host: String
    let port: UInt16

    /// `nil` if `read` fails, or what it reads is no address of the internet.
    init?(_ read: (UnsafeMutablePointer<sockaddr>, inout socklen_t) -> Int32) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let port: UInt16? = withUnsafeMutablePointer(to: &storage) { storage in
            let generic = UnsafeMutableRawPointer(storage).assumingMemoryBound(to: sockaddr.self)
            guard read(generic, &length) == 0 else { return nil }
            switch Int32(storage.pointee.ss_family) {
            case AF_INET:
                var address = UnsafeRawPointer(storage).load(as: sockaddr_in.self)
                inet_ntop(AF_INET, &address.sin_addr, &text, socklen_t(text.count))
                return UInt16(bigEndian: address.sin_port)
            case AF_INET6:
                var address = UnsafeRawPointer(storage).load(as: sockaddr_in6.self)
                inet_ntop(AF_INET6, &address.sin6_addr, &text, socklen_t(text.count))
                return UInt16(bigEndian: address.sin6_port)
            default:
                return nil
            }
        }
        guard let port else { return nil }
        self.host = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        self.port = port
    }

    var description: String { self.host.contains(":") ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)" }
}

/// The numbers of this process's open files.
func openDescriptors() -> [Int32] {
    guard let folder = opendir("/proc/self/fd") else { return [] }
    defer { closedir(folder) }
    let own = dirfd(folder)
    var numbers: [Int32] = []
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        if let number = Int32(name), number != own { numbers.append(number) }
    }
    return numbers
}
