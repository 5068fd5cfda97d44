/// What a search through all small worlds has found.
public struct SearchReport: Sendable {
    public var depth = 0
    public var states = 0
    public var steps = 0
    /// Worlds in which leadership had passed to another healer.
    public var takeovers = 0
    public var violation: Violation?

    /// The steps to the first world that is wrong, and what is wrong there.
    public struct Violation: Sendable {
        public let path: [String]
        public let what: String
    }
}

/// Tries every order of everything that can happen, up to so many steps from a world where one leads and the others follow.
///
/// Two faults of any kind, two acts, and time enough for a lease to end.
public func searchSmallWorlds(healers: Int, depth: Int) -> SearchReport {
    let start = SmallWorld(healers: healers, budget: .init(faults: 2, acts: 2, passes: 2))
    var report = SearchReport()
    report.states = 1
    // By hash, for want of memory: two worlds of one hash would be one, which is unlikely in 64 bits.
    var seen: Set<Int> = [start.hashValue]
    var frontier: [(world: SmallWorld, path: [SmallWorld.Step])] = [(start, [])]
    let first = start.highest
    for level in 1...max(depth, 1) {
        var next: [(world: SmallWorld, path: [SmallWorld.Step])] = []
        for (world, path) in frontier {
            for step in world.steps {
                var after = world
                after.take(step)
                report.steps += 1
                if let violation = after.violation {
                    report.violation = .init(path: (path + [step]).map { "\($0)" }, what: violation)
                    return report
                }
                guard seen.insert(after.hashValue).inserted else { continue }
                report.states += 1
                if after.highest > first { report.takeovers += 1 }
                next.append((after, path + [step]))
            }
        }
        report.depth = level
        frontier = next
        if frontier.isEmpty { break }
    }
    return report
}
