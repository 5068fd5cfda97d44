import Cluster
import FoundationEssentials
import Glibc

/// Reads who is registered in a cluster's ZooKeeper, and who is its controller, whenever that changes, and the
/// partitions' `state` znodes when somebody asks.
///
/// The tree is Kafka's own: `/brokers/ids/<id>`, `/controller`, `/controller_epoch`, `/brokers/topics/…`
/// (KafkaZkClient and zkdata of Kafka 3.9).
actor RegistrationMonitor {
    private enum Wish { case registrations, partitions([TopicPartition]), state(SessionState) }

    private let chroot: String
    private let connect: @Sendable () async -> any StoreSession
    private let time: any TimeSource
    private let report: @Sendable (Observation) -> Void
    private let wishes: AsyncStream<Wish>
    private let wish: AsyncStream<Wish>.Continuation
    private var session: (any StoreSession)?

    /// How long a new session is waited for after one has ended.
    static let reconnect = Duration.milliseconds(500)
    /// Reads under way at once.
    static let width = 128

    /// - Parameter chroot: of the cluster within its ensemble; empty, or beginning with a slash.
    init(
        chroot: String, connect: @escaping @Sendable () async -> any StoreSession, time: any TimeSource,
        report: @escaping @Sendable (Observation) -> Void
    ) {
        self.chroot = chroot
        self.connect = connect
        self.time = time
        self.report = report
        (self.wishes, self.wish) = AsyncStream.makeStream(of: Wish.self, bufferingPolicy: .bufferingNewest(64))
    }

    /// The present session, for a conditional write that does not ride inside the guard.
    var present: (any StoreSession)? { self.session }

    /// Look again now: up to all that was committed before.
    nonisolated func look() { self.wish.yield(.registrations) }
    /// Read the `state` znodes of these.
    nonisolated func look(at partitions: [TopicPartition]) { self.wish.yield(.partitions(partitions)) }

    /// Until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            await self.open(in: &group)
            for await wish in self.wishes {
                await self.serve(wish, in: &group)
            }
            group.cancelAll()
            await self.session?.close()
            self.session = nil
        }
    }

    private func open(in group: inout TaskGroup<Void>) async {
        let session = await self.connect()
        self.session = session
        let wish = self.wish
        group.addTask { for await state in session.states() { wish.yield(.state(state)) } }
    }

    private func serve(_ wish: Wish, in group: inout TaskGroup<Void>) async {
        guard let session = self.session else { return }
        do {
            switch wish {
            case .registrations, .state(.connected): try await self.readRegistrations(session)
            case .partitions(let partitions): try await self.readPartitions(partitions, session)
            case .state(.connecting): self.failed("not connected to the cluster's ZooKeeper")
            case .state(let ended):
                let refused = ended == .authenticationFailed
                self.failed(refused ? "the cluster's ZooKeeper refuses our credentials" : "the session has ended")
                await session.close()
                try? await self.time.sleep(for: Self.reconnect)
                if !Task.isCancelled { await self.open(in: &group) }
            }
        } catch {
            self.failed("\(error)")
        }
    }

    private func failed(_ reason: String) {
        self.report(
            Observation(at: self.time.now(), method: .zookeeper, fact: .monitorFailed(nil, reason: reason)))
    }

    private func readRegistrations(_ session: any StoreSession) async throws(StoreError) {
        let again: @Sendable (WatchEvent) -> Void = { [wish] event in
            // A disturbed session says when it is connected again.
            if event != .disturbed { wish.yield(.registrations) }
        }
        let begin = self.time.now()
        let parent = "\(self.chroot)/brokers/ids"
        try await session.sync(self.chroot.isEmpty ? "/" : self.chroot)
        var found: [BrokerID: Registration] = [:]
        do throws(StoreError) {
            for name in try await session.children(parent, watch: again) {
                guard let id = Int32(name) else { continue }
                do throws(StoreError) {
                    let node = try await session.get("\(parent)/\(name)", watch: nil)
                    found[BrokerID(id)] = Registration(
                        owner: node.stat.ephemeralOwner, createdBy: node.stat.createdBy, version: node.stat.version,
                        endpoint: Self.endpoint(node.data))
                } catch {
                    // Gone between the list and the read: the watch on the list fires, too.
                    guard error.reason == .noNode else { throw error }
                }
            }
        } catch {
            guard error.reason == .noNode else { throw error }
            // A cluster that never started: the watch fires when its first broker makes the parent.
            _ = try await session.exists(parent, watch: again)
        }
        let controller = try await self.readController(session, again)
        let took = self.time.now() - begin
        self.report(Observation(at: begin, took: took, method: .zookeeper, fact: .registrations(found)))
        self.report(Observation(at: begin, took: took, method: .zookeeper, fact: .controller(controller)))
    }

    private func readController(
        _ session: any StoreSession, _ again: @escaping @Sendable (WatchEvent) -> Void
    ) async throws(StoreError) -> Controller? {
        guard try await session.exists("\(self.chroot)/controller", watch: again) != nil else { return nil }
        do throws(StoreError) {
            let node = try await session.get("\(self.chroot)/controller", watch: nil)
            let epoch = try await session.get("\(self.chroot)/controller_epoch", watch: nil)
            guard let content = try? JSONDecoder().decode(ControllerContent.self, from: Data(node.data)) else {
                return nil
            }
            return Controller(
                broker: BrokerID(content.brokerid), owner: node.stat.ephemeralOwner, epochVersion: epoch.stat.version)
        } catch {
            guard error.reason == .noNode else { throw error }
            return nil
        }
    }

    private func readPartitions(_ asked: [TopicPartition], _ session: any StoreSession) async throws(StoreError) {
        let begin = self.time.now()
        let root = "\(self.chroot)/brokers/topics"
        try await session.sync(root)
        var wanted: [(id: TopicPartition, replicas: [BrokerID])] = []
        let topics = Dictionary(grouping: asked, by: \.topic)
        for (topic, data) in try await self.read(session, topics.keys.map { ($0, "\(root)/\($0)") }) {
            guard let content = try? JSONDecoder().decode(TopicContent.self, from: Data(data)) else { continue }
            for id in topics[topic]! {
                guard let replicas = content.partitions["\(id.partition)"] else { continue }
                wanted.append((id, replicas.map { BrokerID($0) }))
            }
        }
        let replicas = Dictionary(uniqueKeysWithValues: wanted.map { ($0.id, $0.replicas) })
        let states = try await self.read(
            session, wanted.map { ($0.id, "\(root)/\($0.id.topic)/partitions/\($0.id.partition)/state") })
        let found = states.compactMap { id, data -> PartitionState? in
            guard let content = try? JSONDecoder().decode(StateContent.self, from: Data(data)) else { return nil }
            return PartitionState(
                id, leader: content.leader < 0 ? nil : BrokerID(content.leader), replicas: replicas[id]!,
                inSyncReplicas: content.isr.map { BrokerID($0) })
        }
        self.report(
            Observation(
                at: begin, took: self.time.now() - begin, method: .zookeeper,
                fact: .partitionStates(found.sorted { $0.id < $1.id })))
    }

    /// Reads many nodes, ``width`` at a time. What is gone is left out.
    private func read<Key: Sendable>(
        _ session: any StoreSession, _ nodes: [(key: Key, path: String)]
    ) async throws(StoreError) -> [(Key, [UInt8])] {
        typealias Reading = Result<(Key, [UInt8])?, StoreError>
        let readings = await withTaskGroup(of: Reading.self, returning: [Reading].self) { group in
            var rest = nodes[...]
            var results: [Reading] = []
            func add() {
                guard let node = rest.popFirst() else { return }
                group.addTask {
                    do throws(StoreError) {
                        return .success((node.key, try await session.get(node.path, watch: nil).data))
                    } catch {
                        return error.reason == .noNode ? .success(nil) : .failure(error)
                    }
                }
            }
            for _ in 0..<Self.width { add() }
            while let result = await group.next() {
                results.append(result)
                add()
            }
            return results
        }
        var found: [(Key, [UInt8])] = []
        for reading in readings { if let one = try reading.get() { found.append(one) } }
        return found
    }

    /// The first plain endpoint a broker announces.
    static func endpoint(_ data: [UInt8]) -> Endpoint? {
        guard let content = try? JSONDecoder().decode(BrokerContent.self, from: Data(data)) else { return nil }
        for announced in content.endpoints ?? [] {
            guard let slashes = announced.firstRange(of: "://"), let colon = announced.lastIndex(of: ":"),
                colon > slashes.upperBound, let port = UInt16(announced[announced.index(after: colon)...])
            else { continue }
            // An IPv6 address stands in brackets.
            let host = announced[slashes.upperBound..<colon].filter { $0 != "[" && $0 != "]" }
            return Endpoint(host: host, port: port)
        }
        guard let host = content.host, let port = content.port.flatMap({ UInt16(exactly: $0) }) else { return nil }
        return Endpoint(host: host, port: port)
    }

    private struct BrokerContent: Decodable {
        let host: String?
        let port: Int?
        let endpoints: [String]?
    }
    private struct ControllerContent: Decodable { let brokerid: Int32 }
    private struct TopicContent: Decodable { let partitions: [String: [Int32]] }
    private struct StateContent: Decodable {
        let leader: Int32
        let isr: [Int32]
    }
}
