import Simulation
import Testing

@Suite("The whole system in memory, by seed")
struct SimulationTests {
    @Test("No invariant is violated, and in the end one leads and the others follow", arguments: UInt64(0)..<200)
    func holds(seed: UInt64) {
        let report = simulate(seed: seed)
        #expect(report.violations.isEmpty, "replay: ./scripts/simulate --seed \(seed)")
    }

    @Test("Everything that the invariants speak of does happen")
    func happens() {
        let tally = (UInt64(0)..<20).map { simulate(seed: $0).tally }.reduce(Tally(), +)
        #expect(tally.missing.isEmpty, "\(tally)")
    }

    @Test("The same seed has the same history", arguments: [UInt64(3), 17])
    func replays(seed: UInt64) {
        let (first, second) = (simulate(seed: seed), simulate(seed: seed))
        #expect(first.tally == second.tally)
        #expect(first.simulated == second.simulated)
    }
}
