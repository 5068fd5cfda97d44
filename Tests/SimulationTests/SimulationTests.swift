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

    @Test("In a small world no order of so many steps violates an invariant", arguments: [(2, 5), (3, 4)])
    func exhaustive(healers: Int, depth: Int) {
        let report = searchSmallWorlds(healers: healers, depth: depth)
        #expect(report.violation == nil, "\(String(describing: report.violation))")
        #expect(report.takeovers > 0)
    }

    @Test("The same seed has the same history", arguments: [UInt64(3), 17])
    func replays(seed: UInt64) {
        let (first, second) = (simulate(seed: seed), simulate(seed: seed))
        #expect(first.tally == second.tally)
        #expect(first.simulated == second.simulated)
    }
}
