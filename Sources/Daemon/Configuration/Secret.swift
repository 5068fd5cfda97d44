/// A text that is never shown: it prints as `***`, also inside other values.
struct Secret: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The text itself, for the library that needs it.
    let revealed: String
    init(_ revealed: String) { self.revealed = revealed }

    var description: String { "***" }
    var debugDescription: String { "***" }
    var customMirror: Mirror { Mirror(self, children: []) }
}

/// The value of a property whose name tells whether it is secret.
enum PropertyValue: Hashable, Sendable, CustomStringConvertible {
    case plain(String)
    case secret(Secret)

    /// The text itself, for the library that needs it.
    var revealed: String {
        switch self {
        case .plain(let text): text
        case .secret(let secret): secret.revealed
        }
    }
    var description: String {
        switch self {
        case .plain(let text): text
        case .secret(let secret): secret.description
        }
    }

    /// Whether the name of a librdkafka property or of an environment variable speaks of something secret.
    static func isSecret(name: String) -> Bool {
        let name = name.lowercased()
        return ["password", "secret", "passphrase", "token", "credential"].contains { name.contains($0) }
            || ["ssl.key.pem", "sasl.jaas.config", "sasl.oauthbearer.config", "ssl.keystore.pem"].contains(name)
    }
}
