/// Where a Docker engine is reached, as people write it: `unix:///var/run/docker.sock` or `tcp://host:2376`.
public enum EngineAddress: Hashable, Sendable, Codable, CustomStringConvertible {
    /// An absolute path.
    case unix(path: String)
    case tcp(host: String, port: UInt16)

    public static let standard = EngineAddress.unix(path: "/var/run/docker.sock")
    /// What a Unix socket's address has room for, without the closing NUL.
    public static let longestPath = 107

    /// `nil` if it is neither of the two.
    public init?(_ text: some StringProtocol) {
        let text = String(text)
        if text.hasPrefix("unix://") {
            let path = String(text.dropFirst("unix://".count))
            guard path.hasPrefix("/"), path.utf8.count > 1, path.utf8.count <= Self.longestPath else { return nil }
            self = .unix(path: path)
        } else if text.hasPrefix("tcp://") {
            let rest = text.dropFirst("tcp://".count)
            guard let colon = rest.lastIndex(of: ":"), let port = UInt16(rest[rest.index(after: colon)...]), port > 0
            else { return nil }
            let host = rest[..<colon]
            guard !host.isEmpty, host.allSatisfy(Self.isOfHost) else { return nil }
            self = .tcp(host: String(host), port: port)
        } else {
            return nil
        }
    }

    private static func isOfHost(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber || "-._[]:".contains(character))
    }

    public var description: String {
        switch self {
        case .unix(let path): "unix://\(path)"
        case .tcp(let host, let port): "tcp://\(host):\(port)"
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let address = EngineAddress(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an engine's address")
        }
        self = address
    }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(self.description)
    }
}
