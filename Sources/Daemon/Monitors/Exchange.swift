import Cluster

/// The question that a link asks a node, and how to read the answer.
enum Exchange: Hashable, Sendable {
    /// Nothing is asked: the connection is held, so that the death of the process is felt at once.
    case none
    /// ApiVersions, Kafka's request 18, version 0: every broker since 0.10 answers it, before authentication too.
    /// Source: the protocol guide, "Retrieving supported API versions".
    case apiVersions
    /// One of ZooKeeper's four-letter words; the server answers and closes.
    case fourLetter(String)

    var method: MonitorMethod {
        switch self {
        case .none: .socket
        case .apiVersions: .protocol
        case .fourLetter: .fourLetter
        }
    }

    /// Whether the other side closes after each answer.
    var isOneShot: Bool { if case .fourLetter = self { true } else { false } }

    func question(_ number: Int32) -> [UInt8] {
        switch self {
        case .none: return []
        case .fourLetter(let word): return Array(word.utf8)
        case .apiVersions:
            let name = Array("kafka-healer".utf8)
            var body: [UInt8] = [0, 18, 0, 0]
            body += Self.bigEndian(number)
            body += [0, UInt8(name.count)] + name
            return Self.bigEndian(Int32(body.count)) + body
        }
    }

    enum Reading: Hashable {
        case incomplete
        case answered
        case refused(reason: String)
        /// The question itself is not allowed here: says nothing about the node.
        case notAllowed(reason: String)
    }

    /// What the bytes received so far say.
    /// - Parameter closed: whether the other side has closed, so that no more will come.
    func read(_ bytes: [UInt8], to number: Int32, closed: Bool) -> Reading {
        switch self {
        case .none: return .incomplete
        case .apiVersions:
            guard bytes.count >= 10 else { return .incomplete }
            let size = Self.int32(bytes[0..<4])
            guard (6...65536).contains(size) else { return .refused(reason: "a frame of \(size) bytes") }
            guard bytes.count >= Int(size) + 4 else { return .incomplete }
            let answered = Self.int32(bytes[4..<8])
            guard answered == number else { return .refused(reason: "answer \(answered) to question \(number)") }
            let error = Int16(bytes[8]) << 8 | Int16(bytes[9])
            return error == 0 ? .answered : .refused(reason: "ApiVersions error \(error)")
        case .fourLetter(let word):
            guard closed else { return bytes.count > 65536 ? .refused(reason: "an endless answer") : .incomplete }
            let text = String(decoding: bytes, as: UTF8.self)
            if text.isEmpty { return .refused(reason: "closed without an answer") }
            if text.contains("not in the whitelist") {
                return .notAllowed(reason: "add \(word) to 4lw.commands.whitelist, or name another in four_letter_word")
            }
            if text.contains("not currently serving requests") {
                return .refused(reason: "not currently serving requests")
            }
            return .answered
        }
    }

    private static func bigEndian(_ value: Int32) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
    private static func int32(_ bytes: ArraySlice<UInt8>) -> Int32 {
        bytes.reduce(Int32(0)) { $0 << 8 | Int32($1) }
    }
}
