import Testing

@testable import ZooKeeper

extension RealEnsemble {
    @Suite struct CallTests {
        @Test("What is created can be read, written, listed and deleted")
        func lifeOfANode() async throws {
            try await withSession { session in
                let path = newPath()
                #expect(try await session.create(path, data: [1, 2, 3]) == path)
                let first = try await session.get(path)
                #expect(first.data == [1, 2, 3])
                #expect(first.stat.version == 0)
                #expect(first.stat.ephemeralOwner == 0)
                #expect(first.stat.czxid == first.stat.mzxid)

                let written = try await session.set(path, data: [4], version: 0)
                #expect(written.version == 1)
                #expect(written.mzxid > first.stat.mzxid)
                #expect(try await session.get(path).data == [4])

                try await session.create(path + "/b")
                try await session.create(path + "/a")
                #expect(try await Set(session.children(path)) == ["a", "b"])
                #expect(try await session.exists(path)?.childrenCount == 2)
                try await session.delete(path + "/a", version: 0)
                try await session.delete(path + "/b")
                try await session.delete(path)
                #expect(try await session.exists(path) == nil)
            }
        }

        @Test(
            "Data of no bytes, of all bytes, and of almost a megabyte comes back the same",
            arguments: [0, 256, 1_000_000])
        func data(size: Int) async throws {
            try await withSession { session in
                let path = newPath()
                let data = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
                try await session.create(path, data: data)
                #expect(try await session.get(path).data == data)
                try await session.delete(path)
            }
        }

        @Test("More data than a server takes is refused before it costs the connection")
        func tooMuchData() async throws {
            try await withSession { session in
                let states = collectStates(session)
                let data = [UInt8](repeating: 0, count: Session.dataLimit + 1)
                #expect(await codeOf { try await session.create(newPath(), data: data) } == .badArguments)
                #expect(
                    await codeOf { _ = try await session.multi([.create(newPath(), data: data)]) } == .badArguments)
                try await session.sync("/")
                try await states.reach(1)
                #expect(states.values.count == 1)
            }
        }

        @Test("Each refusal has its own code")
        func refusals() async throws {
            try await withSession { session in
                let path = newPath()
                #expect(await codeOf { _ = try await session.get(path) } == .noNode)
                #expect(await codeOf { _ = try await session.children(path) } == .noNode)
                #expect(await codeOf { try await session.set(path, data: []) } == .noNode)
                #expect(await codeOf { try await session.delete(path) } == .noNode)
                #expect(await codeOf { try await session.create(path + "/child") } == .noNode)
                try await session.create(path)
                #expect(await codeOf { try await session.create(path) } == .nodeExists)
                #expect(await codeOf { try await session.set(path, data: [], version: 7) } == .badVersion)
                #expect(await codeOf { try await session.delete(path, version: 7) } == .badVersion)
                try await session.create(path + "/child", mode: .ephemeral)
                #expect(await codeOf { try await session.delete(path) } == .notEmpty)
                #expect(await codeOf { try await session.create(path + "/child/x") } == .noChildrenForEphemerals)
                #expect(
                    await codeOf { try await session.create(path + "/y", acl: .creatorAll) } == .invalidACL,
                    "a session without credentials is nobody")
                #expect(await codeOf { try await session.create(path + "/z", acl: []) } == .invalidACL)
            }
        }

        @Test(
            "A path that makes no sense is refused, by single calls and in a multi",
            arguments: ["", "a", "/a/", "//", "/a//b", "/./a", "/a/..", "/a\u{0}b", "/a\u{1}", "/a\u{7f}"])
        func badPaths(path: String) async throws {
            try await withSession { session in
                #expect(await codeOf { try await session.create(path) } == .badArguments)
                let error = await errorOf {
                    _ = try await session.multi([
                        .check("/", version: 0), .delete(path, version: nil), .create("/x"),
                    ])
                }
                #expect(error?.code == .badArguments)
                #expect(error?.failedOperation == 1)
            }
        }

        @Test("Sequential names grow, ephemeral nodes are owned by the session and gone with it")
        func sequence() async throws {
            let path = newPath()
            try await withSession { observer in
                try await observer.create(path)
                try await withSession { session in
                    let first = try await session.create(path + "/n_", mode: .ephemeralSequential)
                    let second = try await session.create(path + "/n_", mode: .ephemeralSequential)
                    let third = try await session.create(path + "/", mode: .persistentSequential)
                    #expect(first == path + "/n_0000000000")
                    #expect(second == path + "/n_0000000001")
                    #expect(third == path + "/0000000002")
                    let owner = try await session.exists(first)?.ephemeralOwner
                    #expect(owner == session.identity?.id.rawValue)
                }
                try await observer.sync(path)
                #expect(try await observer.children(path) == ["0000000002"])
            }
        }

        @Test("After a sync, a session at another server reads what was committed before")
        func sync() async throws {
            let ensemble = try await Ensemble.shared
            let path = newPath()
            try await withSession({ $0.servers = ensemble.servers[0].address }) { writer in
                try await withSession({ $0.servers = ensemble.servers[1].address }) { reader in
                    try await writer.create(path, data: [0])
                    for round in UInt8(1)...20 {
                        try await writer.set(path, data: [round])
                        try await reader.sync(path)
                        #expect(try await reader.get(path).data == [round])
                    }
                }
            }
        }

        @Test("2,000 calls at once are all answered, each with its own answer")
        func flood() async throws {
            try await withSession { session in
                let path = newPath()
                try await session.create(path)
                try await withThrowingTaskGroup(of: (Int, String, [UInt8]).self) { group in
                    for number in 0..<2_000 {
                        group.addTask {
                            let data = Array("\(number)".utf8)
                            let created = try await session.create("\(path)/\(number)", data: data, mode: .ephemeral)
                            return (number, created, try await session.get(created).data)
                        }
                    }
                    for try await (number, created, data) in group {
                        #expect(created == "\(path)/\(number)")
                        #expect(data == Array("\(number)".utf8))
                    }
                }
                #expect(try await session.children(path).count == 2_000)
            }
        }
    }
}
