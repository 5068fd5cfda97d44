import RdKafka

/// What is wrong with a property of librdkafka, by the library's own word.
enum KafkaProperty {
    /// `nil` if it knows this name.
    static func complaint(name: String) -> Complaint? {
        guard !ClientProperty.isKnown(name) else { return nil }
        let nearest = NearestName.of(name, among: ClientProperty.names)
        return Complaint(
            "is not a property of librdkafka",
            nearest.map { "did you mean `\($0)`?" } ?? "write one that its CONFIGURATION.md lists")
    }

    /// `nil` if it accepts this value under a name that it knows. Without the value if that is a secret.
    static func complaint(name: String, value: PropertyValue) -> Complaint? {
        guard let refusal = ClientProperty.refusal(of: value.revealed, for: name) else { return nil }
        let remedy = "write a value that its CONFIGURATION.md allows"
        guard case .plain = value else { return Complaint("is not accepted by librdkafka", remedy) }
        return Complaint("is not accepted by librdkafka (\(refusal))", remedy)
    }
}
