import Cluster
import ZooKeeper

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
        /// No server tells, though one answered: the word is not in its whitelist, or it stands alone.
        case untold
        case noAnswer
    }

    /// Asks one server after the other until one tells.
    /// - Parameter limit: for each server's connection, and again for each part of its answer.
    static func ask(_ servers: [Endpoint], within limit: Duration) async -> Answer {
        var answer = Answer.noAnswer
        for server in servers {
            guard case .text(let text) = await FourLetterWord.ask("conf", server.description, within: limit),
                !text.isEmpty
            else { continue }
            if let timing = EnsembleTiming(conf: text) { return .timing(timing) }
            answer = .untold
        }
        return answer
    }
}
