import Cluster
import Curl
import Testing

@testable import Daemon

@Suite("Whoever led before, and does not learn that it leads no more")
struct FormerLeadersTests {
    private static let pause = Duration.milliseconds(20)

    private func record(_ epoch: Int64, _ incarnation: String, at port: UInt16) -> LeaderRecord {
        LeaderRecord(
            epoch: Epoch(epoch),
            holder: LeaderRecord.Holder(
                member: HealerID("h"), incarnation: Incarnation(incarnation), address: "127.0.0.1:\(port)"),
            nonce: "n")
    }

    /// The API answers as one that lives as `incarnation`; the record named `life-1` there, and then somebody else.
    private func ask(
        as incarnation: String, leads: Bool, epoch: Int64 = 1, returns: Bool = false,
        until: (FormerLeaders, SmallAPI) -> Bool
    ) async throws -> Int {
        let api = try SmallAPI(incarnation, leads: leads, epoch: epoch)
        let client = HTTPClient()
        let former = FormerLeaders(
            ClusterName("main"), pause: Self.pause, timeout: .seconds(20), client: client, time: BootClock(),
            log: Logger(level: .debug) { _ in })
        let own = self.record(1, "life-1", at: api.server.port)
        former.note(own)
        former.note(self.record(2, "life-2", at: 9))
        if returns { former.note(own) }
        let task = Task { await former.run() }
        let end = ContinuousClock.now + .seconds(60)
        while !until(former, api), ContinuousClock.now < end { try await Task.sleep(for: Self.pause) }
        try await Task.sleep(for: Self.pause * 5)
        task.cancel()
        await task.value
        await client.close()
        await api.stop()
        return former.seen
    }

    @Test("One that says twice in a row that it leads is told of, once")
    func twoLeaders() async throws {
        #expect(try await self.ask(as: "life-1", leads: true) { _, api in api.questions >= 5 } == 1)
    }

    @Test("One that follows, and one that has begun another life, are asked once and no more")
    func learned() async throws {
        for (incarnation, leads) in [("life-1", false), ("life-3", true)] {
            var asked = 0
            let seen = try await self.ask(as: incarnation, leads: leads) { _, api in
                asked = api.questions
                return asked >= 1
            }
            #expect(seen == 0)
            #expect(asked == 1)
        }
    }

    @Test("One that has seen a later epoch than we have may lead again: what we know is old")
    func weAreBehind() async throws {
        #expect(try await self.ask(as: "life-1", leads: true, epoch: 3) { _, api in api.questions >= 5 } == 0)
    }

    @Test("One that leads again by the record is not asked")
    func leadsAgain() async throws {
        var begun = false
        let seen = try await self.ask(as: "life-1", leads: true, returns: true) { _, api in
            defer { begun = true }
            #expect(api.questions == 0)
            return begun
        }
        #expect(seen == 0)
    }
}
