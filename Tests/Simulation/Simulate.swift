/// Runs the world of one seed. The same seed has the same history, on every machine.
public func simulate(seed: UInt64) -> RunReport { World(seed: seed).run() }
