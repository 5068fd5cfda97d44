import Cluster
import Glibc
import RdKafka
import Testing

@testable import Daemon

@Suite("Metadata monitor", .timeLimit(.minutes(2)))
struct MetadataMonitorTests {
    let cluster: MockCluster

    init() throws {
        self.cluster = try MockCluster(brokers: 3)
    }

    /// Runs a monitor and hands over its observations.
    private func watch(
        _ properties: [String: String], interval: Duration = .seconds(3600), timeout: Duration = .seconds(20),
        _ body: (MetadataMonitor, inout AsyncStream<Observation>.Iterator) async throws -> Void
    ) async throws {
        let (stream, sink) = AsyncStream.makeStream(of: Observation.self, bufferingPolicy: .bufferingOldest(100))
        let monitor = try MetadataMonitor(
            properties, interval: interval, timeout: timeout, time: BootTime(), log: Logger { _ in }
        ) { sink.yield($0) }
        let run = Task { await monitor.run() }
        var observations = stream.makeAsyncIterator()
        do {
            try await body(monitor, &observations)
        } catch {
            run.cancel()
            await run.value
            throw error
        }
        run.cancel()
        await run.value
    }

    @Test("The first look comes at once and tells everything, in order of topic and partition")
    func whole() async throws {
        try self.cluster.createTopic("orders", partitions: 3, replicationFactor: 3)
        try self.cluster.createTopic("audit", partitions: 2, replicationFactor: 2)
        try self.cluster.setLeader("orders", 1, to: nil)
        let begin = BootTime().now()
        try await self.watch(["bootstrap.servers": self.cluster.bootstrapServers]) { _, observations in
            let observation = try #require(await observations.next())
            guard case .metadata(let view) = observation.fact else {
                Issue.record("\(observation.fact)")
                return
            }
            #expect(observation.method == .metadata)
            #expect(observation.at >= begin && observation.at + observation.took <= BootTime().now())
            #expect(view.brokers.keys.sorted() == [BrokerID(1), BrokerID(2), BrokerID(3)])
            #expect(view.partitions.map(\.id) == view.partitions.map(\.id).sorted())
            #expect(view.partitions.map(\.id.topic) == ["audit", "audit", "orders", "orders", "orders"])
            #expect(view.partitions.map(\.isOffline) == [false, false, false, true, false])
            #expect(view.partitions.map(\.replicas.count) == [2, 2, 3, 3, 3])
            #expect(view.partitions.allSatisfy { $0.inSyncReplicas == $0.replicas })
        }
    }

    @Test("A wish is answered without waiting for the next turn")
    func look() async throws {
        try self.cluster.createTopic("orders", partitions: 1, replicationFactor: 3)
        try await self.watch(["bootstrap.servers": self.cluster.bootstrapServers]) { monitor, observations in
            _ = await observations.next()
            for broker: Int32 in [3, 1, 2] {
                try self.cluster.setLeader("orders", 0, to: broker)
                monitor.look()
                var leader: BrokerID?
                // The settings of a topic that nobody tells may bring a look of their own in between.
                while leader != BrokerID(broker) {
                    guard case .metadata(let view) = try #require(await observations.next()).fact else { continue }
                    leader = view.partitions.first?.leader
                }
            }
        }
    }

    @Test("With nobody there, the failure is the monitor's, and it comes again every turn")
    func nobody() async throws {
        let properties = ["bootstrap.servers": "127.0.0.1:1"]
        try await self.watch(properties, interval: .milliseconds(10), timeout: .milliseconds(100)) {
            _, observations in
            for _ in 0..<3 {
                let observation = try #require(await observations.next())
                guard case .monitorFailed(nil, let reason) = observation.fact else {
                    Issue.record("\(observation.fact)")
                    return
                }
                #expect(reason.contains("metadata"))
            }
        }
    }

    @Test("A property that librdkafka does not know stops it at the start")
    func property() {
        #expect(throws: KafkaError.self) {
            try MetadataMonitor(
                ["bootstrap.server": "127.0.0.1:1"], interval: .seconds(1), timeout: .seconds(1), time: BootTime(),
                log: Logger { _ in }
            ) { _ in }
        }
    }

    @Test("Settings are read for all topics, then for new ones, then again when they are old")
    func settings() {
        func view(_ topics: String...) -> MetadataView {
            MetadataView(
                clusterID: nil, controller: nil, brokers: [:],
                partitions: topics.flatMap { topic in
                    (Int32(0)..<2).map {
                        PartitionState(.init(topic, $0), leader: nil, replicas: [], inSyncReplicas: [])
                    }
                })
        }
        func at(_ seconds: Int) -> Moment { Moment(.seconds(seconds)) }
        let answer: Result<[String: String], KafkaError> = .success([
            "min.insync.replicas": "2", "unclean.leader.election.enable": "false",
        ])
        var settings = MetadataSettings(maximumAge: .seconds(180), retry: .seconds(5))

        expectDue(&settings, at: at(0), nil)
        settings.seen(view("audit", "orders"))
        expectDue(&settings, at: at(1), ["audit", "orders"])
        expectDue(&settings, at: at(2), nil, "it is under way")
        let first = settings.read(["audit": answer, "orders": answer], at: at(2))
        #expect(first)
        #expect(settings.known["audit"] == .init(minInSyncReplicas: 2, uncleanElection: false))
        expectDue(&settings, at: at(3), nil)

        settings.seen(view("audit", "new", "orders"))
        expectDue(&settings, at: at(4), ["new"])
        settings.failed(at: at(5))
        expectDue(&settings, at: at(6), nil, "a failure is not repeated at once")
        expectDue(&settings, at: at(10), ["audit", "new", "orders"])
        let second = settings.read(["audit": answer, "new": answer, "orders": answer], at: at(11))
        #expect(second)

        expectDue(&settings, at: at(100), nil)
        settings.seen(view("audit", "new"))
        expectDue(&settings, at: at(190), ["audit", "new"])
        let third = settings.read(["audit": answer, "new": answer], at: at(191))
        #expect(!third, "nothing is new")
        #expect(settings.known["orders"] == nil, "a topic that is gone is forgotten")
    }

    @Test("A topic that the broker does not tell about is asked for again later, and stays unknown")
    func refused() {
        var settings = MetadataSettings(maximumAge: .seconds(180), retry: .seconds(5))
        settings.seen(
            MetadataView(
                clusterID: nil, controller: nil, brokers: [:],
                partitions: [PartitionState(.init("orders", 0), leader: nil, replicas: [], inSyncReplicas: [])]))
        expectDue(&settings, at: Moment(.seconds(1)), ["orders"])
        let refusal = KafkaError(.topicAuthorizationFailed, operation: "describe configuration")
        let changed = settings.read(["orders": .failure(refusal)], at: Moment(.seconds(1)))
        #expect(!changed)
        #expect(settings.known.isEmpty)
        expectDue(&settings, at: Moment(.seconds(2)), nil)
        expectDue(&settings, at: Moment(.seconds(6)), ["orders"])
    }
}

private func expectDue(
    _ settings: inout MetadataSettings, at now: Moment, _ topics: [String]?, _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let due = settings.due(at: now)
    #expect(due == topics, comment, sourceLocation: sourceLocation)
}

private struct BootTime: TimeSource {
    func now() -> Moment { Moment(nanoseconds: Self.nanoseconds(CLOCK_BOOTTIME)) }
    func wallTime() -> WallTime { WallTime(Self.nanoseconds(CLOCK_REALTIME) / 1_000_000) }
    func sleep(for duration: Duration) async throws(CancellationError) {
        do { try await Task.sleep(for: duration) } catch { throw CancellationError() }
    }
    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
