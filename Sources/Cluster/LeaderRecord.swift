internal import FoundationEssentials

/// The content of `leader`: the committed claim of the healer that leads, or led last.
public struct LeaderRecord: Hashable, Sendable, Codable {
    public let epoch: Epoch
    public let member: HealerID
    public let incarnation: Incarnation
    /// Where the leader's API answers, `host:port`.
    public let address: String
    /// Made anew for every claim, so that a claim whose reply was lost is known again.
    public let nonce: String

    public init(epoch: Epoch, member: HealerID, incarnation: Incarnation, address: String, nonce: String) {
        self.epoch = epoch
        self.member = member
        self.incarnation = incarnation
        self.address = address
        self.nonce = nonce
    }

    /// The content of a `leader` node; `nil` if it is not a record.
    public init?(json: [UInt8]) {
        guard let record = try? JSONDecoder().decode(LeaderRecord.self, from: Data(json)) else { return nil }
        self = record
    }

    /// JSON with sorted keys.
    public var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Nothing in it can fail to encode: strings, and an integer.
        return [UInt8](try! encoder.encode(self))
    }
}
