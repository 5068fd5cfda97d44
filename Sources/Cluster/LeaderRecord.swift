internal import FoundationEssentials

/// What stands in `leader`: the claim of whoever leads, or of whoever led last.
public struct LeaderRecord: Hashable, Sendable {
    public struct Holder: Hashable, Sendable {
        public let member: HealerID
        public let incarnation: Incarnation
        /// Where its API answers, `host:port`.
        public let address: String
        public init(member: HealerID, incarnation: Incarnation, address: String) {
            self.member = member
            self.incarnation = incarnation
            self.address = address
        }
    }
    /// Grows by at least one with every claim; a resignation keeps it.
    public let epoch: Epoch
    /// `nil` after a resignation, and before the first claim.
    public let holder: Holder?
    /// Tells a claim whose reply was lost that it was committed. Empty where nobody holds the record.
    public let nonce: String
    /// The name of the candidate that the last leader handed over to: it claims first, the others stand back for a bounded
    /// time. `nil` where somebody holds the record, and where whoever is first in line is to follow.
    public let successor: String?

    public init(epoch: Epoch, holder: Holder, nonce: String) {
        self.epoch = epoch
        self.holder = holder
        self.nonce = nonce
        self.successor = nil
    }

    private init(vacantSince epoch: Epoch, successor: String?) {
        self.epoch = epoch
        self.holder = nil
        self.nonce = ""
        self.successor = successor
    }

    /// The record that nobody holds, after leadership `epoch`.
    public static func vacant(_ epoch: Epoch, for successor: String? = nil) -> Self {
        Self(vacantSince: epoch, successor: successor)
    }
}

extension LeaderRecord {
    /// The format that is written, and the only one that is read.
    public static let format = 1

    /// Why the bytes in `leader` are no record. Whoever meets one neither leads nor overwrites it.
    public enum Problem: Error, Hashable, Sendable {
        /// Written by another version of the healer.
        case unknownFormat(Int)
        case unreadable
    }

    private struct Format: Codable { let format: Int }

    private struct Fields: Codable {
        var format: Int
        var epoch: Epoch
        var member: HealerID?
        var incarnation: Incarnation?
        var address: String?
        var nonce: String?
        var successor: String?
    }

    public var encoded: [UInt8] {
        let fields = Fields(
            format: Self.format, epoch: self.epoch, member: self.holder?.member, incarnation: self.holder?.incarnation,
            address: self.holder?.address, nonce: self.holder == nil ? nil : self.nonce, successor: self.successor)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and integers only: nothing that JSON cannot say.
        return Array(try! encoder.encode(fields))
    }

    public init(decoding bytes: [UInt8]) throws(Problem) {
        let data = Data(bytes)
        guard let format = try? JSONDecoder().decode(Format.self, from: data) else { throw .unreadable }
        guard format.format == Self.format else { throw .unknownFormat(format.format) }
        guard let fields = try? JSONDecoder().decode(Fields.self, from: data) else { throw .unreadable }
        switch (fields.member, fields.incarnation, fields.address, fields.nonce) {
        case (.some(let member), .some(let incarnation), .some(let address), .some(let nonce)):
            let holder = Holder(member: member, incarnation: incarnation, address: address)
            self.init(epoch: fields.epoch, holder: holder, nonce: nonce)
        case (nil, nil, nil, nil):
            self.init(vacantSince: fields.epoch, successor: fields.successor)
        default:
            throw .unreadable
        }
    }
}
