import Cluster
import Election

/// How the leaderships of several clusters are spread over the healers of one team.
struct SpreadSettings: Hashable, Sendable {
    let healer: HealerID
    /// Only healers with the same configuration come to the same answer.
    let configuration: String
    let clusters: [ClusterName]
    /// How long everything must have been quiet before a leadership is moved; `nil`: it never is.
    let wait: Duration?

    init(_ configuration: Configuration) {
        self.healer = configuration.healerID
        self.configuration = configuration.digest
        self.clusters = configuration.clusters.map(\.name)
        self.wait = configuration.coordination.spread
    }
}

extension ClusterHealing {
    /// Between two looks, at most.
    private static let spreadPace = Duration.seconds(10)

    /// Hands this cluster over to the healer that should lead it, once that has been so for a while and nothing is wrong.
    /// Until cancelled.
    func keepSpread() async {
        guard let wait = self.spread.wait, self.spread.clusters.count > 1 else { return }
        var plan = LeadershipReturn(after: wait)
        while (try? await self.time.sleep(for: min(Self.spreadPace, wait / 4))) != nil {
            let preferred = await self.preferredLeader()
            let hasNoIncident = await self.loop.view().openIncidents.isEmpty
            let hasNoStep = await self.shell.stepsInFlight == 0
            let isDue = plan.isDue(
                preferred?.member.incarnation, isQuiet: hasNoIncident && hasNoStep, at: self.time.now())
            guard isDue, let heir = preferred else { continue }
            self.log.info(
                "handing over: leaderships are spread over the healers, and this cluster's belongs to another",
                ["election.successor": LogValue(heir.member.id)])
            self.candidacy.resign(to: heir.candidate, by: "the spread of leaderships")
        }
    }

    /// Who in line should lead this cluster; `nil` unless we do, and it is somebody else.
    private func preferredLeader() async -> (candidate: String, member: Member)? {
        guard self.candidacy.status?.role == .leading else { return nil }
        return LeadershipSpread.heir(
            of: self.name, among: self.spread.clusters, line: await self.recordWatch.line, own: self.spread.healer,
            configuration: self.spread.configuration)
    }
}
