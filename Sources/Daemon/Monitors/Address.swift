import Cluster
import Glibc

/// A resolved address to connect to.
struct Address: Sendable {
    let family: Int32
    private let storage: [UInt8]

    struct Failure: Error { let reason: String }

    /// The first that the resolver gives. Waits for it unless the host is a number.
    static func resolve(_ endpoint: Endpoint, numericOnly: Bool) throws(Failure) -> Address {
        try self.resolveAll(endpoint, numericOnly: numericOnly)[0]
    }

    /// One at least, in the resolver's order.
    static func resolveAll(_ endpoint: Endpoint, numericOnly: Bool) throws(Failure) -> [Address] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = numericOnly ? AI_NUMERICHOST : 0
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        var addresses: [Address] = []
        var next = code == 0 ? list : nil
        while let found = next?.pointee {
            if let address = found.ai_addr {
                let storage = UnsafeRawBufferPointer(start: address, count: Int(found.ai_addrlen))
                addresses.append(Address(family: found.ai_family, storage: Array(storage)))
            }
            next = found.ai_next
        }
        guard !addresses.isEmpty else { throw Failure(reason: String(cString: gai_strerror(code))) }
        return addresses
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
