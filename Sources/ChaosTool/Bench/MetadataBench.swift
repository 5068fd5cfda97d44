import Cluster
import Foundation
import RdKafka

enum MetadataBench {
    /// Reads everything so many times after one time for warming up.
    static func measure(partitions: Int, topics: Int, cycles: Int) async throws -> [BenchFigure] {
        LargeBlocks.returnToSystem()  // As the healer does.
        let cluster = try await MockClusterProcess.start(partitions: partitions, topics: topics)
        defer { cluster.end() }
        let client = try KafkaClient([
            "bootstrap.servers": cluster.bootstrap, "allow.auto.create.topics": "false",
        ])
        let all = partitions / topics * topics
        _ = try await self.cycle(client, expecting: all)
        let begin = HostClock.now
        let before = Usage.now
        for _ in 0..<cycles { try await self.cycle(client, expecting: all) }
        let after = Usage.now
        let seconds = (HostClock.now - begin).inSeconds / Double(cycles)
        let processor = max(1e-6, (after.seconds - before.seconds) / Double(cycles))
        return [
            BenchFigure(
                name: "metadata_partitions_per_cpu_second", value: Double(all) / processor, goal: .atLeast(1_000_000)),
            BenchFigure(name: "metadata_cycle_cpu_seconds", value: processor, goal: .atMost(Double(all) / 1_000_000)),
            BenchFigure(name: "metadata_cycle_seconds", value: seconds, goal: .atMost(1)),
            BenchFigure(name: "metadata_peak_rss_mb", value: after.peakMegabytes, goal: .atMost(64)),
        ]
    }

    /// One look: all of it as values, and through it once.
    private static func cycle(_ client: KafkaClient, expecting count: Int) async throws {
        let metadata = try await client.metadata(timeout: .seconds(60))
        var found = 0
        var ailing = 0
        for topic in metadata.topics {
            found += topic.partitions.count
            ailing += topic.partitions.count { $0.leader == nil || $0.inSyncReplicas.count < $0.replicas.count }
        }
        guard found == count, ailing == 0 else {
            throw SandboxError(
                "the mock cluster tells of \(found) partitions, \(ailing) of them ailing, not of \(count)")
        }
    }

    /// Prints its address, and ends with standard input.
    static func serve(partitions: Int, topics: Int) throws -> Int32 {
        let cluster = try MockCluster(brokers: 3)
        for number in 0..<topics {
            try cluster.createTopic("topic-\(number)", partitions: partitions / topics, replicationFactor: 3)
        }
        Console.print(cluster.bootstrapServers)
        while !FileHandle.standardInput.availableData.isEmpty {}
        withExtendedLifetime(cluster) {}
        return ExitCode.success
    }
}

/// Processor time and memory of this process, all threads, since it began.
private struct Usage {
    let seconds: Double
    let peakMegabytes: Double

    static var now: Usage {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        // Linux counts ru_maxrss in kilobytes.
        return Usage(
            seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime), peakMegabytes: Double(usage.ru_maxrss) / 1024)
    }
}

/// A mock cluster beside us, so that its own work is not counted as ours.
private struct MockClusterProcess {
    let bootstrap: String
    private let process: Process
    private let input: Pipe

    static func start(partitions: Int, topics: Int) async throws -> MockClusterProcess {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = ["bench", "mock-cluster", "--partitions", "\(partitions)", "--topics", "\(topics)"]
        let input = Pipe()
        let output = Pipe()
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = try await blocking { String(decoding: output.fileHandleForReading.availableData, as: UTF8.self) }
        let cluster = MockClusterProcess(
            bootstrap: line.trimmingCharacters(in: .whitespacesAndNewlines), process: process, input: input)
        guard !cluster.bootstrap.isEmpty else {
            cluster.end()
            throw SandboxError("the mock cluster did not start")
        }
        return cluster
    }

    func end() {
        try? self.input.fileHandleForWriting.close()
        self.process.waitUntilExit()
    }
}
