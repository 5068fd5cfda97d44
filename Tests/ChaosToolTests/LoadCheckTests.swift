import Cluster
import RdKafka
import Testing

@testable import ChaosTool

@Suite("Load check")
struct LoadCheckTests {
    private func value(_ sequence: Int, run: String = "r") -> [UInt8] {
        LoadValue(run: run, sequence: sequence).bytes(padded: 40)
    }

    private func records(_ values: [[UInt8]], key: [UInt8]? = [1]) -> [Record] {
        values.enumerated().map {
            Record(position: Position(partition: 0, offset: Int64($0)), key: key, value: $1, timestamp: nil)
        }
    }

    @Test("A value survives its bytes, whatever the padding")
    func value() {
        for size in [0, 10, 100] {
            let value = LoadValue(run: "2b7epbl2k9qr6", sequence: 41_210)
            #expect(LoadValue(value.bytes(padded: size)) == value)
        }
        #expect(LoadValue(run: "r", sequence: 7).bytes(padded: 100).count == 100)
        #expect(LoadValue(Array("something else".utf8)) == nil)
        #expect(LoadValue([]) == nil)
    }

    @Test("What was acknowledged and read in order is intact")
    func intact() {
        let values = (0..<10).map { self.value($0) }
        let check = LoadCheck(acked: values, consumed: self.records(values))
        #expect(check.isIntact)
        #expect(check.line == "acked=10 consumed=10 missing=0 duplicates=0 reordered=0 gaps=0")
    }

    @Test("An equal count does not hide a lost value behind another one")
    func byValue() {
        let acked = (0..<10).map { self.value($0) }
        // 4 is lost; 10 was written without being acknowledged.
        let read = (0..<11).filter { $0 != 4 }.map { self.value($0) }
        let check = LoadCheck(acked: acked, consumed: self.records(read))
        #expect(check.acked == 10 && check.consumed == 10)
        #expect(check.missing == 1 && check.gaps == 1)
        #expect(!check.isIntact)
        #expect(check.examples.first?.hasPrefix("load r 4 ") == true)
    }

    @Test("A value that differs in its padding alone is not the one that was acknowledged")
    func torn() {
        var torn = self.value(0)
        torn[torn.count - 1] = UInt8(ascii: "!")
        #expect(LoadCheck(acked: [self.value(0)], consumed: self.records([torn])).missing == 1)
    }

    @Test("Duplicates are counted without the first")
    func duplicates() {
        let values = [0, 1, 1, 2, 1].map { self.value($0) }
        let check = LoadCheck(acked: (0..<3).map { self.value($0) }, consumed: self.records(values))
        #expect(check.duplicates == 2 && check.reordered == 0 && check.missing == 0)
        #expect(!check.isIntact)
    }

    @Test("Reordering is judged within a key, not between keys")
    func reordered() {
        let acked = (0..<4).map { self.value($0) }
        let oneKey = self.records([0, 2, 1, 3].map { self.value($0) })
        #expect(LoadCheck(acked: acked, consumed: oneKey).reordered == 1)
        let twoKeys =
            self.records([0, 2].map { self.value($0) }) + self.records([1, 3].map { self.value($0) }, key: [2])
        #expect(LoadCheck(acked: acked, consumed: twoKeys).isIntact)
    }

    @Test("Records of other runs and of other writers are not judged")
    func foreign() {
        let others = [self.value(0, run: "other"), Array("hello".utf8), self.value(0)]
        let check = LoadCheck(acked: [self.value(0)], consumed: self.records(others))
        #expect(check.isIntact && check.foreign == 2 && check.consumed == 1)
    }

    @Test("The sabotaged check misses exactly one")
    func sabotage() {
        let values = (0..<10).map { self.value($0) }
        let check = LoadCheck(acked: values, consumed: self.records(values), sabotage: .loseOne)
        #expect(check.missing == 1 && check.consumed == 9 && !check.isIntact)
    }

    @Test("Percentiles are those of the nearest rank, and the longest pause is between acknowledgements")
    func latency() {
        let entries = (1...100).map { number in
            LoadLedger.Entry(
                value: [], position: Position(partition: 0, offset: 0), sentAt: .zero,
                ackedAt: Moment(.milliseconds(number <= 99 ? number : 500)))
        }
        let latency = LoadLatency(entries)
        #expect(latency.p50 == 50 && latency.p95 == 95 && latency.p99 == 99 && latency.max == 500)
        #expect(latency.longestPause == 401)
        #expect(LoadLatency([]).max == 0)
    }
}

@Suite("Load", .timeLimit(.minutes(3)))
struct LoadTests {
    let cluster: MockCluster

    init() throws {
        self.cluster = try MockCluster(brokers: 3)
        try self.cluster.createTopic("orders", partitions: 4, replicationFactor: 3)
    }

    @Test("What the generator writes while leaders refuse and a broker is away is all there, once and in order")
    func survives() async throws {
        var plan = LoadPlan(bootstrap: self.cluster.bootstrapServers, topic: "orders")
        plan.rate = 0
        plan.messages = 5000
        let generator = try LoadGenerator(plan)
        await generator.start()
        // Produce is request 0, and 6 is NOT_LEADER_OR_FOLLOWER.
        self.cluster.fail(0, with: Array(repeating: KafkaError.Code(rawValue: 6), count: 3))
        try self.cluster.stop(2)
        // Written meanwhile: what the other brokers lead.
        while generator.acked < 100 { try await Task.sleep(for: .milliseconds(5)) }
        try self.cluster.start(2)
        await generator.planDone()
        await generator.stop()

        #expect(generator.acked == 5000 && generator.failed == 0)
        let check = try await LoadCheck.read(generator)
        #expect(check.line == "acked=5000 consumed=5000 missing=0 duplicates=0 reordered=0 gaps=0")
        let sabotaged = try await LoadCheck.read(generator, sabotage: .loseOne)
        #expect(sabotaged.missing == 1)
    }

    @Test("A value that was acknowledged elsewhere is missing here")
    func missing() async throws {
        var plan = LoadPlan(bootstrap: self.cluster.bootstrapServers, topic: "orders")
        plan.rate = 0
        plan.messages = 10
        let generator = try LoadGenerator(plan)
        await generator.start()
        await generator.planDone()
        await generator.stop()
        let lost = LoadValue(run: generator.run, sequence: 10).bytes(padded: plan.size)
        let check = try await LoadCheck.read(
            plan.properties, topic: "orders", acked: generator.ledger.entries.map(\.value) + [lost])
        #expect(check.missing == 1 && check.acked == 11 && check.consumed == 10)
    }

    @Test("A generator that nobody answers gives up when it is stopped, and says what failed")
    func nobody() async throws {
        var plan = LoadPlan(bootstrap: "127.0.0.1:1", topic: "orders")
        plan.rate = 0
        plan.messages = 50
        let generator = try LoadGenerator(plan)
        await generator.start()
        await generator.planDone()
        await generator.stop(within: .zero)
        #expect(generator.acked == 0 && generator.failed == 50)
        #expect(generator.ledger.counts.pending == 0)
        #expect(generator.ledger.firstFailure != nil)
    }
}
