/// How `healerctl` prints an answer.
public enum OutputFormat: String, Hashable, Sendable, CaseIterable {
    case table, json
}
