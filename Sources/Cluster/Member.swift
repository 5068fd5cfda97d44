/// One healer as a candidate.
public struct Member: Hashable, Sendable, Codable {
    public let id: HealerID
    public let incarnation: Incarnation
    /// Where its API answers, `host:port`.
    public let address: String
    public let version: String
    /// A digest of its configuration, so that members can tell that theirs differ.
    public let configuration: String
    public init(id: HealerID, incarnation: Incarnation, address: String, version: String, configuration: String) {
        self.id = id
        self.incarnation = incarnation
        self.address = address
        self.version = version
        self.configuration = configuration
    }
}
