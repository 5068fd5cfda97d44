import Admin
import Cluster
import FoundationEssentials
import Glibc
import ZooKeeper

/// What the healers keep in ZooKeeper, as `healerctl` reads it, without any healer's help.
struct CoordinationTree: Sendable {
    let session: Session
    /// Without a slash at the end.
    let root: String
    let timeout: Duration

    /// Opens a session, and closes it after `body` on both ways out.
    static func with<Value: Sendable>(
        _ servers: String, _ invocation: AdminInvocation, access: EnsembleAccess,
        _ body: (CoordinationTree) async throws(ToolFailure) -> Value
    ) async throws(ToolFailure) -> Value {
        var configuration = Session.Configuration(servers: servers)
        configuration.callLimit = invocation.timeout
        configuration.digest = access.digest
        configuration.security = access.security
        if let obstacle = access.security.obstacle {
            throw ToolFailure("cannot use \(servers): \(obstacle)", hint: EnsembleAccess.hint)
        }
        let session: Session
        do throws(ZooKeeperError) {
            session = try await Session.open(configuration)
        } catch {
            throw ToolFailure(
                "cannot use \(servers): \(error.code)", hint: "Say --zookeeper HOST:PORT,HOST:PORT.")
        }
        do throws(ToolFailure) {
            do throws(ZooKeeperError) {
                try await session.connected(within: invocation.timeout)
            } catch  where error.code == .operationTimeout {
                // Servers are asked in the clear, which a port for TLS does not understand.
                let limit = min(invocation.timeout, .seconds(1))
                let words = access.security.isTLS ? [] : await ServerWord.all(of: servers, within: limit)
                throw ToolFailure.noSession(servers, within: invocation.timeout, words: words)
            } catch {
                throw ToolFailure(error)
            }
            let tree = CoordinationTree(session: session, root: invocation.root, timeout: invocation.timeout)
            let value = try await body(tree)
            await session.close()
            return value
        } catch {
            await session.close()
            throw error
        }
    }

    /// In order of name.
    func clusters() async throws(ToolFailure) -> [ClusterName] {
        do throws(ZooKeeperError) {
            return try await self.session.children("\(self.root)/clusters").map { ClusterName($0) }.sorted()
        } catch  where error.code == .noNode {
            throw ToolFailure(
                "there is no \(self.root)/clusters in this ZooKeeper",
                hint: "Check --zookeeper and --root; healers make these nodes when they first start.")
        } catch {
            throw ToolFailure(error)
        }
    }

    /// The cluster that is meant: the one named, or the only one.
    func layout(of name: ClusterName?) async throws(ToolFailure) -> Layout {
        let clusters = try await self.clusters()
        let list = clusters.map { $0.rawValue }.joined(separator: ", ")
        switch name {
        case .some(let name):
            guard clusters.contains(name) else {
                throw ToolFailure(
                    "there is no cluster \(name) under \(self.root)",
                    hint: clusters.isEmpty ? "No healer has looked after any yet." : "There is: \(list).")
            }
            return Layout(root: self.root, cluster: name)
        case nil:
            guard let only = clusters.first, clusters.count == 1 else {
                throw ToolFailure(
                    clusters.isEmpty ? "there is no cluster under \(self.root)" : "which cluster?",
                    hint: clusters.isEmpty
                        ? "Healers enter theirs when they first start." : "Say --cluster with one of: \(list).")
            }
            return Layout(root: self.root, cluster: only)
        }
    }

    /// `nil` if there is no such node.
    func content(_ path: String) async throws(ToolFailure) -> NodeContent? {
        do throws(ZooKeeperError) {
            return try await self.session.get(path)
        } catch  where error.code == .noNode {
            return nil
        } catch {
            throw ToolFailure(error)
        }
    }

    /// All children that are still there when they are read, in order of name; empty if the parent is not there.
    func contents(below path: String) async throws(ToolFailure) -> [(name: String, content: NodeContent)] {
        let names: [String]
        do throws(ZooKeeperError) {
            names = try await self.session.children(path).sorted()
        } catch  where error.code == .noNode {
            return []
        } catch {
            throw ToolFailure(error)
        }
        var result: [(name: String, content: NodeContent)] = []
        for name in names {
            if let content = try await self.content("\(path)/\(name)") { result.append((name, content)) }
        }
        return result
    }

    /// The open recoveries: steps that are intended or under way.
    func openRecoveries(_ layout: Layout) async throws(ToolFailure) -> [RecoveryRecord] {
        try await self.contents(below: layout.recoveries).compactMap { $0.content.decoded(RecoveryRecord.self) }
            .filter { $0.isOpen }
    }
}

extension NodeContent {
    /// `nil` if it is not what is expected here.
    func decoded<Value: Decodable>(_ type: Value.Type) -> Value? {
        try? JSONDecoder().decode(type, from: Data(self.data))
    }
}
