import Cluster
import ZooKeeper

/// The access lists of our nodes, read back: a node keeps the list that it was created with, so one that was made before
/// credentials were configured, or by somebody else, is open to others for good.
enum AccessReview {
    /// Rights with which somebody else could take our leadership away, or write what we then believe.
    private static let dangerous: AccessRule.Permissions = [.write, .create, .delete, .admin]

    /// The rules by which somebody else than `user` may change the node.
    static func strangers(in rules: [AccessRule], user: String) -> [AccessRule] {
        rules.filter { rule in
            let isOurs = rule.scheme == "digest" && rule.id.hasPrefix("\(user):")
            return !isOurs && !rule.permissions.isDisjoint(with: Self.dangerous)
        }
    }

    /// Every node of the foundation that others than `user` may change, with who may, in the order of the foundation, and
    /// after it what stands below it, by name. Those above the root are not ours. One that cannot be read is left out:
    /// whoever needs it is told then.
    static func review(
        _ layout: Layout, user: String, with session: ZooKeeperStore
    ) async -> [(path: String, access: String)] {
        var open: [(path: String, access: String)] = []
        var paths = layout.foundation.map(\.path).filter { $0.hasPrefix(layout.root) }
        for collection in layout.collections {
            let names = (try? await session.children(collection, watch: nil)) ?? []
            paths += names.sorted().map { "\(collection)/\($0)" }
        }
        for path in paths {
            guard let rules = await session.rules(of: path) else { continue }
            let strangers = Self.strangers(in: rules, user: user)
            if !strangers.isEmpty { open.append((path, strangers.map(\.text).joined(separator: ", "))) }
        }
        return open
    }
}
