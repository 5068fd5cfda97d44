public import Cluster
internal import FoundationEssentials

/// Our place in line: an ephemeral, sequential node.
public struct Candidate: Hashable, Sendable {
    /// 32 hexadecimal digits, new for every place in line, so that a create whose reply was lost is found again. Also
    /// the nonce of this candidate's claim: a candidate leads at most once, and the record tells which candidate holds it.
    public let guid: String
    public let path: String

    var name: String { String(self.path.split(separator: "/").last ?? "") }
}

/// The names in `candidates`.
enum CandidateName {
    /// What a name begins with; ZooKeeper appends ten digits.
    static func prefix(_ guid: String) -> String { "\(guid)-n_" }

    /// Those that are candidates, first in line first. The identifier does not count, only ZooKeeper's number.
    static func inOrder(_ names: [String]) -> [String] {
        names.compactMap { name in self.sequence(of: name).map { ($0, name) } }
            .sorted { $0 < $1 }.map { $0.1 }
    }

    private static func sequence(of name: String) -> Int? {
        guard let mark = name.lastRange(of: "-n_") else { return nil }
        return Int(name[mark.upperBound...])
    }
}

extension String {
    fileprivate func lastRange(of mark: String) -> Range<String.Index>? {
        var start = self.endIndex
        while start > self.startIndex {
            start = self.index(before: start)
            if self[start...].hasPrefix(mark) { return start..<self.index(start, offsetBy: mark.count) }
        }
        return nil
    }
}

extension Member {
    /// What stands in a candidate.
    var encoded: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings only: nothing that JSON cannot say.
        return Array(try! encoder.encode(self))
    }

    public init(decoding bytes: [UInt8]) throws {
        self = try JSONDecoder().decode(Self.self, from: Data(bytes))
    }
}

/// Makes identifiers from a seed, so that a replayed machine makes the same ones.
struct TokenSource: Hashable, Sendable {
    private var a: UInt64
    private var b: UInt64

    init(seed: (UInt64, UInt64)) { (self.a, self.b) = seed }

    /// 32 hexadecimal digits.
    mutating func next() -> String {
        // Weyl sequences, mixed as SplitMix64 does it.
        self.a &+= 0x9E37_79B9_7F4A_7C15
        self.b &+= 0xD1B5_4A32_D192_ED03
        return Self.hexadecimal(Self.mixed(self.a)) + Self.hexadecimal(Self.mixed(self.b))
    }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private static func hexadecimal(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
