import Cluster
import Testing

@testable import Daemon
@testable import ZooKeeper

extension RealEnsemble {
    @Suite struct StoreTests {
        private func ensemble(digest: EnsembleAccess.Credentials? = nil) async throws -> ZooKeeperEnsemble {
            let servers = try await Ensemble.shared.servers.map { Endpoint(host: "127.0.0.1", port: $0.port) }
            return ZooKeeperEnsemble(
                servers: servers, access: EnsembleAccess(digest: digest), timeout: .seconds(12),
                callLimit: .seconds(30), silenceLimit: nil,
                log: Logger { _ in })
        }

        /// A connected session, closed on both ways out.
        private func withStore(
            digest: EnsembleAccess.Credentials? = nil, _ body: (any StoreSession) async throws -> Void
        ) async throws {
            let store = try await self.ensemble(digest: digest).connect()
            do {
                for await state in store.states() {
                    if case .connected = state { break }
                }
                try await body(store)
                await store.close()
            } catch {
                await store.close()
                throw error
            }
        }

        @Test("Nodes, watches and results arrive in the words of the deciding modules")
        func words() async throws {
            try await withStore { store in
                let path = newPath()
                #expect(try await store.create(path, data: [1], kind: .persistent) == path)
                let heard = Heard<Cluster.WatchEvent>()
                let node = try await store.get(path) { heard.add($0) }
                #expect(node.data == [1] && node.stat.version == 0 && node.stat.ephemeralOwner == 0)
                let results = try await store.multi([
                    .check(path, version: 0), .set(path, data: [2], version: 0),
                    .create(path + "/n_", data: [], kind: .ephemeralSequential), .create(path + "/b", data: []),
                    .delete(path + "/b", version: nil),
                ])
                try #require(results.count == 5)
                #expect(results[0] == .checked)
                guard case .set(let stat) = results[1] else { throw NeverHappened(description: "\(results)") }
                #expect(stat.version == 1 && stat.modifiedBy > node.stat.modifiedBy)
                #expect(results[2] == .created(path: path + "/n_0000000000"))
                #expect(results[3] == .created(path: path + "/b"))
                #expect(results[4] == .deleted)
                try await heard.reach(1)
                #expect(heard.values == [.dataChanged])
                try await store.sync(path)
                #expect(try await store.children(path, watch: nil) == ["n_0000000000"])
                #expect(try await store.exists(path, watch: nil)?.childrenCount == 1)
                #expect(try await store.exists(path + "/none", watch: nil) == nil)
            }
        }

        @Test("An error says why, where, and which operation of a multi it was")
        func errors() async throws {
            try await withStore { store in
                let path = newPath()
                func error(_ body: () async throws -> Void) async -> StoreError? {
                    do { try await body() } catch { return error as? StoreError }
                    return nil
                }
                #expect(await error { _ = try await store.get(path, watch: nil) } == StoreError(.noNode, path: path))
                _ = try await store.create(path, data: [], kind: .persistent)
                #expect(
                    await error { _ = try await store.create(path, data: [], kind: .persistent) }
                        == StoreError(.nodeExists, path: path))
                #expect(
                    await error {
                        _ = try await store.multi([.check("/zookeeper", version: 0), .check(path, version: 9)])
                    } == StoreError(.badVersion, path: path, operation: 1))
                await store.close()
                let closed = await error { _ = try await store.get(path, watch: nil) }
                #expect(closed == StoreError(.closed, path: path))
                #expect(closed?.isAmbiguous == true)
            }
        }

        @Test("The states of a session end with the final one, and an expired session says so")
        func states() async throws {
            let configuration = Session.Configuration(servers: try await Ensemble.shared.connectString)
            let session = try await Session.open(configuration)
            let store = ZooKeeperStore(session)
            let id = try await session.connected(within: .seconds(60))
            let states = store.states()
            try await expire(session)
            var seen: [Cluster.SessionState] = []
            for await state in states { seen.append(state) }
            #expect(seen.last == .expired)
            #expect(seen.dropLast().allSatisfy { $0 == .connecting || $0 == .connected(session: id.rawValue) })
            await store.close()
        }

        @Test("With credentials strangers are refused, without them everybody may")
        func access() async throws {
            let digest = EnsembleAccess.Credentials(user: "healer", password: Secret("x"))
            try await withStore(digest: digest) { ours in
                let path = newPath()
                _ = try await ours.create(path, data: [], kind: .persistent)
                try await withStore { stranger in
                    try await stranger.sync(path)
                    await #expect(throws: StoreError(.notAuthorized, path: path)) {
                        _ = try await stranger.get(path, watch: nil)
                    }
                    let open = newPath()
                    _ = try await stranger.create(open, data: [], kind: .persistent)
                    try await ours.sync(open)
                    _ = try await ours.multi([.set(open, data: [1], version: 0)])
                }
            }
        }

        @Test("While no server's name can be resolved, it waits and says so; if cancelled, the session is a closed one")
        func unresolvable() async throws {
            let heard = Heard<String>()
            let ensemble = ZooKeeperEnsemble(
                servers: [Endpoint(host: "no-such-host.invalid", port: 2181)], access: .open, timing: .steady,
                log: Logger { heard.add($0.message) })
            let opening = Task { await ensemble.connect() }
            try await heard.reach(1)
            opening.cancel()
            let store = await opening.value
            var seen: [Cluster.SessionState] = []
            for await state in store.states() { seen.append(state) }
            #expect(seen == [.closed])
            await #expect(throws: StoreError(.closed, path: "/")) { try await store.sync("/") }
            await store.close()
            #expect(heard.values == ["no ZooKeeper session can be opened"])
        }
    }
}
