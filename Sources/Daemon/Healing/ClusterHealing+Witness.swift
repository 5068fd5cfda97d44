import Cluster
import Election

extension ClusterHealing {
    /// Between two looks, at most.
    private static let witnessPace = Duration.seconds(1)

    /// Hands this cluster over where our audit trail cannot be written: another healer's disk may have room. Until
    /// cancelled.
    func keepWitnessed() async {
        var handover = UnwitnessedHandover()
        while (try? await self.time.sleep(for: Self.witnessPace)) != nil {
            let failure = self.candidacy.status?.role == .leading ? await self.shell.auditFailure : nil
            // The first in line who has not given up for the same cause: we go to its tail, so that each healer's turn comes.
            let own = self.candidacy.member.incarnation
            let others = await self.recordWatch.line.filter { $0.member.incarnation != own }
            let next = others.first { $0.member.isUnwitnessed != true } ?? others.first
            guard handover.isDue(next == nil ? nil : failure?.at, at: self.time.now()), let failure, let next else {
                continue
            }
            self.log.warning(
                "handing over: the audit trail cannot be written here, and without it no step is taken",
                ["election.successor": LogValue(next.member.id), "error": .string(failure.reason)])
            self.candidacy.resign(to: next.candidate, by: "a leader without an audit trail", isUnwitnessed: true)
        }
    }
}
