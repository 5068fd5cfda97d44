/// Runs the world of one seed: with brokers if it is odd, with errands otherwise. The same seed has the same history, on every machine.
public func simulate(seed: UInt64) -> RunReport { World(seed: seed, cluster: seed % 2 == 1).run() }
