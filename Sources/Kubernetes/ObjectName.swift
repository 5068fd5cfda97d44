/// The name of an object, or of a namespace: lower-case letters, digits, dashes and dots (RFC 1123), so that it may stand
/// in a path as it is.
public struct ObjectName: Hashable, Sendable, Codable, CustomStringConvertible {
    public let text: String

    /// `nil` unless it has at most 253 of those characters, the first and the last a letter or a digit.
    public init?(_ text: some StringProtocol) {
        let text = String(text)
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 253,
            Self.isAlphanumeric(first), Self.isAlphanumeric(last),
            text.utf8.allSatisfy({ Self.isAlphanumeric($0) || "-.".utf8.contains($0) }), !text.contains("..")
        else { return nil }
        self.text = text
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte)
    }

    public var description: String { self.text }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let name = ObjectName(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not the name of an object")
        }
        self = name
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.text)
    }

    /// Of a StatefulSet's pod: the set's name, and the pod's place in it. `nil` if it does not end in a number.
    public var inSet: (set: ObjectName, ordinal: Int)? {
        guard let dash = self.text.lastIndex(of: "-") else { return nil }
        let digits = self.text[self.text.index(after: dash)...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let ordinal = Int(digits),
            let set = ObjectName(self.text[..<dash])
        else { return nil }
        return (set, ordinal)
    }
}
