internal import Glibc

/// A question that a server answers without a session and without a quorum, if the word is in its whitelist.
/// Source: the administrator's guide, "The Four Letter Words".
public enum FourLetterWord {
    public enum Answer: Hashable, Sendable {
        /// All that it said before it closed; empty if it said nothing in time.
        case text(String)
        /// No connection.
        case silence
    }

    /// More is not read.
    private static let limit = 65_536

    /// On a thread of its own, since names are resolved by a call that blocks.
    ///
    /// - Parameters:
    ///   - server: `host:port`, or a host, at port 2181; an IPv6 address in brackets. Its addresses are tried in turn.
    ///   - limit: for each connection, and for each part of the answer.
    public static func ask(_ word: String, _ server: String, within limit: Duration) async -> Answer {
        await withCheckedContinuation { continuation in
            let runs = runOnOwnThread { continuation.resume(returning: self.asked(word, server, within: limit)) }
            if !runs { continuation.resume(returning: .silence) }
        }
    }

    private static func asked(_ word: String, _ server: String, within limit: Duration) -> Answer {
        let colon = server.hasSuffix("]") ? nil : server.lastIndex(of: ":")
        let host = server[..<(colon ?? server.endIndex)].filter { $0 != "[" && $0 != "]" }
        let port = colon.map { String(server[server.index(after: $0)...]) } ?? "2181"
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, port, &hints, &found) == 0, let first = found else { return .silence }
        defer { freeaddrinfo(first) }
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let address = next?.pointee {
            let answer = self.asked(word, address, within: limit)
            if answer != .silence { return answer }
            next = address.ai_next
        }
        return .silence
    }

    private static func asked(_ word: String, _ address: addrinfo, within limit: Duration) -> Answer {
        let descriptor = socket(address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .silence }
        defer { close(descriptor) }
        let (seconds, attoseconds) = limit.components
        var time = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        // That for sending holds for the connect as well.
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
        guard connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 else { return .silence }
        let question = Array(word.utf8)
        _ = send(descriptor, question, question.count, Int32(MSG_NOSIGNAL))
        var said: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 4096)
        while said.count < Self.limit {
            let count = recv(descriptor, &bytes, bytes.count, 0)
            guard count > 0 else { break }
            said += bytes[..<count]
        }
        return .text(String(decoding: said, as: UTF8.self))
    }
}
