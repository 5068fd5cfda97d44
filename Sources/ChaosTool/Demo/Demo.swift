import Cluster
import Foundation

/// One demonstration, from an empty folder to an empty folder.
struct Demo: Sendable {
    let directory: String
    let keep: Bool
    let sabotage: DemoCommand.Sabotage?

    static let rate = 2000
    static let leastMessages = 10_000
    /// Acknowledged while a broker is dead, for each of the two.
    static let leastMeanwhile = 1000
    /// Far above what it takes, which a busy machine stretches.
    static let healLimit = Duration.seconds(90)
    /// A demo whose healers only observe need not wait as long to see that nobody heals.
    static let sabotagedLimit = Duration.seconds(20)

    func run() async throws -> Int32 {
        Console.print("Kafka Healer: 3 ZooKeeper servers, 3 brokers and 3 healers, all on this machine\n")
        let platform = try await ProcessPlatform.up(
            for: Scenario(name: "demo"), healers: self.sabotage == .noHeal ? .observing : .healing, in: self.directory
        ) { Console.print("  \($0)") }
        do {
            let verdict = try await self.show(platform)
            if self.keep {
                try self.explainWhatRuns(platform.sandbox)
            } else if verdict.isGood {
                try await platform.down(keepingLogs: nil)
            } else {
                try await self.keepLogs(platform)
            }
            Console.print(verdict.line)
            return verdict.isGood ? ExitCode.success : ExitCode.failure
        } catch {
            // A cancelled task cannot wait, and putting in order must not be cancelled.
            let isCancelled = error is CancellationError
            try await Task.detached {
                if isCancelled { try await platform.down(keepingLogs: nil) } else { try await self.keepLogs(platform) }
            }.value
            throw error
        }
    }

    private func show(_ platform: ProcessPlatform) async throws -> DemoVerdict {
        let tree = try await CoordinationTree(zookeeper: platform.zookeeper)
        do {
            let verdict = try await self.play(platform, tree)
            await tree.close()
            return verdict
        } catch {
            await tree.close()
            throw error
        }
    }

    private func play(_ platform: ProcessPlatform, _ tree: CoordinationTree) async throws -> DemoVerdict {
        let sandbox = platform.sandbox
        let stage = DemoStage(
            platform: platform, tree: tree, limit: self.sabotage == .noHeal ? Self.sabotagedLimit : Self.healLimit)
        let first = try await stage.awaitLeader(above: .none, members: Scenario.Given().healers)
        try await stage.printMembers()
        var verdict = DemoVerdict(firstEpoch: first.epoch)

        Console.print("\nwriting \(Self.rate) messages a second, acks=all, idempotent")
        var plan = LoadPlan(bootstrap: sandbox.description.bootstrap, topic: "messages")
        plan.rate = Self.rate
        let load = try LoadGenerator(plan)
        await load.start()
        do {
            try await stage.await("the first 2,000 messages") { load.acked >= 2000 }
            verdict.note(try await stage.killBroker("kafka-2", load))
            if let leader = first.holder?.member, verdict.brokersHealed == 1 {
                let second = try await stage.killLeader(leader, epoch: first.epoch)
                verdict.lastEpoch = second.epoch
                verdict.note(try await stage.killBroker("kafka-3", load))
            }
            if verdict.brokersHealed == 2 {
                try await stage.await("10,000 messages") { load.acked >= Self.leastMessages + 500 }
            }
        } catch {
            await load.stop(within: .seconds(1))
            throw error
        }
        await load.stop(within: .seconds(60))
        Console.print("\nreading everything back")
        verdict.check = try await LoadCheck.read(load, sabotage: self.sabotage == .loseOne ? .loseOne : nil)
        verdict.starts = try sandbox.requests().count { $0.verb == .start && $0.epoch != nil && $0.result == .started }
        verdict.underReplicated = await PartitionWitness(sandbox).look()?.underReplicated
        return verdict
    }

    private func explainWhatRuns(_ sandbox: Sandbox) throws {
        let healerctl = try OwnProgram.beside("healerctl")
        let zookeeper = "--zookeeper \(sandbox.description.zookeeper)"
        Console.print(
            """

            The cluster and the healers go on running. Try:
              \(healerctl) status \(zookeeper)
              \(try OwnProgram.path) sandbox node kill kafka-1 --directory \(sandbox.directory)
              \(healerctl) incidents \(zookeeper)     (and then: explain ID)
            ./scripts/demo down ends it all.

            """)
    }

    /// Everything ends; what it wrote stays.
    private func keepLogs(_ platform: ProcessPlatform) async throws {
        let folder = "\(self.directory)-failed"
        try? FileManager.default.removeItem(atPath: folder)
        try await platform.down(keepingLogs: folder)
        Console.print("\nall logs are in \(folder)")
    }
}

/// What a demonstration showed.
struct DemoVerdict: Sendable {
    let firstEpoch: Epoch
    var lastEpoch: Epoch?
    var brokersHealed = 0
    /// For each broker that was killed.
    var ackedMeanwhile: [Int] = []
    var starts = 0
    var underReplicated: Int?
    var check: LoadCheck?

    init(firstEpoch: Epoch) { self.firstEpoch = firstEpoch }

    mutating func note(_ act: DemoStage.BrokerAct) {
        if act.isHealed { self.brokersHealed += 1 }
        self.ackedMeanwhile.append(act.ackedMeanwhile)
    }

    var isGood: Bool {
        guard let check, let lastEpoch, let underReplicated else { return false }
        return check.missing == 0 && check.acked >= Demo.leastMessages && self.brokersHealed == 2 && self.starts == 2
            && lastEpoch > self.firstEpoch && underReplicated == 0 && self.ackedMeanwhile.count == 2
            && self.ackedMeanwhile.allSatisfy { $0 >= Demo.leastMeanwhile }
    }

    /// One line that a script can read.
    var line: String {
        let meanwhile = self.ackedMeanwhile.map(String.init).joined(separator: ",")
        return "acked=\(self.check?.acked ?? 0) consumed=\(self.check?.consumed ?? 0) "
            + "missing=\(self.check.map { "\($0.missing)" } ?? "?") meanwhile=\(meanwhile) starts=\(self.starts) "
            + "epochs=\(self.firstEpoch)→\(self.lastEpoch ?? self.firstEpoch) "
            + "under_replicated=\(self.underReplicated.map { "\($0)" } ?? "?")"
    }
}
