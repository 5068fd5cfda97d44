/// One healer as a candidate.
public struct Member: Hashable, Sendable, Codable {
    public let id: HealerID
    public let incarnation: Incarnation
    /// Where its API answers, `host:port`.
    public let address: String
    public let version: String
    /// A digest of its configuration, so that members can tell that theirs differ.
    public let configuration: String
    /// Whether it gave up a leadership, right before it joined, since it could not write its audit trail; `nil`: no.
    public var isUnwitnessed: Bool? = nil
    public init(id: HealerID, incarnation: Incarnation, address: String, version: String, configuration: String) {
        self.id = id
        self.incarnation = incarnation
        self.address = address
        self.version = version
        self.configuration = configuration
    }
}
