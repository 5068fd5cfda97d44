import Cluster

/// Who leads one cluster.
public struct LeaderPage: Hashable, Sendable, ShownPage {
    public var source: Source
    /// `nil` when nobody has led yet, or the last leader has resigned.
    public var leader: LeaderEntry?
    public var verdict: Verdict

    public init(source: Source, leader: LeaderEntry?, verdict: Verdict) {
        self.source = source
        self.leader = leader
        self.verdict = verdict
    }

    public var isHealthy: Bool { self.verdict.healthy }

    public func text(colours: Bool) -> String {
        var facts = Facts()
        facts.add("leader", self.leader?.text(now: self.source.readAt, colours: colours) ?? "nobody")
        facts.add("address", self.leader?.address)
        facts.add("incarnation", self.leader?.incarnation.rawValue)
        self.source.add(to: &facts, colours: colours)
        return facts.text + self.verdict.reasons.map { "\($0)\n" }.joined()
    }
}

extension LeaderEntry {
    /// `healer-1, epoch 3, since 12m 3s, last beat 210 ms ago`.
    func text(now: WallTime, colours: Bool) -> String {
        var parts = ["\(self.member)", "epoch \(self.epoch)"]
        if let since = self.since { parts.append("for \(TimeText.span(now.rawValue - since.rawValue))") }
        if let age = self.beatAgeMs { parts.append("last beat \(TimeText.span(age)) ago") }
        if self.state == .gone { parts.append(Table.Tone.bad.paint("gone, and nobody has followed", colours: colours)) }
        return parts.joined(separator: ", ")
    }
}

/// The healers that take part in one cluster's election.
public struct MembersPage: Hashable, Sendable, ShownPage {
    public var source: Source
    /// The next in line stands first.
    public var members: [MemberEntry]

    public init(source: Source, members: [MemberEntry]) {
        self.source = source
        self.members = members
    }

    /// Whether there is any.
    public var isHealthy: Bool { !self.members.isEmpty }

    public func text(colours: Bool) -> String {
        let table = self.members.text(colours: colours)
        return (table.isEmpty ? "no healer takes part: start one with `healer run`\n" : table) + "\n"
            + self.source.footer(colours: colours)
    }
}

extension [MemberEntry] {
    func text(colours: Bool) -> String {
        var table = Table(["MEMBER", "ROLE", "ADDRESS", "VERSION", "CONFIG", "OBSERVED"])
        let differs = Set(self.map { $0.configuration }).count > 1
        for member in self {
            table.add([
                Table.Cell(member.member.rawValue),
                Table.Cell(member.role.rawValue, member.role == .leader ? .good : .plain), Table.Cell(member.address),
                Table.Cell(member.version),
                Table.Cell(String(member.configuration.prefix(12)), differs ? .doubtful : .plain),
                Table.Cell(member.observedAgeMs.map { "\(TimeText.span($0)) ago" } ?? "-"),
            ])
        }
        return table.text(colours: colours)
    }
}

extension [RecoveryEntry] {
    func text(colours: Bool) -> String {
        var table = Table(["NODE", "STEP", Table.Column("ATTEMPT", .right), "STATE", "INCIDENT", "EPOCH"])
        for recovery in self {
            table.add([
                Table.Cell(recovery.node.rawValue), Table.Cell(recovery.step), Table.Cell(String(recovery.attempt)),
                Table.Cell(recovery.state, .doubtful), Table.Cell(recovery.incident),
                Table.Cell(recovery.epoch.description),
            ])
        }
        return table.text(colours: colours)
    }
}

/// What an operator's write left behind.
public struct ControlPage: Hashable, Sendable, ShownPage {
    public var source: Source
    /// What was done, in one line.
    public var done: String
    /// The pause in force, if any.
    public var paused: HoldEntry?
    public var pausedEverywhere: Bool
    public var maintenance: [HoldEntry]
    /// Steps that had begun before, and go on to their own end.
    public var inFlight: [RecoveryEntry]

    public init(
        source: Source, done: String, paused: HoldEntry?, pausedEverywhere: Bool, maintenance: [HoldEntry],
        inFlight: [RecoveryEntry] = []
    ) {
        self.source = source
        self.done = done
        self.paused = paused
        self.pausedEverywhere = pausedEverywhere
        self.maintenance = maintenance
        self.inFlight = inFlight
    }

    public var isHealthy: Bool { true }

    public func text(colours: Bool) -> String {
        var facts = Facts()
        facts.add("paused", self.paused?.pause(everywhere: self.pausedEverywhere, now: self.source.readAt) ?? "no")
        for hold in self.maintenance { facts.add("maintenance", hold.text(now: self.source.readAt)) }
        self.source.add(to: &facts, colours: colours)
        let flight = self.inFlight.text(colours: colours)
        return "\(self.done)\n" + (flight.isEmpty ? "" : "still in flight:\n\(flight)\n") + facts.text
    }
}

extension HoldEntry {
    /// `kafka-3 by ada@desk: disk, for 3m 2s, until …`.
    func text(now: WallTime) -> String {
        var text = self.node.map { "\($0) by \(self.by)" } ?? "by \(self.by)"
        if !self.why.isEmpty { text += ": \(self.why)" }
        if let since = self.since { text += ", since \(TimeText.span(now.rawValue - since.rawValue))" }
        return text + (self.until.map { ", until \(TimeText.utc($0))" } ?? "")
    }

    func pause(everywhere: Bool, now: WallTime) -> String { (everywhere ? "everywhere, " : "") + self.text(now: now) }
}

extension StatusPage: ShownPage {
    public var isHealthy: Bool { self.verdict.healthy }

    public func text(colours: Bool) -> String {
        let now = self.source.readAt
        var facts = Facts()
        facts.add(
            "leader", self.leader?.text(now: now, colours: colours) ?? Table.Tone.bad.paint("nobody", colours: colours))
        facts.add("mode", self.mode)
        facts.add("partitions", self.partitions?.text)
        facts.add(
            "paused",
            self.paused.map {
                Table.Tone.doubtful.paint($0.pause(everywhere: self.pausedEverywhere, now: now), colours: colours)
            } ?? "no")
        for hold in self.maintenance { facts.add("maintenance", hold.text(now: now)) }
        self.source.add(to: &facts, colours: colours)
        let sections = [
            self.members.text(colours: colours), self.nodes.text(now: now, colours: colours),
            self.incidents.text(now: now, colours: colours), self.recoveries.text(colours: colours),
        ]
        return self.verdict.text(of: self.source.cluster, colours: colours) + facts.text
            + sections.filter { !$0.isEmpty }.map { "\n" + $0 }.joined()
    }
}
