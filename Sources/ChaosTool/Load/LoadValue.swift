/// What a record of the load says: which run it belongs to, and its number in it.
struct LoadValue: Hashable, Sendable {
    /// One run of one generator; other records in the topic are not ours to judge.
    let run: String
    /// From 0, one more with each record.
    let sequence: Int

    /// The record's bytes, padded to a size.
    func bytes(padded size: Int) -> [UInt8] {
        var bytes = Array("load \(self.run) \(self.sequence) ".utf8)
        // The padding depends on the number, so that a value torn from two records is not taken for one.
        let letter = UInt8(ascii: "a") + UInt8(self.sequence % 26)
        if bytes.count < size { bytes += [UInt8](repeating: letter, count: size - bytes.count) }
        return bytes
    }

    /// `nil` for a value that no generator has written.
    init?(_ bytes: [UInt8]) {
        let words = bytes.split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
        guard words.count == 4, words[0].elementsEqual("load".utf8),
            let sequence = Int(String(decoding: words[2], as: UTF8.self))
        else { return nil }
        self.init(run: String(decoding: words[1], as: UTF8.self), sequence: sequence)
    }

    init(run: String, sequence: Int) {
        self.run = run
        self.sequence = sequence
    }
}
