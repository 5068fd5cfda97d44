internal import CZooKeeper
internal import Glibc

/// One entry of a node's access list.
public struct AccessRule: Hashable, Sendable {
    public struct Permissions: OptionSet, Hashable, Sendable {
        public let rawValue: Int32
        public init(rawValue: Int32) { self.rawValue = rawValue }
        /// Read the data and the list of children.
        public static let read = Permissions(rawValue: 1)
        public static let write = Permissions(rawValue: 2)
        /// Create children.
        public static let create = Permissions(rawValue: 4)
        /// Delete children.
        public static let delete = Permissions(rawValue: 8)
        /// Change the access list.
        public static let admin = Permissions(rawValue: 16)
        public static let all = Permissions(rawValue: 31)
    }

    public let permissions: Permissions
    /// `world`, `auth`, `digest`, `ip`, `x509`.
    public let scheme: String
    /// For `digest`: the user and the hash of user and password, as the server keeps it.
    public let id: String

    public init(_ permissions: Permissions, scheme: String, id: String) {
        self.permissions = permissions
        self.scheme = scheme
        self.id = id
    }
}

extension [AccessRule] {
    /// Everybody may do everything.
    public static let open = [AccessRule(.all, scheme: "world", id: "anyone")]
    /// Whoever the session has authenticated as may do everything, nobody else anything. Only for sessions with
    /// credentials: any other is refused with ``ZooKeeperError/Code/invalidACL``.
    public static let creatorAll = [AccessRule(.all, scheme: "auth", id: "")]

    init(_ vector: ACL_vector) {
        self = (0..<Int(vector.count)).map { place in
            let entry = vector.data[place]
            return AccessRule(
                AccessRule.Permissions(rawValue: entry.perms),
                scheme: String(cString: entry.id.scheme), id: String(cString: entry.id.id))
        }
    }

    /// Calls `body` with the list as C knows it, which is gone afterwards: the library serializes it within the call.
    func withVector<Result>(_ body: (UnsafeMutablePointer<ACL_vector>) -> Result) -> Result {
        var entries = self.map { rule in
            ACL(perms: rule.permissions.rawValue, id: Id(scheme: strdup(rule.scheme), id: strdup(rule.id)))
        }
        defer {
            for entry in entries {
                free(entry.id.scheme)
                free(entry.id.id)
            }
        }
        return entries.withUnsafeMutableBufferPointer { buffer in
            var vector = ACL_vector(count: Int32(buffer.count), data: buffer.baseAddress)
            return body(&vector)
        }
    }
}
