/// How the API says that it cannot answer.
public struct APIProblem: Error, Hashable, Sendable, Codable {
    public var error: String
    /// What whoever asked can do about it.
    public var hint: String

    public init(_ error: String, hint: String) {
        self.error = error
        self.hint = hint
    }
}
