import Cluster
import ZooKeeper

/// The access lists of our nodes, read back: a node keeps the list that it was created with, so one that was made before
/// credentials were configured, or by somebody else, is open to others for good.
enum AccessReview {
    /// Rights with which somebody else could take our leadership away, or write what we then believe.
    private static let dangerous: AccessRule.Permissions = [.write, .create, .delete, .admin]

    /// The rules by which somebody else than `owners` may change the node.
    static func strangers(in rules: [AccessRule], owners: [EnsembleAccess.Owner]) -> [AccessRule] {
        func isOurs(_ rule: AccessRule) -> Bool {
            owners.contains { $0.scheme == rule.scheme && (rule.id == $0.user || rule.id.hasPrefix("\($0.user):")) }
        }
        // Whoever creates a node over TLS has it for the name in its certificate as well.
        let isByUs = rules.contains(where: isOurs)
        return rules.filter { rule in
            !isOurs(rule) && !(isByUs && rule.scheme == "x509") && !rule.permissions.isDisjoint(with: Self.dangerous)
        }
    }

    /// Every node of the foundation that others than `owners` may change, with who may, in the order of the foundation, and
    /// after it what stands below it, by name. Those above the root are not ours. One that cannot be read is left out:
    /// whoever needs it is told then.
    static func review(
        _ layout: Layout, owners: [EnsembleAccess.Owner], with session: ZooKeeperStore
    ) async -> [(path: String, access: String)] {
        var open: [(path: String, access: String)] = []
        var paths = layout.foundation.map(\.path).filter { $0.hasPrefix(layout.root) }
        for collection in layout.collections {
            let names = (try? await session.children(collection, watch: nil)) ?? []
            paths += names.sorted().map { "\(collection)/\($0)" }
        }
        for path in paths {
            guard let rules = await session.rules(of: path) else { continue }
            let strangers = Self.strangers(in: rules, owners: owners)
            if !strangers.isEmpty { open.append((path, strangers.map(\.text).joined(separator: ", "))) }
        }
        return open
    }
}
