import Glibc
import Cluster
import Simulation

// healer-simulate [--seeds N] [--seed X] [--no-lag] [--quiet]
//
// --no-lag: no server of the ensemble hears of commits later than its leader.
//
// healer-simulate --exhaustive DEPTH [--healers N]
//
// Tries every order of everything that can happen in a small world, up to so many steps from one where a healer leads and
// the others follow, and ends with 1 if an invariant is violated.
//
// Runs N seeds from X on (X alone if N is not given) and ends with 1 if an invariant was violated, or if something that
// the invariants speak of never happened.

struct Arguments {
    var first: UInt64 = 0
    var count: UInt64?
    var isQuiet = false
    var lag = true
    var depth: Int?
    var healers = 2

    init(_ words: some Sequence<String>) {
        var words = Array(words)[...]
        var seedIsGiven = false
        func number() -> UInt64 {
            guard let next = words.popFirst(), let value = UInt64(next) else { Self.usage() }
            return value
        }
        while let word = words.popFirst() {
            switch word {
            case "--seeds": self.count = number()
            case "--seed":
                self.first = number()
                seedIsGiven = true
            case "--quiet": self.isQuiet = true
            case "--no-lag": self.lag = false
            case "--exhaustive": self.depth = Int(number())
            case "--healers": self.healers = max(2, Int(number()))
            default: Self.usage()
            }
        }
        if self.count == nil { self.count = seedIsGiven ? 1 : 200 }
    }

    var seeds: Range<UInt64> { self.first..<(self.first + max(self.count ?? 1, 1)) }

    static func usage() -> Never {
        print("usage: healer-simulate [--seeds N] [--seed X] [--no-lag] [--quiet]")
        print("       healer-simulate --exhaustive DEPTH [--healers N]")
        exit(2)
    }
}

func search(_ depth: Int, _ healers: Int) -> Never {
    let begin = ContinuousClock().now
    let report = searchSmallWorlds(healers: healers, depth: depth)
    let took = (ContinuousClock().now - begin).inSeconds
    print(
        "\(healers) healers, every order of up to \(report.depth) steps: \(report.states) states, \(report.steps) steps, "
            + "\(report.takeovers) states after a takeover, in \(Int(took)) s")
    guard let violation = report.violation else { exit(0) }
    print("violated: \(violation.what)\n  " + violation.path.joined(separator: "\n  "))
    exit(1)
}

let arguments = Arguments(CommandLine.arguments.dropFirst())
if let depth = arguments.depth { search(depth, arguments.healers) }
let seeds = arguments.seeds
let clock = ContinuousClock()
let begin = clock.now
var tally = Tally()
var simulated = Duration.zero
var failed = 0

for seed in seeds {
    let report = simulate(seed: seed, lag: arguments.lag)
    tally = tally + report.tally
    simulated += report.simulated
    guard let violation = report.violations.first else { continue }
    failed += 1
    print("seed \(seed): \(violation)")
    print("replay: ./scripts/simulate --seed \(seed)")
    // The first tells enough; the rest of the seeds would say the same.
    if arguments.isQuiet { exit(1) }
    if failed == 10 { break }
}

let took = max((clock.now - begin).inSeconds, 0.001)
let rate = Int(simulated.inSeconds / took)
print("\(seeds.count) seeds: \(tally), \(failed) failed, \(rate) simulated seconds per second")
if seeds.count >= 20, !tally.missing.isEmpty {
    print("never happened: \(tally.missing.joined(separator: ", "))")
    exit(1)
}
exit(failed == 0 ? 0 : 1)
