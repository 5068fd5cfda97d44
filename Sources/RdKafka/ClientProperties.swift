internal import CRdKafka

/// librdkafka's properties as they are written in its own documentation, and which of them are secrets.
struct ClientProperties: Sendable {
    private let values: [String: String]
    private let secrets: [String]

    /// - Parameters:
    ///   - defaults: for what the caller leaves out.
    ///   - fixed: what the type of client depends on; wins over what the caller says.
    init(_ given: [String: String], defaults: [String: String] = [:], fixed: [String: String] = [:]) {
        self.values = defaults.merging(given) { $1 }.merging(fixed) { $1 }
        self.secrets = self.values.filter { Self.isSecret($0.key) && !$0.value.isEmpty }.map(\.value)
    }

    /// Whether the value of this property may never be shown.
    static func isSecret(_ name: String) -> Bool {
        ["password", "secret", "key.pem", "oauthbearer.config", "jaas"].contains { name.contains($0) }
    }

    /// The text with every secret value in it replaced.
    func redacted(_ text: String) -> String {
        self.secrets.reduce(text) { $0.split(separator: $1, omittingEmptySubsequences: false).joined(separator: "***") }
    }

    /// A configuration that the caller owns, until a client takes it over.
    func makeConfiguration() throws(KafkaError) -> OpaquePointer {
        let configuration = rd_kafka_conf_new()!
        var reason = [CChar](repeating: 0, count: 512)
        // In order of name, so that the same mistakes give the same error.
        for (name, value) in self.values.sorted(by: { $0.key < $1.key }) {
            let result = rd_kafka_conf_set(configuration, name, value, &reason, reason.count)
            guard result != RD_KAFKA_CONF_OK else { continue }
            rd_kafka_conf_destroy(configuration)
            throw KafkaError(
                .invalidArgument, operation: "configure",
                detail: result == RD_KAFKA_CONF_UNKNOWN
                    ? "unknown property \"\(name)\""
                    : Self.isSecret(name)
                        ? "property \"\(name)\" has a value that is not accepted"
                        : "property \"\(name)\": \(self.redacted(String(nulTerminated: reason)))")
        }
        return configuration
    }
}

extension String {
    /// What C wrote into a buffer of ours.
    init(nulTerminated buffer: [CChar]) {
        self.init(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
