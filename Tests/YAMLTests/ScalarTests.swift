import Testing
import YAML

@Suite("A scalar means what its reader wishes")
struct ScalarTests {
    private func plain(_ text: String) -> Scalar { Scalar(text: text, isPlain: true) }

    @Test(
        "YAML 1.1's words for yes and no are booleans", arguments: ["true", "True", "TRUE", "yes", "Yes", "on", "ON"])
    func yes(text: String) throws {
        #expect(try self.plain(text).boolean())
        #expect(self.plain(text).text == text)
    }

    @Test("The words for no, too", arguments: ["false", "False", "no", "NO", "off", "Off"])
    func no(text: String) throws { #expect(try !self.plain(text).boolean()) }

    @Test("Other words are not", arguments: ["y", "n", "1", "0", "oN", "tRue", "", "ja"])
    func other(text: String) { #expect(throws: Scalar.Mismatch.other) { try self.plain(text).boolean() } }

    @Test("Quotes make a text of a boolean and of a number")
    func quoted() {
        #expect(throws: Scalar.Mismatch.quoted) { try Scalar(text: "on", isPlain: false).boolean() }
        #expect(throws: Scalar.Mismatch.quoted) { try Scalar(text: "8080", isPlain: false).integer() }
        #expect(throws: Scalar.Mismatch.quoted) { try Scalar(text: "1.5", isPlain: false).number() }
        #expect(!Scalar(text: "null", isPlain: false).isNull)
    }

    @Test(
        "Whole numbers are decimal", arguments: [("0", 0), ("8080", 8080), ("-1", -1), ("+7", 7)] as [(String, Int64)])
    func integers(text: String, value: Int64) throws { #expect(try self.plain(text).integer() == value) }

    @Test(
        "What YAML 1.1 would take for another number is refused by name",
        arguments: [
            ("010", .leadingZero), ("1:30", .sexagesimal), ("190:20:30", .sexagesimal), ("0x1f", .other),
            ("1_000", .other), ("1.5", .other), ("", .other), ("-", .other), ("٣", .other), ("1:", .other),
            ("9223372036854775808", .overflow),
        ] as [(String, Scalar.Mismatch)])
    func surprises(text: String, mismatch: Scalar.Mismatch) {
        #expect(throws: mismatch) { try self.plain(text).integer() }
    }

    @Test("Numbers have at most one point, with digits on both sides")
    func numbers() throws {
        #expect(try self.plain("0.5").number() == 0.5)
        #expect(try self.plain("3").number() == 3)
        #expect(try self.plain("-2.25").number() == -2.25)
        for text in [".5", "5.", "1.2.3", ".inf", ".nan", "1e3", "nan"] {
            #expect(throws: Scalar.Mismatch.other, "\(text)") { try self.plain(text).number() }
        }
        #expect(throws: Scalar.Mismatch.leadingZero) { try self.plain("00.5").number() }
    }
}
