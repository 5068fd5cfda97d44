/// A broker's number, `broker.id` in its configuration.
public struct BrokerID: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible {
    public let rawValue: Int32
    public init(rawValue: Int32) { self.rawValue = rawValue }
    public init(_ rawValue: Int32) { self.rawValue = rawValue }
    public var description: String { String(self.rawValue) }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    public init(from decoder: any Decoder) throws {
        self.rawValue = try decoder.singleValueContainer().decode(Int32.self)
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.rawValue)
    }
}

/// A string that means one kind of thing, so that two kinds cannot be swapped unnoticed.
public protocol Name: RawRepresentable, Hashable, Comparable, Sendable, Codable, CustomStringConvertible
where RawValue == String {
    init(rawValue: String)
}

extension Name {
    public init(_ rawValue: String) { self.init(rawValue: rawValue) }
    public var description: String { self.rawValue }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    public init(from decoder: any Decoder) throws {
        self.init(rawValue: try decoder.singleValueContainer().decode(String.self))
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.rawValue)
    }
}

/// The name of a cluster in the configuration, and in every path, metric and log line about it.
public struct ClusterName: Name {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// The name of a node within its cluster, such as `kafka-2`. Configuration refuses what ``isAllowed`` refuses.
public struct NodeName: Name {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Letters, digits, dots, dashes and underscores, at most 253, not a dash first: what may stand in an argument
    /// vector, a znode's name and a metric's label without being taken for something else.
    public var isAllowed: Bool {
        let characters = self.rawValue.unicodeScalars
        guard let first = characters.first, characters.count <= 253, first != "-", first != "." else { return false }
        return characters.allSatisfy {
            ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0)
                || $0 == "." || $0 == "-" || $0 == "_"
        }
    }
}

/// The name of a healer, unique among the healers of one coordination root.
public struct HealerID: Name {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// One life of one healer process: 32 hexadecimal digits, new at every start.
public struct Incarnation: Name {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}

/// Which life of a node's process is meant, in its supervisor's own words (an invocation id, a container id and start
/// time, a pid and start time). Compared for equality only.
public struct ProcessIdentity: Name {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
}
