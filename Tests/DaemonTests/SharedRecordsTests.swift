import Cluster
import Testing

@testable import Daemon

@Suite("What a follower tells of incidents")
struct SharedRecordsTests {
    private func incident(
        _ node: String, _ id: Int64? = nil, since: Int64, closed: Int64? = nil, code: FindingCode = .brokerDead
    ) -> IncidentRecord {
        var record = IncidentRecord(code: code, subject: .node(NodeName(node)), since: WallTime(since))
        record.id = id.map { IncidentID(epoch: Epoch(3), number: $0) }
        record.phase = closed == nil ? .confirmed : .closed
        record.closedAt = closed.map { WallTime($0) }
        return record
    }

    @Test("The leader's word stands for what both see, and the own view for what only it sees")
    func both() {
        let leader = SharedRecords(incidents: [
            self.incident("a", 1, since: 100, closed: 200), self.incident("b", 2, since: 300),
        ])
        let own = [
            self.incident("a", since: 110, closed: 190), self.incident("b", since: 305),
            self.incident("c", since: 250, closed: 260), self.incident("d", since: 290),
        ]
        let told = leader.incidents(beside: own)
        #expect(told.map(\.subject) == ["a", "c", "d", "b"].map { .node(NodeName($0)) })
        #expect(told.map { $0.id?.number } == [1, nil, nil, 2])
    }

    @Test("A new failure does not hide behind the end of the last one, also where clocks differ")
    func again() {
        let leader = SharedRecords(incidents: [self.incident("a", 1, since: 100, closed: 500)])
        let told = leader.incidents(beside: [self.incident("a", since: 400)])
        #expect(told.map { $0.id?.number } == [1, nil])
    }

    @Test("What is remembered from an own leadership is told once, as the record has it now")
    func formerLeader() {
        let leader = SharedRecords(incidents: [self.incident("a", 1, since: 100, closed: 500)])
        let own = [self.incident("a", 1, since: 100), self.incident("a", 9, since: 1, closed: 2)]
        let told = leader.incidents(beside: own)
        #expect(told.map { $0.id?.number } == [9, 1])
        #expect(told.last?.closedAt == WallTime(500))
    }

    @Test("At the leader there is nothing beside its own")
    func leader() {
        let own = [self.incident("b", 2, since: 300), self.incident("a", 1, since: 100, closed: 200)]
        #expect(SharedRecords().incidents(beside: own).map { $0.id?.number } == [1, 2])
    }
}
