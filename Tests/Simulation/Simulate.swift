/// Runs the world of one seed: with brokers if it is odd, with errands otherwise. The same seed has the same history, on every machine.
/// - Parameter lag: whether servers hear of commits later than their leader.
public func simulate(seed: UInt64, lag: Bool = true) -> RunReport {
    World(seed: seed, cluster: seed % 2 == 1, lag: lag).run()
}
