internal import CRdKafka

/// librdkafka's properties one by one, judged without a client.
public enum ClientProperty {
    /// Loads shared libraries as soon as it is set, which a judgement must not.
    private static let loading = "plugin.library.paths"

    public static func isKnown(_ name: String) -> Bool {
        // An unknown name is told apart from a value that is not accepted.
        name == self.loading || self.set(name, "").result != RD_KAFKA_CONF_UNKNOWN
    }

    /// Why the library does not accept this value; `nil` if it does. Its words may contain the value.
    public static func refusal(of value: String, for name: String) -> String? {
        guard name != self.loading else { return nil }
        let (result, reason) = self.set(name, value)
        return result == RD_KAFKA_CONF_OK ? nil : reason
    }

    /// Those that have a value by default, and the one that everybody needs: for telling which was meant.
    public static let names: [String] = {
        let configuration = rd_kafka_conf_new()
        defer { rd_kafka_conf_destroy(configuration) }
        var count = 0
        guard let pairs = rd_kafka_conf_dump(configuration, &count) else { return [] }
        defer { rd_kafka_conf_dump_free(pairs, count) }
        let names = stride(from: 0, to: count, by: 2).compactMap { pairs[$0].map { String(cString: $0) } }
        return names + ["bootstrap.servers"]
    }()

    private static func set(_ name: String, _ value: String) -> (result: rd_kafka_conf_res_t, reason: String) {
        let configuration = rd_kafka_conf_new()
        defer { rd_kafka_conf_destroy(configuration) }
        var reason = [CChar](repeating: 0, count: 512)
        let result = rd_kafka_conf_set(configuration, name, value, &reason, reason.count)
        return (result, String(nulTerminated: reason))
    }
}
