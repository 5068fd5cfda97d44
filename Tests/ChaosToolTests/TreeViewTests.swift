import Cluster
import Testing

@testable import ChaosTool

@Suite("A look into ZooKeeper") struct TreeViewTests {
    @Test("Many may ask at once, before there is a session and after, and it ends with one close")
    func together() async throws {
        try await withSandbox { sandbox in
            let view = TreeView(zookeeper: sandbox.description.zookeeper)
            let members = await withTaskGroup(of: [String]?.self) { group in
                for _ in 0..<50 { group.addTask { await view.members() } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(members.count == 50 && members.allSatisfy { $0 == [] })
            await view.close()
            await view.close()
            #expect(await view.members() == nil)
        }
    }
}
