/// What several runs come to.
struct RunSum: Hashable, Sendable {
    let name: String
    private(set) var runs = 0
    private(set) var passed = 0
    private(set) var violated = 0
    private(set) var invalid = 0
    /// Of the invalid ones, those in which a leader was killed at another moment than the scenario is about.
    private(set) var missed = 0
    /// As ``RunVerdict/Figures``, of the valid runs.
    private(set) var startedTwice = 0
    private(set) var forgotten = 0

    init(name: String) { self.name = name }

    mutating func add(_ verdict: RunVerdict) {
        self.runs += 1
        switch verdict.outcome {
        case .passed: self.passed += 1
        case .violated: self.violated += 1
        case .invalid:
            self.invalid += 1
            if verdict.isMissed { self.missed += 1 }
        }
        guard verdict.outcome != .invalid else { return }
        self.startedTwice += verdict.figures.startedTwice
        self.forgotten += verdict.figures.forgotten
    }

    static func all(_ sums: [RunSum]) -> RunSum {
        var all = RunSum(name: "all")
        for sum in sums {
            all.runs += sum.runs
            all.passed += sum.passed
            all.violated += sum.violated
            all.invalid += sum.invalid
            all.missed += sum.missed
            all.startedTwice += sum.startedTwice
            all.forgotten += sum.forgotten
        }
        return all
    }

    /// Whether another run is wanted: what missed its moment is played again, up to as often as was asked for.
    func isShort(of times: Int) -> Bool { self.runs - min(self.missed, times) < times }
    /// Whether so many passed, and all but those that missed their moment.
    func isGood(of times: Int) -> Bool { self.passed >= times && self.runs == self.passed + self.missed }

    /// One line that a script can read.
    var line: String {
        "\(self.name) runs=\(self.runs) valid=\(self.runs - self.invalid) invalid=\(self.invalid) passed=\(self.passed) "
            + "failed=\(self.violated) started-twice=\(self.startedTwice) forgotten=\(self.forgotten)"
    }
}
