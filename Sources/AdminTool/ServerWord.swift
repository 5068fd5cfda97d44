import Dispatch
import Glibc

/// What a ZooKeeper server says when it is asked by the four-letter word `srvr`, which needs neither a session nor a
/// quorum: it tells an ensemble without quorum from one that is not there.
enum ServerWord: Hashable, Sendable {
    case serving
    /// It runs, and belongs to no quorum.
    case notServing
    /// It takes connections, and says nothing that helps: frozen, or the word is not allowed.
    case unclear
    /// No connection.
    case silent

    /// All at once; in the order of the connect string.
    static func all(of connectString: String, within limit: Duration) async -> [(server: String, word: ServerWord)] {
        let servers = connectString.split(separator: ",").map { String($0) }
        return await withTaskGroup(of: (Int, ServerWord).self) { group in
            for (place, server) in servers.enumerated() {
                group.addTask { (place, await self.asked(server, within: limit)) }
            }
            var words = servers.map { ($0, ServerWord.silent) }
            for await (place, word) in group { words[place].1 = word }
            return words
        }
    }

    /// Blocks a thread of its own, since names are resolved by a call that blocks.
    private static func asked(_ server: String, within limit: Duration) async -> ServerWord {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "four-letter word").async {
                continuation.resume(returning: Self.ask(server, within: limit))
            }
        }
    }

    private static func ask(_ server: String, within limit: Duration) -> ServerWord {
        let colon = server.hasSuffix("]") ? nil : server.lastIndex(of: ":")
        let host = server[..<(colon ?? server.endIndex)].filter { $0 != "[" && $0 != "]" }
        let port = colon.map { String(server[server.index(after: $0)...]) } ?? "2181"
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, port, &hints, &found) == 0, let first = found else { return .silent }
        defer { freeaddrinfo(first) }
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let address = next {
            let word = Self.ask(address.pointee, within: limit)
            if word != .silent { return word }
            next = address.pointee.ai_next
        }
        return .silent
    }

    private static func ask(_ address: addrinfo, within limit: Duration) -> ServerWord {
        let descriptor = socket(address.ai_family, address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return .silent }
        defer { close(descriptor) }
        let (seconds, attoseconds) = limit.components
        var time = timeval(tv_sec: Int(seconds), tv_usec: Int(attoseconds / 1_000_000_000_000))
        for option in [SO_SNDTIMEO, SO_RCVTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
        guard connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 else { return .silent }
        guard send(descriptor, "srvr", 4, Int32(MSG_NOSIGNAL)) == 4 else { return .unclear }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1024)
        // It says less than this, and closes.
        while text.count < 4096 {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            text += buffer[..<count]
        }
        let said = String(decoding: text, as: UTF8.self)
        if said.contains("not currently serving") { return .notServing }
        return said.contains("Mode: ") ? .serving : .unclear
    }
}
