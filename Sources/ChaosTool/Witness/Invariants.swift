import Cluster
import Foundation

/// The names of `chaos/INVARIANTS.md`.
enum Invariant: String, Hashable, Sendable, Codable, CaseIterable {
    case s1 = "S1", s2 = "S2", s3 = "S3", s4 = "S4", s5 = "S5", s6 = "S6"
    case s7 = "S7", s8 = "S8", s9 = "S9", s10 = "S10", s11 = "S11", s12 = "S12"
    case l1 = "L1", l2 = "L2", l3 = "L3", l4 = "L4", l5 = "L5"
}

/// Whether one invariant held in a run.
struct InvariantVerdict: Hashable, Sendable, Codable {
    let invariant: Invariant
    /// What broke it; empty: it held.
    let violations: [String]
    /// Why it was not judged; `nil`: it was.
    let notJudged: String?

    init(_ invariant: Invariant, _ violations: [String]) {
        self.invariant = invariant
        self.violations = violations
        self.notJudged = nil
    }
    init(_ invariant: Invariant, notJudged reason: String) {
        self.invariant = invariant
        self.violations = []
        self.notJudged = reason
    }
}

/// Holds a run against the invariants.
struct InvariantJudge: Sendable {
    let record: RunRecord
    /// Attempts that the policy of the sandbox's healers allows: `recovery.max_attempts`.
    var attempts = 3
    /// From a healer's last look at its permission to the line in the supervisor's log: a process is started in between,
    /// which takes its time on a busy machine.
    var slack = Duration.seconds(3)

    private var steps: [NodeRequest] { self.record.requests.filter(\.isStep) }
    private var history: TreeHistory { self.record.history }

    func verdicts() -> [InvariantVerdict] {
        [
            InvariantVerdict(.s1, self.overlaps), InvariantVerdict(.s2, self.unguarded),
            InvariantVerdict(.s3, self.byFollowers), InvariantVerdict(.s4, self.late),
            InvariantVerdict(.s5, self.withoutIntent), InvariantVerdict(.s6, self.tooOften),
            InvariantVerdict(.s7, self.together), InvariantVerdict(.s8, self.byCutOff),
            InvariantVerdict(.s9, self.onHealthy), self.messages, InvariantVerdict(.s11, self.unaudited),
            InvariantVerdict(.s12, self.record.leaks.map { "a secret stands in \($0)" }),
            InvariantVerdict(.l1, self.notBack), InvariantVerdict(.l2, [self.record.end.leadership].compactMap { $0 }),
            InvariantVerdict(.l3, self.record.end.openRecoveries.map { "intent \($0) is open in the end" }),
            InvariantVerdict(.l4, self.misheard),
            InvariantVerdict(.l5, self.disagreeing),
        ]
    }

    private func name(_ request: NodeRequest) -> String {
        "\(request.verb.rawValue) \(request.node) by \(request.healer ?? "?"), intent \(request.intent ?? "none"), "
            + "epoch \(request.epoch.map { "\($0)" } ?? "none"), at \(request.time)"
    }

    private func permission(of request: NodeRequest) -> TreeHistory.Permission? {
        guard let id = request.intent.flatMap({ IntentID($0) }) else { return nil }
        return self.history.permissions.first { $0.intent.id == id }
    }

    // MARK: Never

    /// S1: by the records of recoveries, of which one node has one at a time.
    private var overlaps: [String] { self.history.faults.filter { $0.contains("took the place of") } }

    /// S2
    private var unguarded: [String] {
        let epochs = self.history.faults.filter { !$0.contains("took the place of") && !$0.contains("put down twice") }
        let intents = self.history.permissions.compactMap { permission -> String? in
            let id = permission.intent.id
            if !permission.isGuarded { return "intent \(id) was written without the guard" }
            if let hold = permission.heldBack {
                return "intent \(id) was accepted while \(hold) stood in `control`"
            }
            return permission.epoch == id.epoch
                ? nil : "intent \(id) was accepted while the record said epoch \(permission.epoch)"
        }
        let requests = self.steps.filter { $0.result != .staleEpoch }.compactMap { request -> String? in
            guard let epoch = request.epoch, let permission = self.permission(of: request) else { return nil }
            return permission.intent.id.epoch == Epoch(epoch) ? nil : "\(self.name(request)): not its intent's epoch"
        }
        return epochs + intents + requests
    }

    /// S3
    private var byFollowers: [String] {
        self.steps.compactMap { request in
            guard let epoch = request.epoch else { return nil }
            guard let claim = self.history.claim(of: Epoch(epoch)) else {
                return "\(self.name(request)): nobody ever claimed that epoch"
            }
            return claim.record.holder?.member.rawValue == request.healer
                ? nil : "\(self.name(request)): that epoch was \(claim.record.holder?.member.rawValue ?? "nobody")'s"
        }
    }

    /// S4: after the permission's time, or after somebody else's claim for longer than a permission lasts.
    private var late: [String] {
        self.steps.compactMap { request in
            if let startBy = request.startBy, Duration.nanoseconds(request.boottime - startBy) > self.slack {
                return "\(self.name(request)): \((request.boottime - startBy) / 1_000_000) ms after its time was over"
            }
            guard let epoch = request.epoch,
                let next = self.history.claims.first(where: { $0.record.epoch > Epoch(epoch) }),
                let permission = self.permission(of: request)
            else { return nil }
            let limit = Double(permission.intent.freshnessMilliseconds) / 1000 + self.slack.inSeconds
            let after = request.at.seconds(since: next.at)
            return after > limit
                ? "\(self.name(request)): \(String(format: "%.1f", after)) s after epoch \(next.record.epoch) was claimed"
                : nil
        }
    }

    /// S5
    private var withoutIntent: [String] {
        var begun: Set<String> = []
        let requests = self.steps.compactMap { request -> String? in
            guard let permission = self.permission(of: request), let intent = request.intent else {
                return "\(self.name(request)): no such intent was ever in ZooKeeper"
            }
            guard permission.intent.node.rawValue == request.node,
                permission.intent.step.rawValue == request.verb.rawValue
            else {
                return "\(self.name(request)): that intent is for \(permission.intent.step) \(permission.intent.node)"
            }
            // Two clocks that are set by the same source; what is later by this much came later.
            guard permission.at.seconds(since: request.at) < 0.1 else {
                return "\(self.name(request)): before its intent was in ZooKeeper"
            }
            if let closed = permission.closed, request.at.seconds(since: closed) > self.slack.inSeconds {
                return "\(self.name(request)): after its intent was closed"
            }
            guard request.isDone else { return nil }
            return begun.insert(intent).inserted || request.result == .launchFailed
                ? nil : "\(self.name(request)): begun a second time"
        }
        return requests + self.history.faults.filter { $0.contains("put down twice") }
    }

    /// S6: within one incident. An intent that came to nothing, since it was permitted too late, is no attempt.
    private var tooOften: [String] {
        var counts: [String: Int] = [:]
        let asked = Set(self.steps.filter(\.isDone).compactMap(\.intent))
        for permission in self.history.permissions where permission.intent.step == .start {
            let isClosed = permission.result.map { $0.outcome != .notStarted } ?? false
            guard isClosed || asked.contains("\(permission.intent.id)") else { continue }
            counts["\(permission.intent.node), incident \(permission.intent.incident)", default: 0] += 1
        }
        return counts.filter { $0.value > self.attempts }.map { "more than \(self.attempts) starts of \($0.key)" }
    }

    /// S7
    private var together: [String] {
        self.history.permissions.flatMap { permission -> [String] in
            var found: [String] = []
            let what = "\(permission.intent.step.rawValue) \(permission.intent.node), intent \(permission.intent.id)"
            if let other = permission.othersOpen.first { found.append("\(what): while intent \(other) was open") }
            if permission.intent.step == .start, permission.wasRegistered {
                found.append("\(what): while its old registration stood")
            }
            if permission.intent.step == .kill, let partition = permission.endangered.first {
                found.append("\(what): took \(partition) under its minimum")
            }
            return found
        }
    }

    /// S8
    private var byCutOff: [String] {
        self.steps.compactMap { request in
            guard let healer = request.healer else { return nil }
            return self.lasts(["cut", "stall", "freeze"], on: healer, at: request.at)
                .map { "\(self.name(request)): while \($0.text)" }
        }
    }

    /// What chaos's hand does to a member then, and has done for longer than whatever was under way before.
    private func lasts(_ words: Set<String>, on member: String, at time: WallTime) -> FaultRecord? {
        self.record.faults.first { fault in
            words.contains(fault.word) && fault.members.contains(member)
                && time.seconds(since: fault.from) > self.slack.inSeconds && fault.until.map { time < $0 } ?? true
        }
    }

    /// S9: only what chaos's hand has hurt, and only while it is hurt.
    private var onHealthy: [String] {
        let requests = self.steps.compactMap { request -> String? in
            if request.verb != .start, request.identity == nil {
                return "\(self.name(request)): without saying which life"
            }
            guard request.isDone else { return nil }
            if self.wasLeftToPeople(request) {
                return "\(self.name(request)): an operator has left it to people"
            }
            return self.wasHurt(request.node, at: request.at) ? nil : "\(self.name(request)): nothing was wrong with it"
        }
        let removals = self.history.removals.compactMap { removal -> String? in
            let name = "kafka-\(removal.broker)"
            guard removal.at >= self.record.since, !removal.isByOwner, !self.wasHurt(name, at: removal.at) else {
                return nil
            }
            return "the registration of \(name) was removed, and nothing was wrong with it"
        }
        return requests + removals
    }

    /// `healerctl maintenance` returns when no step begins any more, which takes it a moment: by the intent, which is not
    /// written after that.
    private func wasLeftToPeople(_ request: NodeRequest) -> Bool {
        let permitted = self.permission(of: request)?.at ?? request.at
        return self.record.faults.contains { fault in
            fault.word == "maintenance" && fault.members.contains(request.node)
                && permitted.seconds(since: fault.from) > Self.marking && fault.until.map { permitted < $0 } ?? true
        }
    }
    /// In seconds.
    private static let marking = 1.5

    /// From when it was hurt; after a blow from which it cannot come back by itself until it is started.
    private func wasHurt(_ node: String, at time: WallTime) -> Bool {
        self.record.faults.contains { fault in
            guard fault.word != "maintenance", fault.members.contains(node), fault.from.seconds(since: time) < 0.1
            else { return false }
            guard let until = fault.until else { return true }
            // What is seen of it lasts longer than the fault itself, but not for long.
            return time.seconds(since: until) < 10
        }
    }

    /// S10
    private var messages: InvariantVerdict {
        guard let load = self.record.load else { return InvariantVerdict(.s10, notJudged: "no load") }
        guard let check = load.check else {
            return InvariantVerdict(.s10, ["what was written could not be read back"])
        }
        var found: [String] = []
        if check.missing > 0 {
            found.append("\(check.missing) acknowledged and lost: \(check.examples.joined(separator: "; "))")
        }
        if check.duplicates > 0 { found.append("\(check.duplicates) there twice") }
        if check.reordered > 0 { found.append("\(check.reordered) out of order") }
        return InvariantVerdict(.s10, found)
    }

    /// S11: whatever was begun stands in the trail of whoever began it, and nothing is begun by whoever cannot write one.
    private var unaudited: [String] {
        self.steps.compactMap { request in
            guard let healer = request.healer, let intent = request.intent else { return nil }
            if let fault = self.lasts(["fill-disk", "read-only-logs"], on: healer, at: request.at) {
                return "\(self.name(request)): while chaos \(fault.text)"
            }
            let lines = self.record.auditTrails[healer]?.split(separator: "\n") ?? []
            let isThere = lines.contains {
                $0.contains("begin") && ($0.contains("\"\(intent)\"") || $0.contains("=\(intent) "))
            }
            return isThere ? nil : "\(self.name(request)): not in its audit trail"
        }
    }

    // MARK: In the end

    /// L1
    private var notBack: [String] {
        self.record.end.away.compactMap { node in
            let told = self.history.incidents.contains {
                $0.record.subject.node?.rawValue == node && !$0.record.paged.isEmpty
            }
            return told ? nil : "\(node) is not back, and nobody was told"
        } + (self.record.end.isInSync || !self.record.end.away.isEmpty ? [] : ["not every replica is in sync"])
    }

    /// L4: by the healers' own logs, which is where pages go; what each incident says was said, was said once.
    private var misheard: [String] {
        let told = Dictionary(grouping: self.record.pages.filter { $0.incident != "-" }) { page in
            "\(page.reason) of incident \(page.incident)"
        }
        let twice = told.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }.map { what, pages in
            "\(what): said \(pages.count) times, by \(Set(pages.map(\.healer)).sorted().joined(separator: ", "))"
        }
        // What cannot be written down is said elsewhere.
        if self.record.faults.contains(where: { ["fill-disk", "read-only-logs"].contains($0.word) }) { return twice }
        var owed: [String: Int] = [:]
        for (_, incident) in self.history.incidents {
            if let id = incident.id { owed["\(id)"] = incident.paged.count }
        }
        let never = owed.sorted { $0.key < $1.key }.compactMap { id, count -> String? in
            let said = Set(self.record.pages.filter { $0.incident == id }.map(\.reason)).count
            return said < count ? "incident \(id) has \(count) pages, and \(said) of them were said" : nil
        }
        return twice + never
    }

    /// L5
    private var disagreeing: [String] {
        let views = Set(self.record.end.verdicts.values)
        guard views.count > 1 else { return [] }
        return [
            self.record.end.verdicts.sorted { $0.key < $1.key }
                .map { "\($0.key): \($0.value.isEmpty ? "all well" : $0.value.joined(separator: ", "))" }
                .joined(separator: "; ")
        ]
    }
}
