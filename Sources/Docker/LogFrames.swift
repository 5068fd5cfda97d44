/// The engine's log of a container without a terminal: frames of eight bytes (stream, three zeros, length in network
/// order) and that many bytes of text.
enum LogFrames {
    private static let headerSize = 8

    /// The text of all frames in their order; the bytes as they are where a terminal wrote them, without frames.
    static func text(of bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let header = Array(rest.prefix(self.headerSize))
            guard header.count == self.headerSize, header[0] <= 2, header[1...3].allSatisfy({ $0 == 0 }) else {
                return String(decoding: bytes, as: UTF8.self)
            }
            let length = header[4...].reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(self.headerSize)
            text += rest.prefix(length)
            rest = rest.dropFirst(length)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
