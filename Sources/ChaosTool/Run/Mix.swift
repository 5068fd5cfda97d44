import Cluster

/// Two faults at once, chosen by the seed: what no scenario file thought of.
enum Mix {
    /// What can be put together. None of them takes away what the cluster needs to keep its word about messages.
    private static let faults: [ScenarioStep] = [
        ScenarioStep(act: .hurt(.kill, .broker)),
        ScenarioStep(act: .hurt(.kill, .controller)),
        ScenarioStep(act: .hurt(.freeze, .broker), lasts: .seconds(8)),
        ScenarioStep(act: .hurt(.slow(percent: 25), .broker), lasts: .seconds(15)),
        ScenarioStep(act: .hurt(.kill, .leader)),
        ScenarioStep(act: .hurt(.stop, .leader)),
        ScenarioStep(act: .hurt(.kill, .follower)),
        ScenarioStep(act: .hurt(.freeze, .leader), lasts: .seconds(11)),
        ScenarioStep(act: .hurt(.link(.cut([.in, .out]), .all), .leader), lasts: .seconds(8)),
        ScenarioStep(act: .hurt(.link(.cut([.in]), .all), .leader), lasts: .seconds(8)),
        ScenarioStep(act: .hurt(.link(.stall([.in, .out]), .all), .leader), lasts: .seconds(8)),
        ScenarioStep(act: .hurt(.link(.halfOpen, .all), .leader), lasts: .seconds(8)),
        ScenarioStep(
            act: .hurt(.link(.delay(.milliseconds(100), jitter: .milliseconds(200)), .all), .healers),
            lasts: .seconds(10)),
        ScenarioStep(act: .hurt(.kill, .zooKeeperLeader)),
        ScenarioStep(act: .hurt(.kill, .zooKeeperFollower)),
        ScenarioStep(act: .hurt(.freeze, .zooKeeperLeader), lasts: .seconds(8)),
        ScenarioStep(act: .hurt(.link(.cut([.in, .out]), .all), .zooKeeperLeader), lasts: .seconds(10)),
        ScenarioStep(act: .hurt(.link(.cut([.in, .out]), .all), .zooKeeperFollower), lasts: .seconds(10)),
        ScenarioStep(act: .hurt(.link(.cut([.in]), .all), .zooKeeperLeader), lasts: .seconds(10)),
    ]

    /// Up to so long after the first one the second one comes, in milliseconds.
    private static let latest = 3000

    /// On a platform that can do no more than this.
    static func scenario(seed: UInt64, features: Set<PlatformFeature>) -> Scenario {
        var random = SeededRandom(seed: seed)
        let possible = self.faults.filter { fault in
            var alone = Scenario(name: "mix")
            alone.when = [fault]
            return alone.needs.isSubset(of: features)
        }
        let pair = possible.shuffled(using: &random).prefix(2)
        var (first, second) = (pair.first!, pair.last!)
        let wait = Duration.milliseconds(Int.random(in: 0...self.latest, using: &random))
        var scenario = Scenario(name: "mix")
        scenario.summary = "\(self.text(first)), and \(wait.wholeMilliseconds) ms later: \(self.text(second))."
        scenario.then.settle = .seconds(240)
        if first.lasts != nil {
            first.steps = [ScenarioStep(act: .wait(wait)), second]
            scenario.when = [first]
        } else {
            second.steps = []
            scenario.when = [first, ScenarioStep(act: .wait(wait)), second]
        }
        scenario.when.append(ScenarioStep(act: .await(.healed, within: .seconds(240))))
        return scenario
    }

    private static func text(_ step: ScenarioStep) -> String {
        guard case .hurt(let fault, let role) = step.act else { return "" }
        let lasts = step.lasts.map { " for \(Int($0.inSeconds)) s" } ?? ""
        return "\(fault.word) \(RoleFinder.word(role))\(lasts)"
    }
}
