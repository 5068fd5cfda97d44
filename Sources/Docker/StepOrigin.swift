/// Who asks an engine for a step, and under which permission: what a healer says of itself, in a header of its own.
public struct StepOrigin: Hashable, Sendable {
    public static let header = "Healer-Origin"

    /// The fields that there are, in this order; all of them optional.
    public enum Field: String, Hashable, Sendable, CaseIterable {
        case healer, epoch, intent, incident
        /// The life that is meant.
        case identity
        /// CLOCK_BOOTTIME in nanoseconds.
        case startBy
    }
    public private(set) var values: [Field: String] = [:]

    /// Longer values are none of ours.
    private static let longest = 200

    public init() {}

    /// `nil`, or what has characters that do not belong in one word of a line, is left out.
    public subscript(_ field: Field) -> String? {
        get { self.values[field] }
        set { self.values[field] = newValue.flatMap { Self.isWord($0) ? $0 : nil } }
    }

    /// `healer=healer-2 epoch=5 intent=5-1`; empty if nothing is known.
    public var text: String {
        Field.allCases.compactMap { field in self.values[field].map { "\(field.rawValue)=\($0)" } }
            .joined(separator: " ")
    }

    /// Reads what of it is understood, and nothing else: it comes from whoever can reach the socket.
    public init(reading text: String) {
        for word in text.split(separator: " ").prefix(Field.allCases.count) {
            let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2, let field = Field(rawValue: parts[0]) { self[field] = parts[1] }
        }
    }

    private static func isWord(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= self.longest
            && text.utf8.allSatisfy { (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "(") && $0 != UInt8(ascii: ")") }
    }
}
