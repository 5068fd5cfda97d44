import Cluster
import Glibc

/// A resolved address to connect to.
struct Address: Sendable {
    let family: Int32
    private let storage: [UInt8]

    struct Failure: Error { let reason: String }

    /// Waits for the resolver unless the host is a number.
    static func resolve(_ endpoint: Endpoint, numericOnly: Bool) throws(Failure) -> Address {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = numericOnly ? AI_NUMERICHOST : 0
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard code == 0, let first = list?.pointee, let address = first.ai_addr else {
            throw Failure(reason: String(cString: gai_strerror(code)))
        }
        return Address(
            family: first.ai_family,
            storage: Array(UnsafeRawBufferPointer(start: address, count: Int(first.ai_addrlen))))
    }

    private init(family: Int32, storage: [UInt8]) {
        self.family = family
        self.storage = storage
    }

    /// What connect(2) returns; `errno` tells why.
    func connect(_ socket: Int32) -> Int32 {
        self.storage.withUnsafeBytes { bytes in
            Glibc.connect(socket, bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
    }
}
