/// A single value as it is written. What it means is the reader's wish: `on` is a text for who wants a text, and true
/// for who wants a yes or no; nothing is guessed from its looks.
public struct Scalar: Hashable, Sendable {
    public let text: String
    /// Without quotes, and not a block: only such a value can be anything but a text.
    public let isPlain: Bool
    public init(text: String, isPlain: Bool) {
        self.text = text
        self.isPlain = isPlain
    }

    /// Why a value is not what its reader wishes for.
    public enum Mismatch: Error, Hashable, Sendable {
        /// Quotes make it a text.
        case quoted
        case other
        /// YAML 1.1 takes a leading zero for octal, people mostly do not.
        case leadingZero
        /// `1:30` is 90 in YAML 1.1.
        case sexagesimal
        /// More than 64 bits hold.
        case overflow
    }

    /// Nothing at all, `~` or `null`.
    public var isNull: Bool { self.isPlain && ["", "~", "null", "Null", "NULL"].contains(self.text) }

    /// True, false, yes, no, on or off, in lower case, upper case or capitalized.
    public func boolean() throws(Mismatch) -> Bool {
        let lower = self.text.lowercased()
        guard [lower, self.text.uppercased(), lower.prefix(1).uppercased() + lower.dropFirst()].contains(self.text)
        else { throw .other }
        let value: Bool
        switch lower {
        case "true", "yes", "on": value = true
        case "false", "no", "off": value = false
        default: throw .other
        }
        guard self.isPlain else { throw .quoted }
        return value
    }

    /// Decimal digits, with a sign or not.
    public func integer() throws(Mismatch) -> Int64 {
        let digits = try self.digits(self.unsigned)
        if digits.count > 1, digits.first == "0" { throw .leadingZero }
        guard let value = Int64(self.text) else { throw .overflow }
        guard self.isPlain else { throw .quoted }
        return value
    }

    /// Decimal digits, with a sign or not, with a decimal point and more digits or not.
    public func number() throws(Mismatch) -> Double {
        let parts = self.unsigned.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let whole = try self.digits(parts[0])
        if parts.count > 1 { _ = try self.digits(parts[1]) }
        if whole.count > 1, whole.first == "0" { throw .leadingZero }
        guard let value = Double(self.text), value.isFinite else { throw .overflow }
        guard self.isPlain else { throw .quoted }
        return value
    }

    private var unsigned: Substring {
        self.text.first == "-" || self.text.first == "+" ? self.text.dropFirst() : self.text[...]
    }

    private func digits(_ text: Substring) throws(Mismatch) -> Substring {
        guard !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            let parts = self.unsigned.split(separator: ":", omittingEmptySubsequences: false)
            let clockLike = parts.count > 1 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isNumber) }
            throw clockLike ? .sexagesimal : .other
        }
        return text
    }
}
