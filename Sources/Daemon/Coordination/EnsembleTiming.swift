import Cluster
import FoundationEssentials
import Glibc

/// How an ensemble keeps time, by the word of one of its servers (`conf`). A server alone has no followers, and so none.
struct EnsembleTiming: Hashable, Sendable {
    let tickTime: Duration
    /// In ticks.
    let syncLimit: Int

    /// How far a server may be behind before its leader drops it, and its clients find another.
    var lag: Duration { self.tickTime * self.syncLimit }

    /// Whether the server that a client is at may be dropped and the client still find another in time.
    func allows(session: Duration) -> Bool { session * 5 >= self.lag * 6 }

    /// From lines of `name=value`.
    init?(conf: String) {
        var values: [Substring: Int] = [:]
        for line in conf.split(whereSeparator: \.isNewline) {
            guard let equals = line.firstIndex(of: "=") else { continue }
            values[line[..<equals]] = Int(line[line.index(after: equals)...])
        }
        guard let tick = values["tickTime"], let limit = values["syncLimit"], tick > 0, limit > 0 else { return nil }
        self.tickTime = .milliseconds(tick)
        self.syncLimit = limit
    }

    enum Answer: Hashable, Sendable {
        case timing(EnsembleTiming)
        /// A server answered, but does not tell: the word is not in its whitelist, or it stands alone.
        case untold
        case noAnswer
    }

    /// Asks one server after the other until one answers.
    /// - Parameter limit: for each server's connection, and again for each part of its answer.
    static func ask(_ servers: [Endpoint], within limit: Duration) async -> Answer {
        await withCheckedContinuation { continuation in
            runOnOwnThread {
                let answers = servers.lazy.compactMap { self.conf(of: $0, within: limit) }
                guard let text = answers.first else { return continuation.resume(returning: .noAnswer) }
                continuation.resume(returning: EnsembleTiming(conf: text).map { .timing($0) } ?? .untold)
            }
        }
    }

    /// More is no answer to this question.
    private static let answerLimit = 65536

    private static func conf(of server: Endpoint, within limit: Duration) -> String? {
        guard let address = try? Address.resolve(server, numericOnly: false) else { return nil }
        let socket = Glibc.socket(address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return nil }
        defer { close(socket) }
        // The one for sending is for the connect too.
        var time = timeval(
            tv_sec: Int(limit.wholeMilliseconds / 1000), tv_usec: Int(limit.wholeMilliseconds % 1000) * 1000)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(socket, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
        guard address.connect(socket) == 0, send(socket, "conf", 4, Int32(MSG_NOSIGNAL)) == 4 else { return nil }
        var received: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 4096)
        while received.count <= Self.answerLimit {
            let count = recv(socket, &bytes, bytes.count, 0)
            if count == 0, !received.isEmpty { return String(decoding: received, as: UTF8.self) }
            guard count > 0 else { return nil }
            received += bytes[..<count]
        }
        return nil
    }
}
