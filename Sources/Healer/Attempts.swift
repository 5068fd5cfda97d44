internal import Cluster

/// What was tried for one node, and how that went: what back-off, the limit of attempts and flapping are counted by.
struct Attempts: Hashable, Sendable {
    struct Attempt: Hashable, Sendable {
        var intent: IntentID
        var step: Step
        var incident: IncidentID
        var at: Moment
        var wall: WallTime
        /// `nil` while it is open.
        var endedAt: Moment?
        var outcome: StepResult.Outcome?
        /// The share of the delay after it that is added at random.
        var jitter: Double = 0
    }

    /// Oldest first: attempts whose incident did not end in a verified recovery. They leave with the window.
    private(set) var open: [Attempt] = []
    struct Healed: Hashable, Sendable {
        var code: FindingCode
        var at: Moment
    }
    /// Verified recoveries, oldest first.
    private(set) var healed: [Healed] = []

    init() {}

    mutating func begin(_ intent: Intent, at now: Moment, _ wall: WallTime) {
        self.open.append(
            Attempt(intent: intent.id, step: intent.step, incident: intent.incident, at: now, wall: wall))
    }
    mutating func end(_ intent: IntentID, _ outcome: StepResult.Outcome, jitter: Double, at now: Moment) {
        guard let place = self.open.firstIndex(where: { $0.intent == intent }) else { return }
        self.open[place].outcome = outcome
        self.open[place].endedAt = now
        self.open[place].jitter = jitter
        guard outcome == .yielded else { return }
        // The last one stands for all, so that no real attempt is pushed out however long somebody is yielded to.
        let step = self.open[place].step
        self.open.removeAll { $0.step == step && $0.outcome == .yielded && $0.intent != intent }
    }
    /// Its permission never came into being.
    mutating func cancel(_ intent: IntentID) { self.open.removeAll { $0.intent == intent } }

    /// The node is verified to be well: attempts count no more; the recovery does, if it was ours.
    mutating func settle(healedOf code: FindingCode?, at now: Moment) {
        self.open = []
        if let code { self.healed.append(Healed(code: code, at: now)) }
    }
    /// Forgets what is older than the window, and what is beyond any limit.
    mutating func prune(_ window: Duration, at now: Moment) {
        self.open.removeAll { now - $0.at > window }
        self.healed.removeAll { now - $0.at > window }
        self.open = self.open.suffix(50)
        self.healed = self.healed.suffix(50)
    }

    /// Attempts at this step that reached the world, or may have.
    func count(of step: Step) -> Int {
        self.open.count { $0.step == step && $0.outcome != .notStarted && $0.outcome != .yielded }
    }

    /// When the next attempt at this step may begin; `nil` when nothing is to be waited for.
    func nextDue(_ step: Step, _ retry: RetryPolicy) -> Moment? {
        guard let last = self.open.last(where: { $0.step == step }) else { return nil }
        let end = last.endedAt ?? last.at
        // Nothing was done to the world, or it was not given the time; but whatever was in its way may be so again.
        switch last.outcome {
        case .notStarted, .yielded, .interrupted: return end + .seconds(1)
        case .succeeded, .failed, .notPermitted, .timedOut, .unknown, nil: break
        }
        let delay = retry.delay(after: max(self.count(of: step), 1))
        return end + delay + delay * (last.jitter * retry.jitter)
    }

    func record(of node: NodeName, at now: Moment) -> HistoryRecord {
        HistoryRecord(
            node: node,
            attempts: self.open.map {
                .init(
                    intent: $0.intent, step: $0.step, incident: $0.incident, at: $0.wall, age: now - $0.at,
                    outcome: $0.outcome)
            },
            healed: self.healed.map { .init(code: $0.code, age: now - $0.at) })
    }

    /// What an earlier leader wrote down, taken for as young as it may be.
    init(_ record: HistoryRecord, at now: Moment) {
        self.open = record.attempts.map {
            let at = now - .milliseconds($0.ageMilliseconds)
            return Attempt(
                intent: $0.intent, step: $0.step, incident: $0.incident, at: at, wall: $0.at,
                endedAt: $0.outcome == nil ? nil : at, outcome: $0.outcome)
        }
        self.healed = record.healed.map { Healed(code: $0.code, at: now - .milliseconds($0.ageMilliseconds)) }
    }
}
