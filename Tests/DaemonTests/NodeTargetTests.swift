import Cluster
import Testing

@testable import Daemon

@Suite("How a node is watched")
struct NodeTargetTests {
    private func target(_ methods: String) throws -> NodeTarget {
        let configuration = try Sample.read(
            Sample.cluster(
                """
                zookeeper: zk-1
                nodes: [{node_id: kafka-1, node_type: kafka, host: h\(methods)}]
                \(Sample.supervisor)
                """))
        let cluster = configuration.clusters[0]
        let node = cluster.nodes[0].node
        return NodeTarget(node, configuration.settings(for: node, in: cluster), usesTLS: cluster.usesTLS) {
            CommandSupervisor(configuration: $0.command!, limit: $0.limit(for:))
        }
    }

    @Test("By all that applies, unless the file says otherwise")
    func all() throws {
        let target = try self.target("")
        #expect(target.supervised != nil)
        #expect(target.methods(inZooKeeperMode: true) == [.socket, .protocol, .metadata, .zookeeper, .supervisor])
    }

    @Test("By no other method than those of `monitoring_methods`; its supervisor can be told to start it all the same")
    func some() throws {
        let target = try self.target(", monitoring_methods: [socket, metadata]")
        #expect(target.supervised == nil)
        #expect(target.supervisor != nil)
        #expect(target.methods(inZooKeeperMode: true) == [.socket, .metadata])
    }

    @Test("A thread dump is an action, which the file may leave out")
    func dump() throws {
        #expect(try self.target("").mayDump)
        #expect(try self.target(", recovery_actions: [start, dump]").mayDump)
        #expect(try !self.target(", recovery_actions: [start]").mayDump)
    }
}
