import Cluster
import Foundation
import Testing

@testable import ChaosTool

/// The reply that permits a start is held back, its healer is frozen, another succeeds it, and it is thawed: whatever it
/// then believes, it must not act.
@Suite("A leader that was frozen, and succeeded, does nothing more under its old epoch", .serialized)
struct FrozenLeaderTests {
    /// Trials that count.
    private static let trials = 20
    /// Of these: by the end of its session. All others: by a claim while its session lives.
    private static let expiries = 4
    /// Trials that may fail to come about, as when leadership moves by itself on a busy machine.
    private static let invalidLimit = 20

    /// Only in the record of the intent: as it is encoded, with its keys in order.
    private static let permission = #""node":"kafka-2","step":"start""#

    private enum Succession { case expiry, claim }
    private enum Outcome: Equatable {
        /// The intent whose reply was held, the epoch that followed, and whether the session still lived then.
        case valid(IntentID, succeededBy: Epoch, sessionLived: Bool)
        /// It did not come to a freeze between the intent and its reply.
        case invalid(String)
    }

    @Test("Twenty times, by expiry and by a claim while its session lives")
    func doesNothing() async throws {
        try await ProxiedHealers.during(
            SandboxOptions(topics: []), healers: 3,
            replacements: [
                // It fails more often here than any window would allow.
                ("max_attempts: 3", "max_attempts: 100\n  window_seconds: 5"),
                ("initial_delay_seconds: 2", "initial_delay_seconds: 0"),
            ]
        ) { healers in
            var (valid, lived) = (0, 0)
            var invalid: [String] = []
            while valid < Self.trials, invalid.count <= Self.invalidLimit {
                let succession: Succession = valid % (Self.trials / Self.expiries) == 0 ? .expiry : .claim
                switch try await self.trial(healers, succession, thawFirst: valid.isMultiple(of: 2)) {
                case .valid(_, _, let sessionLived):
                    valid += 1
                    if sessionLived { lived += 1 }
                case .invalid(let why): invalid.append(why)
                }
            }
            #expect(valid == Self.trials, "not valid: \(invalid)")
            #expect(lived > 0)
            #expect(lived <= Self.trials - Self.expiries)
        }
    }

    private func trial(
        _ healers: ProxiedHealers, _ succession: Succession, thawFirst: Bool
    ) async throws -> Outcome {
        let cluster = healers.cluster
        try await healers.awaitAllInLine()
        let known = try await cluster.incidents(of: "kafka-2")
        let before = try cluster.askedSteps().count
        let old = try await cluster.leader()
        try await healers.holdReplies(to: old.id, after: Self.permission)
        try await cluster.sandbox.kill("kafka-2")
        let outcome: Outcome
        do {
            outcome = try await self.succeed(old, healers, by: succession, since: before, thawFirst: thawFirst)
        } catch {
            for healer in cluster.healers.values { healer.send(SIGCONT) }
            throw error
        }
        try await cluster.awaitClosed("kafka-2", besides: known)
        if case .valid(let intent, let epoch, _) = outcome {
            let steps = try cluster.askedSteps().dropFirst(before)
            #expect(steps.allSatisfy { $0.intent != intent.description })
            #expect(steps.allSatisfy { $0.epoch.map { $0 >= epoch.rawValue } ?? false })
            // By the successor, who knows that the step it took over never began.
            #expect(steps.map(\.result) == [.started])
        }
        return outcome
    }

    /// From the kill to the thawed healer's new place in line.
    private func succeed(
        _ old: HealerProcess, _ healers: ProxiedHealers, by succession: Succession, since before: Int, thawFirst: Bool
    ) async throws -> Outcome {
        let cluster = healers.cluster
        func steps() throws -> ArraySlice<NodeRequest> { try cluster.askedSteps().dropFirst(before) }
        try await cluster.until("a reply held, or a start by somebody else") {
            try await healers.isHeld(old.id) || !(try steps().isEmpty)
        }
        old.send(SIGSTOP)
        guard try steps().isEmpty, let intent = try await self.openStart(cluster) else {
            old.send(SIGCONT)
            try await healers.release(old.id)
            return .invalid("no intent stands without a start")
        }
        let others = cluster.healers.values.filter { $0.id != old.id }
        let observers = cluster.tree.layout.observers
        switch succession {
        case .expiry:
            for other in others { other.send(SIGSTOP) }
            try await cluster.until("every session ended") {
                try await cluster.tree.session.children(observers).isEmpty
            }
            for other in others { other.send(SIGCONT) }
        case .claim: try await self.takeOutOfLine(try await cluster.claim(), cluster)
        }
        let new = try await cluster.awaitLeader(after: intent.id.epoch)
        // Until then its permission is good, and its successor waits for as long: it was sent before the freeze.
        try await Task.sleep(for: intent.freshness * 2)
        let sessionLived = try await cluster.tree.session.children(observers).contains(old.id.rawValue)

        if thawFirst { old.send(SIGCONT) }
        try await healers.release(old.id)
        if !thawFirst { old.send(SIGCONT) }
        try await cluster.until("the thawed healer in line again") {
            // Where it broke stands in what it said last.
            if let exit = old.exitStatus { throw SandboxError("\(old.id) ended by \(exit):\n\(old.tail(400))") }
            let members = try await cluster.tree.members().map(\.id)
            return members.contains(old.id) && members.count == cluster.healers.count
        }
        #expect(new.holder?.member != old.id)
        return .valid(intent.id, succeededBy: new.epoch, sessionLived: sessionLived)
    }

    /// The next in line then claims, while the leader's session goes on.
    private func takeOutOfLine(_ leader: LeaderRecord, _ cluster: HealedCluster) async throws {
        let (tree, layout) = (cluster.tree, cluster.tree.layout)
        let names = try await tree.session.children(layout.candidates)
        // Gone already if the session has ended on a busy machine.
        guard let name = names.first(where: { $0.hasPrefix(leader.nonce) }) else { return }
        try? await tree.session.delete(layout.candidate(name))
    }

    /// The start of kafka-2 that stands in ZooKeeper without an outcome, soon; `nil` if it does not come to that.
    private func openStart(_ cluster: HealedCluster) async throws -> Intent? {
        let end = HostClock.now + .seconds(5)
        while HostClock.now < end {
            let open = try await cluster.tree.recoveries().first { record in
                record.isOpen && record.intent.node == NodeName("kafka-2") && record.intent.step == .start
            }
            if let open { return open.intent }
            try await Task.sleep(for: .milliseconds(20))
        }
        return nil
    }
}
