import struct Cluster.ClusterName
import struct Cluster.Layout
import struct Cluster.NodeName
import Testing

@testable import Daemon
@testable import ZooKeeper

extension RealEnsemble {
    @Suite struct AccessTests {
        let ours = Session.Digest(user: "healer", password: "not: a secret")

        @Test("What a session with credentials creates, strangers can neither read nor change; the list is read back")
        func strangers() async throws {
            try await withSession({ $0.digest = ours }) { session in
                let path = newPath()
                try await session.create(path, data: [1])
                try await session.multi([.create(path + "/child", mode: .ephemeral)])
                for node in [path, path + "/child"] {
                    let list = try await session.getACL(node)
                    #expect(list.count == 1)
                    #expect(list.first?.permissions == .all)
                    #expect(list.first?.scheme == "digest")
                    #expect(list.first?.id.hasPrefix("healer:") == true)
                    #expect(list.first?.id.contains("secret") == false)
                }
                let wrong = Session.Digest(user: "healer", password: "wrong")
                for digest in [nil, wrong] {
                    try await withSession({ $0.digest = digest }) { stranger in
                        try await stranger.sync(path)
                        #expect(await codeOf { _ = try await stranger.get(path) } == .noAuth)
                        #expect(await codeOf { _ = try await stranger.children(path) } == .noAuth)
                        #expect(await codeOf { try await stranger.set(path, data: []) } == .noAuth)
                        #expect(await codeOf { try await stranger.create(path + "/x", acl: .open) } == .noAuth)
                        #expect(await codeOf { try await stranger.setACL(path, .open) } == .noAuth)
                        let error = await errorOf {
                            _ = try await stranger.multi([
                                .check("/zookeeper", version: 0), .set(path, data: [], version: nil),
                            ])
                        }
                        #expect(error?.code == .noAuth && error?.failedOperation == 1)
                    }
                }
                try await withSession({ $0.digest = ours }) { ourselves in
                    try await ourselves.sync(path)
                    #expect(try await ourselves.get(path).data == [1])
                }
            }
        }

        @Test("Nodes of the tree that others may change are found, with who may; those above the root are not ours")
        func review() async throws {
            try await withSession({ $0.digest = ours }) { session in
                let layout = Layout(root: newPath() + "/healer", cluster: ClusterName("main"))
                let readable = AccessRule(.read, scheme: "world", id: "anyone")
                let other = AccessRule([.read, .delete], scheme: "digest", id: "other:hash")
                for node in layout.foundation {
                    let acl: [AccessRule]? =
                        switch node.path {
                        case layout.beat: .open
                        case layout.nodes: .creatorAll + [readable]
                        case layout.control: .creatorAll + [other]
                        default: node.path.hasPrefix(layout.root) ? nil : .open
                        }
                    try await session.create(node.path, data: node.data, acl: acl)
                }
                let candidate = layout.candidate("a-n_0000000001")
                try await session.create(candidate, acl: .open)
                try await session.create(layout.recovery(of: NodeName("kafka-1")))
                let open = await AccessReview.review(
                    layout, owners: [.init(scheme: "digest", user: "healer")], with: ZooKeeperStore(session))
                #expect(open.map(\.path) == [layout.control, layout.beat, candidate])
                #expect(open.map(\.access) == ["digest:other:dr", "world:anyone:cdrwa", "world:anyone:cdrwa"])
            }
        }

        @Test("Credentials are sent again on every connection")
        func reconnected() async throws {
            try await withSession({ $0.digest = ours }) { session in
                let path = newPath()
                try await session.create(path, data: [1])
                for _ in 0..<3 {
                    let states = collectStates(session)
                    #expect(session.disconnect())
                    try await states.reach(3)
                    #expect(try await session.get(path).data == [1])
                }
            }
        }

        @Test("Credentials given while no server is there hold from the first call that is sent")
        func beforeTheServer() async throws {
            try await withBrokenEnsemble { ensemble in
                let server = try await #require(ensemble.followers.first)
                try await ensemble.kill(server)
                var configuration = Session.Configuration(servers: server.address)
                configuration.digest = self.ours
                let sessions = try await [
                    Session.open(configuration), Session.open(configuration), Session.open(configuration),
                ]
                // By now the library is between two attempts, when it takes no credentials.
                for session in sessions {
                    #expect(await codeOf { _ = try await session.exists("/") } == .connectionLoss)
                }
                // Another try of what the library refuses at that time.
                for session in sessions { session.connection.shared.withLock { $0.owesCredentials = true } }
                try ensemble.launch(server)
                for session in sessions {
                    let error = await errorOf {
                        try await session.connected(within: .seconds(60))
                        let path = try await session.create(newPath(), mode: .ephemeral)
                        #expect(try await session.getACL(path).first?.scheme == "digest")
                    }
                    #expect(error == nil)
                    await session.close()
                }
            }
        }

        @Test("Credentials that the ensemble refuses end the session, and say so")
        func refused() async throws {
            var configuration = Session.Configuration(servers: try await Ensemble.shared.connectString)
            configuration.digest = Session.Digest(user: "a", password: "b", scheme: "no-such-scheme")
            let session = try await Session.open(configuration)
            var last: SessionState?
            for await state in session.states() { last = state }
            #expect(last == .authenticationFailed)
            #expect(await codeOf { try await session.create(newPath()) } == .authFailed)
            await session.close()
        }

        @Test("A list is replaced at its version only")
        func version() async throws {
            try await withSession { session in
                let path = newPath()
                try await session.create(path)
                #expect(try await session.getACL(path) == .open)
                let readOnly = [AccessRule([.read, .admin], scheme: "world", id: "anyone")]
                #expect(await codeOf { try await session.setACL(path, readOnly, version: 3) } == .badVersion)
                try await session.setACL(path, readOnly, version: 0)
                #expect(try await session.getACL(path) == readOnly)
                #expect(try await session.exists(path)?.aclVersion == 1)
                #expect(await codeOf { try await session.set(path, data: []) } == .noAuth)
            }
        }

        @Test("Neither credentials nor a session's password are printed")
        func secrets() async throws {
            #expect("\(self.ours)" == "healer:***")
            try await withSession { session in
                let identity = try #require(session.identity)
                #expect("\(identity)" == "\(identity.id)")
                #expect("\(identity.id)".hasPrefix("0x"))
            }
        }
    }
}
