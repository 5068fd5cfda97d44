import Admin
import Cluster
import Curl
import Synchronization

/// Asks those who led before whether they know that they lead no more.
///
/// One that goes on believing so does no harm: its writes are refused. But that it does not learn what the record says is
/// something that people should know of. A thawed or delayed healer learns it within moments, so it is asked twice.
final class FormerLeaders: Sendable {
    private struct State {
        /// Those that may still believe it, and how often in a row each has said so. The newest last.
        var former: [(holder: LeaderRecord.Holder, said: Int)] = []
        var leader: LeaderRecord?
        var seen = 0
    }

    /// Between two questions to the same one.
    static let pause = Duration.seconds(5)
    /// As many are asked; one that led before these does not matter any more.
    static let kept = 4

    private let cluster: ClusterName
    private let pause: Duration
    private let timeout: Duration
    private let client: HTTPClient
    private let time: any TimeSource
    private let log: Logger
    private let state = Mutex(State())

    /// - Parameter timeout: for one question.
    init(
        _ cluster: ClusterName, pause: Duration = pause, timeout: Duration, client: HTTPClient, time: any TimeSource,
        log: Logger
    ) {
        self.cluster = cluster
        self.pause = pause
        self.timeout = timeout
        self.client = client
        self.time = time
        self.log = log
    }

    /// How often two leaders were seen: once for each former one that would not learn it.
    var seen: Int { self.state.withLock { $0.seen } }

    /// What the record says now. Whoever it named before and names no more is asked from now on.
    func note(_ record: LeaderRecord) {
        self.state.withLock { state in
            let former = state.leader?.holder
            state.leader = record
            state.former.removeAll { $0.holder.incarnation == record.holder?.incarnation }
            guard let former, former.incarnation != record.holder?.incarnation else { return }
            state.former.append((former, 0))
            state.former = state.former.suffix(Self.kept)
        }
    }

    /// Until cancelled.
    func run() async {
        while (try? await self.time.sleep(for: self.pause)) != nil {
            for former in self.state.withLock({ $0.former.map(\.holder) }) { await self.ask(former) }
        }
    }

    private func ask(_ former: LeaderRecord.Holder) async {
        let url = "http://\(former.address)\(LeaderLink.path)?cluster=\(self.cluster)"
        // Frozen, cut off, or gone: asked again, in case it comes back.
        guard let answer = try? await self.client.get(url, timeout: self.timeout), answer.status == 200,
            let page = try? AdminJSON.decode(LeadershipPage.self, from: answer.body)
        else { return }
        let believes = page.leads && page.incarnation == former.incarnation && page.cluster == self.cluster
        let leader: LeaderRecord? = self.state.withLock { state in
            guard let place = state.former.firstIndex(where: { $0.holder == former }) else { return nil }
            // It has seen a later record than we have: what we know is old.
            guard page.epoch <= state.leader?.epoch ?? .none else { return nil }
            guard believes else {
                state.former.remove(at: place)
                return nil
            }
            state.former[place].said += 1
            guard state.former[place].said == 2 else { return nil }
            state.seen += 1
            return state.leader
        }
        guard let leader else { return }
        self.log.error(
            "two leaders are seen: one still believes that it leads; its writes are refused",
            [
                "election.leader": leader.holder.map { LogValue($0.member) } ?? "none",
                "election.epoch": LogValue(leader.epoch), "election.former": LogValue(former.member),
                "election.former.address": .string(former.address), "election.former.epoch": LogValue(page.epoch),
            ])
    }
}
