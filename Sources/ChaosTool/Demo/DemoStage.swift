import Cluster
import Foundation

/// The acts of a demonstration, each told as a timeline with times since the blow.
struct DemoStage: Sendable {
    let platform: ProcessPlatform
    let tree: CoordinationTree
    let limit: Duration

    struct BrokerAct: Sendable {
        let isHealed: Bool
        /// Messages acknowledged between the kill and the broker being back in sync.
        let ackedMeanwhile: Int
    }

    /// One line of a timeline.
    private struct Line: Sendable {
        let at: WallTime
        let what: String
        let more: String
    }

    func await(_ what: String, _ holds: @escaping @Sendable () async throws -> Bool) async throws {
        let end = HostClock.now + self.limit
        while try await !holds() {
            guard HostClock.now < end else {
                throw SandboxError("waited \(Int(self.limit.inSeconds)) s for \(what), in vain")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// A claim newer than this, with so many candidates in line.
    func awaitLeader(above epoch: Epoch, members: Int) async throws -> LeaderRecord {
        let end = HostClock.now + self.limit
        while HostClock.now < end {
            if let record = try await self.tree.leader(), record.epoch > epoch, record.holder != nil,
                try await self.tree.members().count >= members
            {
                return record
            }
            if epoch == .none, let dead = self.platform.healerProcesses.first(where: { $0.exitStatus != nil }) {
                throw SandboxError("\(dead.id) ended (\(dead.exitStatus!)):\n\(dead.tail())")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw SandboxError("nobody leads:\n\(self.platform.healerProcesses.first?.tail() ?? "")")
    }

    func printMembers() async throws {
        let leader = try await self.tree.leader()
        Console.print("")
        for member in try await self.tree.members() {
            let leads = leader?.holder?.incarnation == member.incarnation
            let role = leads ? "leads, epoch \(leader!.epoch)" : "follows"
            Console.print("  \(member.id)  http://\(member.address)  \(role)")
        }
    }

    /// SIGKILL for a broker; returns when all its partitions are in sync again, or nobody helped in time.
    func killBroker(_ name: String, _ load: LoadGenerator) async throws -> BrokerAct {
        let node = try self.platform.sandbox.node(name)
        let known = Set(try await self.tree.incidents().compactMap(\.id))
        let ackedBefore = load.acked
        // The demonstrator's own hand, not through the supervisor.
        let blow = HostClock.wall
        try await self.platform.kill(name)
        Console.print("\n\(name) gets SIGKILL")
        let end = HostClock.now + self.limit
        let (led, inSync) = try await PartitionWitness(self.platform.sandbox).recovery(of: node, until: end)
        let acked = load.acked - ackedBefore
        var lines: [Line] = []
        if inSync != nil { try await self.awaitClosed(name, known, until: end) }
        for incident in try await self.tree.incidents() where incident.id.map({ !known.contains($0) }) ?? false {
            guard incident.subject == .node(NodeName(name)) else { continue }
            lines += incident.timeline.compactMap(Self.line)
        }
        if let led {
            lines.append(Line(at: led, what: "new leaders", more: "brokers say: every partition is led again"))
        }
        if let inSync {
            lines.append(
                Line(
                    at: inSync, what: "in sync",
                    more: "brokers say: every replica is back, \(acked) messages acknowledged meanwhile"))
        }
        for line in lines.sorted(by: { $0.at < $1.at }) { Self.print(line, since: blow) }
        if inSync == nil { Console.print("  nobody healed \(name) within \(Int(self.limit.inSeconds)) s") }
        return BrokerAct(isHealed: inSync != nil, ackedMeanwhile: acked)
    }

    /// SIGKILL for the leading healer; returns the next claim.
    func killLeader(_ leader: HealerID, epoch: Epoch) async throws -> LeaderRecord {
        let blow = HostClock.wall
        try await self.platform.kill(leader.rawValue)
        Console.print("\n\(leader), which leads, gets SIGKILL")
        let next = try await self.awaitLeader(above: epoch, members: 0)
        let who = next.holder?.member.rawValue ?? "?"
        Self.print(Line(at: HostClock.wall, what: "taken over", more: "\(who) leads, epoch \(next.epoch)"), since: blow)
        return next
    }

    /// The healer watches for a moment whether what it healed holds.
    private func awaitClosed(_ name: String, _ known: Set<IncidentID>, until end: Moment) async throws {
        while HostClock.now < end {
            let mine = try await self.tree.incidents().filter {
                $0.subject == .node(NodeName(name)) && $0.id.map { !known.contains($0) } ?? false
            }
            if !mine.isEmpty, mine.allSatisfy({ $0.phase == .closed }) { return }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private static func print(_ line: Line, since blow: WallTime) {
        let seconds = Double(line.at.rawValue - blow.rawValue) / 1000
        let what = line.what.padding(toLength: 12, withPad: " ", startingAt: 0)
        Console.print("  \(String(format: "%6.2f s", seconds))  \(what)  \(line.more)")
    }

    /// `nil` for what a demonstration need not tell.
    private static func line(_ item: TimelineItem) -> Line? {
        func line(_ what: String, _ more: String) -> Line { Line(at: item.at, what: what, more: more) }
        switch item.what {
        case .suspected: return line("suspected", "one source says that it is dead")
        case .confirmed(let code, let methods):
            return line("detected", "\(code.rawValue): \(methods.map(\.rawValue).joined(separator: ", ")) agree")
        case .became(let code): return line("now", code.rawValue)
        case .evidence(let evidence):
            let exit = evidence.exit.map { "ended with \($0); " } ?? ""
            return line("evidence", exit + evidence.parts.map(\.name).joined(separator: ", "))
        case .permitted(let step): return line("permitted", "every guard says yes to \(step.rawValue)")
        case .intent(let intent): return line("intent", "\(intent.id): \(intent.step.rawValue) \(intent.node)")
        case .begun(let id, let step): return line("begun", "\(step.rawValue), by intent \(id)")
        case .ended(_, .start, let result):
            return line("started", "\(result.outcome.rawValue) in \(result.tookMilliseconds) ms")
        case .ended(_, let step, let result): return line("done", "\(step.rawValue) \(result.outcome.rawValue)")
        case .verifying: return line("serves", "watching whether it holds")
        case .closed(let closing): return line("closed", closing.rawValue)
        case .paged(let reason): return line("page", "\(reason)")
        case .refused, .foreignHand, .withheld, .adopted, .takenOver, .leftOut: return nil
        }
    }
}
