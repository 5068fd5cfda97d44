internal import Glibc

/// A bound and listening TCP or Unix socket.
///
/// Made here rather than by the library, which does not tell why binding failed.
struct ListeningSocket {
    let descriptor: Int32
    /// The one asked for, or the one that the system chose; 0 for a Unix socket.
    let port: UInt16

    /// May wait for the name service unless `host` is an address.
    /// - Parameter port: 0 for any.
    init(host: String, port: UInt16, backlog: Int32 = 128) throws(HTTPServerError) {
        func failure(_ number: Int32) -> HTTPServerError {
            let reason: HTTPServerError.Reason =
                switch number {
                case EADDRINUSE: .portTaken
                case EACCES: .notPermitted
                case EADDRNOTAVAIL: .unknownHost
                default: .system(number)
                }
            return HTTPServerError(reason: reason, host: host, port: port)
        }
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &found) == 0, let address = found else {
            throw HTTPServerError(reason: .unknownHost, host: host, port: port)
        }
        defer { freeaddrinfo(found) }
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(address.pointee.ai_family, type, 0)
        guard descriptor >= 0 else { throw failure(errno) }
        // Connections of an earlier life that linger in TIME_WAIT must not keep the port.
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0,
            listen(descriptor, backlog) == 0, let bound = Self.port(of: descriptor)
        else {
            let number = errno
            Glibc.close(descriptor)
            throw failure(number)
        }
        self.descriptor = descriptor
        self.port = bound
    }

    /// A socket file that nobody listens at is taken away first.
    /// - Parameter mode: of the socket file.
    init(path: String, mode: UInt32, backlog: Int32 = 128) throws(HTTPServerError) {
        func failure(_ number: Int32) -> HTTPServerError {
            let reason: HTTPServerError.Reason =
                switch number {
                case EADDRINUSE: .portTaken
                case EACCES, EPERM: .notPermitted
                default: .system(number)
                }
            return HTTPServerError(reason: reason, host: path, port: 0)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw failure(ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let descriptor = socket(AF_UNIX, type, 0)
        guard descriptor >= 0 else { throw failure(errno) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Bool in
                let length = socklen_t(MemoryLayout<sockaddr_un>.size)
                if Glibc.bind(descriptor, address, length) == 0 { return true }
                guard errno == EADDRINUSE else { return false }
                // Left behind, unless somebody answers there.
                let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
                let isTaken = connect(probe, address, length) == 0 || errno != ECONNREFUSED
                Glibc.close(probe)
                guard !isTaken else {
                    errno = EADDRINUSE
                    return false
                }
                return unlink(path) == 0 && Glibc.bind(descriptor, address, length) == 0
            }
        }
        guard bound, chmod(path, mode) == 0, listen(descriptor, backlog) == 0 else {
            let number = errno
            Glibc.close(descriptor)
            throw failure(number)
        }
        self.descriptor = descriptor
        self.port = 0
    }

    private static func port(of descriptor: Int32) -> UInt16? {
        var address = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutableBytes(of: &address) { bytes in
            let any = bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self)
            guard getsockname(descriptor, any, &length) == 0 else { return nil }
            // The port stands at the same place in sockaddr_in and sockaddr_in6: right after the family.
            return UInt16(bigEndian: bytes.load(fromByteOffset: 2, as: UInt16.self))
        }
    }
}
