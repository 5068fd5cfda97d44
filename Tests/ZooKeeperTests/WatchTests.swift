import Testing

@testable import ZooKeeper

extension RealEnsemble {
    @Suite struct WatchTests {
        @Test("A watch is told once, however often the node changes; reading again with a watch tells once more")
        func once() async throws {
            try await withSession { session in
                let path = newPath()
                try await session.create(path)
                let first = Heard<WatchEvent>()
                _ = try await session.get(path, watch: first.watch)
                for _ in 0..<5 { try await session.set(path, data: [1]) }
                try await first.reach(1)
                let second = Heard<WatchEvent>()
                let content = try await session.get(path, watch: second.watch)
                #expect(content.stat.version == 5)
                try await session.delete(path)
                try await second.reach(1)
                #expect(first.values == [.dataChanged])
                #expect(second.values == [.deleted])
            }
        }

        @Test("Each kind of change tells those who asked for it, and nobody else")
        func kinds() async throws {
            try await withSession { session in
                let path = newPath()
                let creation = Heard<WatchEvent>()
                #expect(try await session.exists(path, watch: creation.watch) == nil)
                try await session.create(path)
                try await creation.reach(1)

                let data = Heard<WatchEvent>()
                let exists = Heard<WatchEvent>()
                let children = Heard<WatchEvent>()
                _ = try await session.get(path, watch: data.watch)
                _ = try await session.exists(path, watch: exists.watch)
                _ = try await session.children(path, watch: children.watch)
                try await session.create(path + "/child")
                try await children.reach(1)
                #expect(data.values == [] && exists.values == [])
                try await session.set(path, data: [1])
                try await data.reach(1)
                try await exists.reach(1)

                let others = (0..<3).map { _ in Heard<WatchEvent>() }
                _ = try await session.get(path + "/child", watch: others[0].watch)
                _ = try await session.exists(path + "/child", watch: others[1].watch)
                _ = try await session.children(path + "/child", watch: others[2].watch)
                try await session.delete(path + "/child")
                for other in others { try await other.reach(1) }

                #expect(creation.values == [.created])
                #expect(children.values == [.childrenChanged])
                #expect(data.values == [.dataChanged])
                #expect(exists.values == [.dataChanged])
                #expect(others.map(\.values) == [[.deleted], [.deleted], [.deleted]])
            }
        }

        @Test("A read that fails leaves no watch")
        func failedRead() async throws {
            try await withSession { session in
                let path = newPath()
                let heard = Heard<WatchEvent>()
                #expect(await codeOf { _ = try await session.get(path, watch: heard.watch) } == .noNode)
                let created = Heard<WatchEvent>()
                _ = try await session.exists(path, watch: created.watch)
                try await session.create(path)
                try await created.reach(1)
                #expect(heard.values == [])
            }
        }

        @Test("Close tells every watch once, as disturbed")
        func close() async throws {
            let heard = (0..<20).map { _ in Heard<WatchEvent>() }
            try await withSession { session in
                for one in heard { _ = try await session.exists(newPath(), watch: one.watch) }
            }
            #expect(heard.map(\.values) == heard.map { _ in [.disturbed] })
        }

        @Test("A lost connection tells every watch once, as disturbed; what was missed is read again")
        func connectionLost() async throws {
            try await withSession { session in
                let path = newPath()
                try await session.create(path)
                for round in 0..<5 {
                    let heard = Heard<WatchEvent>()
                    let before = try await session.get(path, watch: heard.watch)
                    let states = collectStates(session)
                    #expect(session.disconnect())
                    try await heard.reach(1)
                    // Connected, connecting, connected again.
                    try await states.reach(3)
                    let again = Heard<WatchEvent>()
                    #expect(try await session.get(path, watch: again.watch).stat == before.stat)
                    try await session.set(path, data: [UInt8(round)])
                    try await again.reach(1)
                    #expect(heard.values == [.disturbed])
                    #expect(again.values == [.dataChanged])
                }
            }
        }

        @Test("Ten watches on one node are all told, once each")
        func many() async throws {
            try await withSession { session in
                let path = newPath()
                try await session.create(path)
                let heard = (0..<10).map { _ in Heard<WatchEvent>() }
                for one in heard { _ = try await session.get(path, watch: one.watch) }
                try await session.set(path, data: [1])
                try await session.set(path, data: [2])
                for one in heard { try await one.reach(1) }
                #expect(heard.map(\.values) == heard.map { _ in [.dataChanged] })
            }
        }
    }
}
