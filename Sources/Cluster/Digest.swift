/// What stands in `observers/<id>`: what one healer sees, for the leader's agreement and for everybody's status.
public struct Digest: Hashable, Sendable, Codable {
    public struct Verdict: Hashable, Sendable, Codable {
        public var code: FindingCode
        /// Which life of the process the verdict is about.
        public var identity: ProcessIdentity?
        public init(code: FindingCode, identity: ProcessIdentity?) {
            self.code = code
            self.identity = identity
        }
    }
    public var healer: HealerID
    /// Grows with every digest of one life of the healer. A digest that was seen before does not become fresh by being
    /// read again.
    public var sequence: Int64
    public var at: WallTime
    /// Confirmed conditions of nodes; a node that is not in it is fine, or not known to be otherwise.
    public var verdicts: [NodeName: Verdict]
    public init(healer: HealerID, sequence: Int64, at: WallTime, verdicts: [NodeName: Verdict]) {
        self.healer = healer
        self.sequence = sequence
        self.at = at
        self.verdicts = verdicts
    }
}
