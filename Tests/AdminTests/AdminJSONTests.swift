import Admin
import Cluster
import Testing

@Suite("Pages as JSON")
struct AdminJSONTests {
    @Test("Every page survives its JSON")
    func roundTrips() throws {
        func survives<Page: Codable & Equatable>(_ page: Page) throws -> Bool {
            let plain = try AdminJSON.decode(Page.self, from: AdminJSON.encode(page))
            let pretty = try AdminJSON.decode(Page.self, from: AdminJSON.encode(page, pretty: true))
            return plain == page && pretty == page
        }
        #expect(try survives(Samples.status))
        #expect(try survives(Samples.nodes))
        #expect(try survives(Samples.partitionsPage))
        #expect(try survives(Samples.explained))
        #expect(try survives(IncidentsPage(source: Samples.source, incidents: [Samples.explained])))
        #expect(try survives(Samples.check))
    }

    @Test("A node is node, type, status, last check, response time, method, error, in snake case")
    func nodeKeys() {
        #expect(
            String(decoding: AdminJSON.encode(Samples.broker), as: UTF8.self)
                == #"{"address":"127.0.0.1:9092","broker_id":2,"error":"connection refused","last_check":1699999999500,"#
                + #""method":"protocol","node":"kafka-2","response_time_ms":1.25,"status":"UNHEALTHY","type":"broker"}"#
        )
    }

    @Test("What is not the page is an error")
    func unreadable() {
        #expect(throws: AdminJSON.Unreadable.self) { try AdminJSON.decode(StatusPage.self, from: Array("{}".utf8)) }
    }

    @Test("A number without a word in JSON does not cost the page")
    func notANumber() {
        let result = CheckResult(method: .socket, timeMs: .infinity, seen: "nothing")
        #expect(String(decoding: AdminJSON.encode(result), as: UTF8.self).contains(#""time_ms":"inf""#))
    }

    @Test("Sick partitions are listed with what ails them, offline ones first, and the rest is counted")
    func partitions() {
        let page = Samples.partitionsPage
        #expect(page.counts == PartitionCounts(total: 3, offline: 1, underReplicated: 2, underMinISR: 1, atMinISR: 1))
        #expect(page.partitions.map(\.partition) == [1, 0])
        #expect(page.partitions[0].ails == [.offline, .underMinISR, .underReplicated])
        #expect(page.leftOut == 0)
    }

    @Test("A page lists no more partitions than its limit, and says how many it left out")
    func bounded() {
        let states = (0..<Int32(PartitionsPage.limit + 5)).map {
            PartitionState(TopicPartition("t", $0), leader: nil, replicas: [BrokerID(1)], inSyncReplicas: [])
        }
        let page = PartitionsPage(source: Samples.source, verdict: Verdict(reasons: []), states: states)
        #expect(page.partitions.count == PartitionsPage.limit)
        #expect(page.leftOut == 5)
    }

    @Test("A quantile is the smallest that this part does not exceed")
    func quantiles() {
        let summary = DurationSummary(count: 9, sum: .seconds(50), last: [3, 1, 2, 10].map { .seconds($0) })
        #expect(summary.quantile(0.5) == .seconds(2))
        #expect(summary.quantile(0.99) == .seconds(10))
        #expect(DurationSummary().quantile(0.5) == nil)
    }

    @Test("Topics and shrinks are counted from the partitions, with 0 where nothing happened")
    func metricsOfPartitions() {
        var metrics = ClusterMetrics(cluster: ClusterName("main"))
        metrics.set(partitions: Samples.partitions, isrShrinks: [TopicPartition("orders", 1): 2])
        #expect(metrics.topics == [ClusterMetrics.Topic(topic: "orders", underReplicated: 2, offline: 1)])
        #expect(
            metrics.isrShrinks
                == [TopicPartition("orders", 0): 0, TopicPartition("orders", 1): 2, TopicPartition("orders", 2): 0])
    }
}
