import Cluster

/// Whether a run is what its scenario says.
struct RunVerdict: Sendable {
    enum Outcome: String, Hashable, Sendable, Codable {
        case passed
        case violated
        /// It says nothing: there was too little load before the first step, nothing was hurt, or a leader was killed at
        /// another moment than the scenario is about.
        case invalid
    }

    let record: RunRecord
    let invariants: [InvariantVerdict]
    /// What the scenario expects and did not come.
    let unmet: [String]
    let invalid: [String]
    /// Whether a leader was killed at another moment than the scenario is about.
    let isMissed: Bool
    let figures: Figures

    /// What a scenario can expect, as it was.
    struct Figures: Hashable, Sendable, Codable {
        var leaderships = 0
        var started = 0
        var killed = 0
        var deregistered = 0
        /// In seconds; `nil` when no leader was hurt.
        var takeover: Double?
        /// In seconds from the first step until the metrics were back; `nil` when they never said that a broker is away,
        /// or were not back.
        var metricsBack: Double?
        var sessionsLost = 0
        /// Of the ensemble.
        var elections = 0
        /// In seconds, from the end of the last step.
        var settled: Double?
        /// By the supervisor's log: lives of a node that were followed by two starts, and intents that were begun twice.
        var startedTwice = 0
        /// Nodes that chaos has killed, and that nobody has started since by the supervisor's log, or that are away in the
        /// end.
        var forgotten = 0
    }

    init(_ record: RunRecord) {
        self.record = record
        // What was seen meanwhile counts, even where the last look does not show it any more.
        self.invariants = InvariantJudge(record: record).verdicts().map { verdict in
            let lost = record.sightings.filter {
                $0.invariant == verdict.invariant && !verdict.violations.contains($0.violation)
            }
            return lost.isEmpty
                ? verdict : InvariantVerdict(verdict.invariant, verdict.violations + lost.map(\.violation))
        }
        let figures = Figures(record)
        self.figures = figures
        let then = record.scenario.then
        var unmet = record.problems
        func expect(_ name: String, _ count: Expectation.Count?, _ actual: Int) {
            if let count, !count.contains(actual) { unmet.append("\(name): \(actual), expected \(count)") }
        }
        expect("leaderships", then.leaderships, figures.leaderships)
        expect("started", then.started, figures.started)
        expect("killed", then.killed, figures.killed)
        expect("deregistered", then.deregistered, figures.deregistered)
        expect("sessions-lost", then.sessionsLost, figures.sessionsLost)
        expect("elections", then.elections, figures.elections)
        expect("acked", then.acked, record.load?.ackedMeanwhile ?? 0)
        if let limit = then.takeover, let takeover = figures.takeover, takeover > limit.inSeconds {
            unmet.append("takeover: \(takeover) s, expected \(limit.inSeconds) s at most")
        }
        if let limit = then.metrics {
            let limit = limit.inSeconds
            if let back = figures.metricsBack {
                if back > limit { unmet.append("metrics were back after \(back) s, expected \(limit) s at most") }
            } else {
                unmet.append("the metrics did not say that a broker is away, and then that all is well")
            }
        }
        if !record.end.isWell { unmet += record.end.complaints }
        self.unmet = unmet

        var invalid: [String] = []
        // Half of what was offered: a machine that cannot do that judges nothing.
        if let load = record.load, let before = load.before, before.count < load.rate {
            invalid.append("only \(before.count) messages were acknowledged before the first step")
        }
        if record.faults.isEmpty { invalid.append("nothing was hurt") }
        let hit = KillMoment.hit(in: record)
        self.isMissed = then.moment.map { $0 != hit.moment } ?? false
        if let moment = then.moment, self.isMissed {
            invalid.append("no leader was killed \(moment.rawValue): when it was, \(hit.why)")
        }
        self.invalid = invalid
    }

    var outcome: Outcome {
        if !self.unmet.isEmpty || self.invariants.contains(where: { !$0.violations.isEmpty }) { return .violated }
        return self.invalid.isEmpty ? .passed : .invalid
    }
    var isGood: Bool { self.outcome == .passed }

    /// One line that a script can read.
    var line: String {
        let load = self.record.load
        func figure(_ value: Double?) -> String { value.map { "\((($0 * 10).rounded()) / 10)" } ?? "-" }
        return
            "\(self.record.scenario.name) seed=\(self.record.seed) \(self.outcome.rawValue) "
            + "leaderships=\(self.figures.leaderships) takeover=\(figure(self.figures.takeover)) "
            + "started=\(self.figures.started) killed=\(self.figures.killed) "
            + "deregistered=\(self.figures.deregistered) metrics=\(figure(self.figures.metricsBack)) settled=\(figure(self.figures.settled)) "
            + "acked=\(load?.acked ?? 0) missing=\(load?.check.map { "\($0.missing)" } ?? "-") "
            + "p95=\(figure(load?.before?.p95))/\(figure(load?.during?.p95))/\(figure(load?.after?.p95))"
    }

    /// What is wrong, a line each.
    var complaints: [String] {
        self.invariants.flatMap { verdict in verdict.violations.map { "\(verdict.invariant.rawValue): \($0)" } }
            + self.unmet + self.invalid
    }
}

extension RunVerdict.Figures {
    init(_ record: RunRecord) {
        let claims = record.history.claims.filter { $0.at >= record.began }
        self.leaderships = claims.count { $0.record.holder != nil }
        func count(_ step: Step) -> Int {
            record.history.permissions.count { permission in
                permission.at >= record.began && permission.intent.step == step
                    && permission.result?.outcome == .succeeded
            }
        }
        func requests(_ verb: NodeVerb, _ result: NodeResult) -> Int {
            record.requests.count { $0.isStep && $0.verb == verb && $0.result == result && $0.at >= record.began }
        }
        self.started = requests(.start, .started)
        self.killed = requests(.kill, .killed)
        self.deregistered = count(.deregister)
        self.takeover = Self.takeovers(record).max()
        self.sessionsLost = record.history.candidatesLost.count { $0.at >= record.began }
        self.metricsBack = Self.metricsBack(record)
        self.elections = record.history.elections.count { $0 >= record.began }
        self.settled = record.end.isWell ? record.settled.seconds(since: record.stepsEnded) : nil
        self.startedTwice = Self.startedTwice(record)
        self.forgotten = Self.forgotten(record)
    }

    private static func startedTwice(_ record: RunRecord) -> Int {
        let starts = record.requests.filter { $0.isStep && $0.result == .started && $0.at >= record.began }
        func doubles(_ name: (NodeRequest) -> String?) -> Set<String> {
            let named = Dictionary(grouping: starts.compactMap(name)) { $0 }
            return Set(named.filter { $0.value.count > 1 }.keys)
        }
        let lives = doubles { request in request.identity.map { "\(request.node) after \($0)" } }
        return lives.count + doubles { request in request.intent.map { "intent \($0)" } }.count
    }

    private static func forgotten(_ record: RunRecord) -> Int {
        let killed = record.faults.filter { $0.word == "kill" }.flatMap { fault in
            fault.members.map { (name: $0, at: fault.from) }
        }
        let nodes = killed.filter { killed in
            record.cast.contains { $0.name == killed.name && $0.part != .healer }
        }
        let left = nodes.filter { node in
            record.end.away.contains(node.name)
                || !record.requests.contains { $0.node == node.name && $0.result == .started && $0.at >= node.at }
        }
        return Set(left.map(\.name)).count
    }

    private static func metricsBack(_ record: RunRecord) -> Double? {
        let all = Double(record.scenario.given.brokers)
        let samples = record.metrics.drop { $0.at < record.began }
        guard let away = samples.firstIndex(where: { $0.brokers < all }) else { return nil }
        let back = samples[away...].first { $0.brokers == all && $0.underReplicated == 0 }
        return back?.at.seconds(since: record.began)
    }

    /// For each claim: how long before it the last holder was hurt.
    private static func takeovers(_ record: RunRecord) -> [Double] {
        let claims = record.history.claims
        return zip(claims.dropFirst(), claims).compactMap { next, last in
            guard next.at >= record.began, next.record.holder != nil else { return nil }
            guard let holder = last.record.holder?.member.rawValue else { return next.at.seconds(since: last.at) }
            // Whoever does not hear of one permission leads on.
            let blow = record.faults.first {
                $0.word != "hold-permission" && $0.members.contains(holder) && $0.from >= last.at && $0.from <= next.at
            }
            return blow.map { next.at.seconds(since: $0.from) }
        }
    }
}

extension EndState {
    /// What is not well, for people.
    fileprivate var complaints: [String] {
        var found = self.away.map { "\($0) is not back" }
        if !self.isInSync { found.append("not every replica is in sync") }
        if let leadership { found.append(leadership) }
        found += self.openRecoveries.map { "intent \($0) is open" }
        found += self.openIncidents.map {
            "\($0.code.rawValue) of \($0.subject.node?.rawValue ?? "partitions") is open"
        }
        return found.map { "in the end: \($0)" }
    }
}
