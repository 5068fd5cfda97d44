import Glibc
import Testing

@testable import ZooKeeper

extension RealEnsemble {
    @Suite struct MultiTests {
        @Test("A multi does all of its operations, with a result for each in their order")
        func results() async throws {
            try await withSession { session in
                let path = newPath()
                let results = try await session.multi([
                    .create(path, data: [1]),
                    .create(path + "/n_", data: [2], mode: .ephemeralSequential),
                    .check(path, version: 0),
                    .set(path, data: [3], version: 0),
                    .create(path + "/gone"),
                    .delete(path + "/gone", version: nil),
                ])
                try #require(results.count == 6)
                #expect(results[0] == .created(path: path))
                #expect(results[1] == .created(path: path + "/n_0000000000"))
                #expect(results[2] == .checked)
                let content = try await session.get(path)
                // The stat in the answer is of the moment of the write: the children made later are not in it.
                guard case .set(let stat) = results[3] else { throw NeverHappened(description: "\(results[3])") }
                #expect(stat.version == 1 && stat.mzxid == content.stat.mzxid)
                #expect(results[4] == .created(path: path + "/gone"))
                #expect(results[5] == .deleted)
                #expect(content.data == [3])
                #expect(try await session.children(path) == ["n_0000000000"])
            }
        }

        @Test("While a multi is being made, the library gets no word from a server that the session has ended")
        func gate() async throws {
            try await withSession { session in
                let handle = try #require(session.connection.shared.withLock { $0.handle })
                await withCheckedContinuation { done in
                    let runs = runOnOwnThread {
                        let code = MultiGate.whileConnected(handle.pointer) {
                            #expect(session.disconnect())
                            let deadline = BootTime.now + .seconds(60)
                            while session.state != .connecting, BootTime.now < deadline { usleep(1_000) }
                            // Far longer than it takes to connect anew.
                            usleep(500_000)
                            #expect(session.state == .connecting)
                            return 7
                        }
                        #expect(code == 7)
                        done.resume()
                    }
                    #expect(runs)
                }
                try await session.connected(within: .seconds(60))
                try await session.multi([.check("/zookeeper", version: -1)])
            }
        }

        @Test("A bad check fails all, and the error says which operation it was", arguments: 0..<4)
        func badCheck(place: Int) async throws {
            try await withSession { session in
                let path = newPath()
                try await session.create(path, data: [0])
                var operations: [ZooKeeper.Operation] = [
                    .set(path, data: [1], version: 0), .create(path + "/a"), .check(path, version: 1),
                ]
                operations.insert(.check("/zookeeper", version: 99), at: place)
                let error = await errorOf {
                    _ = try await session.multi(operations)
                }
                #expect(error?.code == .badVersion)
                #expect(error?.failedOperation == place)
                #expect(error?.path == "/zookeeper")
                #expect(error?.isAmbiguous == false)
                let after = try await session.get(path)
                #expect(after.data == [0] && after.stat.version == 0 && after.stat.childrenCount == 0)
            }
        }

        @Test("Each kind of operation that fails says so in its own words")
        func codes() async throws {
            try await withSession { session in
                let path = newPath()
                try await session.create(path)
                let cases: [(ZooKeeper.Operation, ZooKeeperError.Code)] = [
                    (.check(path + "/none", version: 0), .noNode),
                    (.create(path), .nodeExists),
                    (.create(path + "/none/x"), .noNode),
                    (.set(path, data: [], version: 5), .badVersion),
                    (.set(path + "/none", data: [], version: nil), .noNode),
                    (.delete(path + "/none", version: nil), .noNode),
                    (.delete(path, version: 5), .badVersion),
                    (.create(path + "/x", acl: .creatorAll), .invalidACL),
                ]
                for (operation, code) in cases {
                    for operations in [[operation], [.check(path, version: 0), operation, .check(path, version: 0)]] {
                        let error = await errorOf {
                            _ = try await session.multi(operations)
                        }
                        #expect(error?.code == code, "\(operation)")
                        #expect(error?.failedOperation == operations.count / 2, "\(operation)")
                        #expect(error?.path == operation.path)
                    }
                }
            }
        }

        @Test("A version check on a node that was created again passes: guards stand on nodes that are never deleted")
        func recreatedNode() async throws {
            try await withSession { session in
                let path = newPath()
                try await session.create(path)
                try await session.delete(path)
                try await session.create(path)
                #expect(try await session.multi([.check(path, version: 0)]) == [.checked])
            }
        }

        @Test("A multi of no operations does nothing, one of 500 does all")
        func sizes() async throws {
            try await withSession { session in
                #expect(try await session.multi([]) == [])
                let path = newPath()
                let operations = (0..<500).map {
                    ZooKeeper.Operation.create("\(path)/\($0)", data: [UInt8](repeating: 7, count: 100))
                }
                let results = try await session.multi([.create(path)] + operations)
                #expect(results.count == 501)
                #expect(results.last == .created(path: path + "/499"))
                #expect(try await session.children(path).count == 500)
            }
        }
    }
}
