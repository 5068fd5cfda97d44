import Cluster
import Healer
import struct Synchronization.Mutex
import Testing

@testable import Daemon
@testable import ZooKeeper

extension RealEnsemble {
    @Suite struct RecordWatchTests {
        /// A real session that counts what is read through it.
        private final class Counted: StoreSession {
            let store: any StoreSession
            private let count = Mutex(0)
            init(_ store: any StoreSession) { self.store = store }

            var reads: Int { self.count.withLock { $0 } }
            private func add() { self.count.withLock { $0 += 1 } }

            func states() -> AsyncStream<Cluster.SessionState> { self.store.states() }
            func get(_ path: String, watch: (@Sendable (Cluster.WatchEvent) -> Void)?) async throws(StoreError)
                -> StoreNode
            {
                self.add()
                return try await self.store.get(path, watch: watch)
            }
            func exists(_ path: String, watch: (@Sendable (Cluster.WatchEvent) -> Void)?) async throws(StoreError)
                -> StoreStat?
            {
                self.add()
                return try await self.store.exists(path, watch: watch)
            }
            func children(_ path: String, watch: (@Sendable (Cluster.WatchEvent) -> Void)?) async throws(StoreError)
                -> [String]
            {
                self.add()
                return try await self.store.children(path, watch: watch)
            }
            func create(_ path: String, data: [UInt8], kind: NodeKind) async throws(StoreError) -> String {
                try await self.store.create(path, data: data, kind: kind)
            }
            func multi(_ operations: [StoreOperation]) async throws(StoreError) -> [StoreResult] {
                try await self.store.multi(operations)
            }
            func sync(_ path: String) async throws(StoreError) { try await self.store.sync(path) }
            func close() async { await self.store.close() }
        }

        private func incident(_ number: Int64, closed: Bool = false) -> IncidentRecord {
            var record = IncidentRecord(code: .brokerDead, subject: .node(NodeName("kafka-1")), since: WallTime(1))
            record.id = IncidentID(epoch: Epoch(3), number: number)
            record.phase = closed ? .closed : .confirmed
            return record
        }

        private func withWatch(
            _ body: (RecordWatch, Ledger, Counted, Session) async throws -> Void
        ) async throws {
            try await withSession { session in
                let ledger = Ledger(Layout(root: newPath(), cluster: ClusterName("main")))
                for node in ledger.layout.foundation { try await session.create(node.path, data: node.data) }
                let counted = Counted(ZooKeeperStore(session))
                let watch = RecordWatch(ledger: ledger, time: BootClock(), log: Logger { _ in })
                let running = Task { await watch.run() }
                do {
                    try await body(watch, ledger, counted, session)
                } catch {
                    running.cancel()
                    throw error
                }
                running.cancel()
                await running.value
            }
        }

        @Test("A quiet tree is not read, and each change of a record is one read, however often it was read before")
        func oneRead() async throws {
            try await withWatch { watch, ledger, store, session in
                let path = ledger.path(of: .incident(IncidentID(epoch: Epoch(3), number: 1)))
                try await session.create(path, data: Ledger.encode(.incident(self.incident(1))))
                // Connected, and again so: what was watched then does not count any more.
                await watch.use(store)
                try await until("the record") { await watch.records.incidents.count == 1 }
                await watch.use(store)
                // Four reads each: three lists and the record.
                try await until("read twice") { store.reads == 8 }
                for round in 1...20 {
                    var record = self.incident(1)
                    record.partitionCount = round
                    try await session.set(path, data: Ledger.encode(.incident(record)))
                    try await until("round \(round)") {
                        await watch.records.incidents.first?.partitionCount == round
                    }
                }
                // A second watch on the same place would have made each of these changes two reads, or more.
                #expect(store.reads <= 28)
                let before = store.reads
                try await Task.sleep(for: .seconds(2))
                #expect(store.reads == before)
            }
        }

        @Test("Members stand in line, and come and go; what is removed is forgotten")
        func members() async throws {
            try await withWatch { watch, ledger, store, session in
                await watch.use(store)
                var paths: [String] = []
                for name in ["z", "a", "m"] {
                    let member = Member(
                        id: HealerID(name), incarnation: Incarnation(name), address: "h:1", version: "1",
                        configuration: "")
                    let json = """
                        {"id":"\(name)","incarnation":"\(member.incarnation)","address":"h:1","version":"1","configuration":""}
                        """
                    paths.append(
                        try await session.create(
                            ledger.layout.candidate("guid-of-\(name)-n_"), data: Array(json.utf8),
                            mode: .ephemeralSequential))
                }
                try await until("all three") { await watch.records.members.map(\.id.rawValue) == ["z", "a", "m"] }
                try await session.delete(paths[1])
                try await until("one less") { await watch.records.members.map(\.id.rawValue) == ["z", "m"] }

                let path = ledger.path(of: .incident(IncidentID(epoch: Epoch(3), number: 2)))
                try await session.create(path, data: Ledger.encode(.incident(self.incident(2))))
                try await until("the record") { await watch.records.incidents.count == 1 }
                try await session.delete(path)
                try await until("no record") { await watch.records.incidents.isEmpty }
            }
        }

        @Test("A leader does not read what it writes; it reads everything again when it follows")
        func leading() async throws {
            try await withWatch { watch, ledger, store, session in
                let path = ledger.path(of: .incident(IncidentID(epoch: Epoch(3), number: 1)))
                try await session.create(path, data: Ledger.encode(.incident(self.incident(1))))
                await watch.use(store)
                try await until("the record") { await watch.records.incidents.count == 1 }
                await watch.stand(leads: true)
                #expect(await watch.records.incidents.isEmpty)
                try await session.set(path, data: Ledger.encode(.incident(self.incident(1, closed: true))))
                try await session.sync(path)
                #expect(await watch.records.incidents.isEmpty)
                await watch.stand(leads: false)
                try await until("closed") { await watch.records.incidents.first?.phase == .closed }
            }
        }
    }
}
