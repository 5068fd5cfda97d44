import Cluster
import Foundation

/// `healer-chaos run`: scenarios from files, played on a real cluster and judged.
enum RunCommand: ToolCommand {
    static let summary = "Plays scenarios of faults on a real cluster, and judges what it saw"
    static let usage = """
        usage: healer-chaos run SCENARIO… | --all | --mix  [--on processes|compose] [--seed N] [--times K] [--target NODE]
                                [--load N] [--report FOLDER] [--sabotage WORD] [--directory DIR]
               healer-chaos run --check SCENARIO…

        A SCENARIO is a file of chaos/scenarios, by its path or its name, or a row of the fault matrix, such as F4. Each is played K times, with seeds N, N+1 and
        so on, on a cluster of its own. Prints a line for each run. Exit 0 only if every run passed; 1 if one violated
        an invariant or what its scenario expects, or said nothing because there was too little load. Where a scenario
        kills a leader at one moment (`moment`) and a run misses that, it is played again, in all at most K times more. After
        several runs a line for each scenario sums them up.

        --all             every file of chaos/scenarios that can be played there, and --mix
        --mix             two faults at once, chosen by the seed
        --target NODE     whom the first step hurts, in place of whom the file names
        --on PLATFORM     processes: ZooKeeper servers, brokers and healers as processes of this host;
                          compose: the containers of docker-compose.kafka-cluster.yml, on the engine of DOCKER_HOST
        --load N          messages a second, in place of what the file says: for a machine that cannot do as many
        --seed N          chooses who is meant where several fit; the same number, the same choices
        --report FOLDER   writes a JSON file and a page for each run there
        --sabotage WORD   no-healers, observe, no-faults, lose-one, kill-for-stop, no-mark or rogue: takes away what the
                          scenario needs to pass; the run must be violated
        --check           only reads the files
        """

    static func run(_ arguments: [String]) async throws -> Int32 {
        let line = try Arguments(
            arguments,
            options: ["--on", "--seed", "--times", "--report", "--sabotage", "--directory", "--target", "--load"],
            flags: ["--check", "--all", "--mix"])
        if line.words.isEmpty, !line.has("--all"), !line.has("--mix") { throw UsageError("which scenario?") }
        let words = try line.has("--all") ? self.names() : line.words
        var scenarios = try words.flatMap { try self.paths($0) }.map { try ScenarioReader.read(path: $0) }
        if let target = line.value("--target") { scenarios = try scenarios.map { try $0.hurting(target) } }
        if line.value("--load") != nil {
            let load = try line.integer("--load", in: 1...1_000_000, standard: 1)
            for index in scenarios.indices where scenarios[index].given.load > 0 { scenarios[index].given.load = load }
        }
        if line.has("--check") {
            for scenario in scenarios { Console.print("\(scenario.name): \(scenario.summary)") }
            return ExitCode.success
        }
        let type = try self.platform(line.value("--on") ?? ProcessPlatform.word)
        if line.has("--all") {
            scenarios.removeAll { scenario in
                let missing = scenario.needs.subtracting(type.features)
                if !missing.isEmpty { Console.error("left out: \(self.complaint(scenario, missing, type))") }
                return !missing.isEmpty
            }
        }
        for scenario in scenarios {
            let missing = scenario.needs.subtracting(type.features)
            guard missing.isEmpty else { throw SandboxError(self.complaint(scenario, missing, type)) }
        }
        var session = RunSession(
            scenarios: scenarios, directory: line.value("--directory") ?? "\(SandboxDirectory.state)/chaos")
        session.mixes = line.has("--mix") || line.has("--all")
        session.seed = UInt64(try line.integer("--seed", in: 0...Int(Int32.max), standard: 1))
        session.times = try line.integer("--times", in: 1...1000, standard: 1)
        session.report = line.value("--report").map { SandboxDirectory.absolute($0) }
        if let word = line.value("--sabotage") {
            guard let sabotage = RunSabotage(rawValue: word) else {
                throw UsageError.unknown("sabotage", word, among: RunSabotage.allCases.map(\.rawValue))
            }
            session.sabotage = sabotage
        }
        return try await interruptible { [session] in try await session.run(on: type) }
    }

    /// Every platform there is.
    private static let platforms: [any Platform.Type] = [ProcessPlatform.self, ComposePlatform.self]

    private static func platform(_ word: String) throws -> any Platform.Type {
        guard let type = self.platforms.first(where: { $0.word == word }) else {
            throw UsageError.unknown("platform", word, among: self.platforms.map { $0.word })
        }
        return type
    }

    private static func complaint(
        _ scenario: Scenario, _ missing: Set<PlatformFeature>, _ type: any Platform.Type
    ) -> String {
        let features = missing.map(\.rawValue).sorted().joined(separator: ", ")
        return "\(scenario.name) cannot be played here on \(type.word): no \(features)"
    }

    /// A path as it is; or the file of that name in `chaos/scenarios`; or all files of that row, such as `F4`.
    static func paths(_ word: String) throws -> [String] {
        if word.contains("/") || word.hasSuffix(".yaml") { return [word] }
        let known = try self.names()
        // A whole name may be the beginning of another one.
        let fitting = known.contains(word) ? [word] : known.filter { $0.hasPrefix("\(word)-") }
        if fitting.isEmpty { throw UsageError.unknown("scenario", word, among: known) }
        return try fitting.map { "\(try self.folder)/\($0).yaml" }
    }

    static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: try self.folder).filter { $0.hasSuffix(".yaml") }
            .map { String($0.dropLast(".yaml".count)) }.sorted()
    }

    static var folder: String { get throws { try OwnProgram.above("chaos/scenarios") } }
}

/// Some scenarios, some times.
struct RunSession: Sendable {
    let scenarios: [Scenario]
    let directory: String
    var seed: UInt64 = 1
    var times = 1
    var report: String?
    var sabotage: RunSabotage?
    /// Two faults at once after the scenarios.
    var mixes = false

    func run(on type: any Platform.Type) async throws -> Int32 {
        var isGood = true
        var sums: [RunSum] = []
        for scenario in self.scenarios.map(Optional.some) + (self.mixes ? [nil] : []) {
            var sum = RunSum(name: scenario?.name ?? "mix")
            while sum.isShort(of: self.times) {
                let seed = self.seed + UInt64(sum.runs)
                let verdict = try await self.run(
                    scenario ?? Mix.scenario(seed: seed, features: type.features), seed: seed, on: type)
                Console.print(verdict.line)
                for complaint in verdict.complaints { Console.print("  \(complaint)") }
                if let report { try RunReport(verdict, platform: type.word).write(into: report) }
                sum.add(verdict)
            }
            isGood = isGood && sum.isGood(of: self.times)
            sums.append(sum)
        }
        if self.times > 1 || sums.count > 1 {
            for sum in sums where self.times > 1 { Console.print(sum.line) }
            Console.print(RunSum.all(sums).line)
        }
        return isGood ? ExitCode.success : ExitCode.failure
    }

    private func run(_ scenario: Scenario, seed: UInt64, on type: any Platform.Type) async throws -> RunVerdict {
        Console.error("\(scenario.name), seed \(seed): \(scenario.summary)")
        let begin = HostClock.now
        let run = ScenarioRun(
            scenario: scenario, seed: seed, directory: self.directory, sabotage: self.sabotage,
            progress: { text in
                Console.error(String(format: "%8.2f s  %@", (HostClock.now - begin).inSeconds, text as NSString))
            })
        return RunVerdict(try await run.play(on: type))
    }
}

extension Scenario {
    /// The same, with its first fault done to this node, which is then the one that is started.
    func hurting(_ node: String) throws -> Scenario {
        var scenario = self
        guard let first = scenario.when.firstIndex(where: { if case .hurt = $0.act { true } else { false } }),
            case .hurt(let fault, let role) = scenario.when[first].act
        else { throw UsageError("\(self.name) hurts nobody in its first steps: --target has no meaning") }
        guard case .member(let named) = role else {
            throw UsageError("\(self.name) hurts whoever is \(RoleFinder.word(role)): --target has no meaning")
        }
        let kind = named.prefix { $0 != "-" }
        let most = kind == "kafka" ? self.given.brokers : kind == "healer" ? self.given.healers : self.given.zookeepers
        let known = (1...most).map { "\(kind)-\($0)" }
        guard known.contains(node) else { throw UsageError.unknown("node", node, among: known) }
        scenario.when[first].act = .hurt(fault, .member(node))
        for index in scenario.when.indices where scenario.when[index].act == .start(role) {
            scenario.when[index].act = .start(.member(node))
        }
        return scenario
    }
}
