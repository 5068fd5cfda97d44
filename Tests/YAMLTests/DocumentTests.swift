import Testing
import YAML

@Suite("A YAML text as a tree")
struct DocumentTests {
    @Test("Every key and value knows its line and column, also behind an accent")
    func places() throws {
        let root = try #require(
            YAMLDocument(parsing: "a: 1\nlist:\n  - é: x\n  - {p: [y, 'z']}\n").root)
        #expect(root.mapping?.map(\.keyMark) == [Mark(line: 1, column: 1), Mark(line: 2, column: 1)])
        #expect(root["a"]?.mark == Mark(line: 1, column: 4))
        let items = try #require(root["list"]?.sequence)
        #expect(items[0]["é"]?.mark == Mark(line: 3, column: 8))
        #expect(items[1]["p"]?.sequence?.map(\.mark) == [Mark(line: 4, column: 10), Mark(line: 4, column: 13)])
        #expect(items[1]["p"]?.sequence?.map { $0.scalar?.text } == ["y", "z"])
    }

    @Test("JSON is read as it is")
    func json() throws {
        let root = try #require(YAMLDocument(parsing: #"{"a": {"b": [1, true, null, "x\n\u00e9"]}}"#).root)
        let items = try #require(root["a"]?["b"]?.sequence)
        #expect(try items[0].scalar?.integer() == 1)
        #expect(try items[1].scalar?.boolean() == true)
        #expect(items[2].scalar?.isNull == true)
        #expect(items[3].scalar == Scalar(text: "x\né", isPlain: false))
    }

    @Test("A text without a value has no root and no errors", arguments: ["", "# nothing\n", "---\n", "~\n"])
    func empty(text: String) {
        let document = YAMLDocument(parsing: text)
        #expect(document.root == nil)
        #expect(document.errors.isEmpty)
    }

    @Test("An alias is the value of its anchor, and the later anchor of a name holds from then on")
    func aliases() throws {
        let root = try #require(
            YAMLDocument(parsing: "a: &x {k: 1}\nb: *x\nc: &x 2\nd: *x\n").root)
        #expect(root["b"] == root["a"])
        #expect(root["d"]?.scalar?.text == "2")
    }

    @Test("What libyaml refuses is said with its place")
    func syntax() {
        let errors = YAMLDocument(parsing: "a: 1\nb: [1, 2\nc: 3\n").errors
        #expect(errors.count == 1)
        #expect(errors.first?.mark.line == 3)
        guard case .syntax = errors.first?.reason else {
            Issue.record("\(errors)")
            return
        }
    }

    @Test("A tab for indentation is named")
    func tab() {
        #expect(YAMLDocument(parsing: "a:\n\tb: 1\n").errors == [YAMLError(.tab, at: Mark(line: 2, column: 1))])
    }

    @Test("Bytes that are not UTF-8 are named with their place")
    func notUTF8() {
        let errors = YAMLDocument(parsing: Array("a: 1\nb: x".utf8) + [0xff, 0x0a]).errors
        #expect(errors == [YAMLError(.notUTF8, at: Mark(line: 2, column: 5))])
    }

    @Test("Errors that leave the text readable are all found at once, and the rest is there")
    func several() throws {
        let text = "a: 1\na: 2\n<<: {x: 1}\n? [k]\n: 1\nb: !vault s\nc: *nobody\nd: 4\n"
        let document = YAMLDocument(parsing: text)
        #expect(
            document.errors.map(\.reason) == [
                .duplicateKey("a", first: Mark(line: 1, column: 1)), .mergeKey, .keyIsNotText, .tag("!vault"),
                .unknownAlias("nobody"),
            ])
        #expect(document.errors.map(\.mark.line) == [2, 3, 4, 6, 7])
        #expect(document.root?["a"]?.scalar?.text == "1")
        #expect(document.root?["d"]?.scalar?.text == "4")
    }

    @Test("A second document is an error")
    func secondDocument() {
        #expect(YAMLDocument(parsing: "a: 1\n---\nb: 2\n").errors.map(\.reason) == [.secondDocument])
    }

    @Test("`!!str` makes a text of anything")
    func stringTag() throws {
        let scalar = try #require(YAMLDocument(parsing: "a: !!str 5\n").root?["a"]?.scalar)
        #expect(scalar == Scalar(text: "5", isPlain: false))
    }
}

@Suite("What a text may take")
struct LimitTests {
    @Test("Aliases of aliases are counted in full, so a small text cannot fill the memory")
    func laughs() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...30 {
            text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n"
        }
        #expect(YAMLDocument(parsing: text).errors.map(\.reason) == [.tooManyNodes(count: 100_000)])
    }

    @Test("An alias within its own value is refused")
    func itself() {
        #expect(YAMLDocument(parsing: "a: &a [1, *a]\n").errors.map(\.reason) == [.aliasWithinItself("a")])
    }

    // Not written inside `@Test`: the compiler of 6.0 crashes on a closure there.
    static let deepTexts = [
        String(repeating: "[", count: 100_000), String(repeating: "- ", count: 1000) + "x",
        (0..<100).reduce("- &a0 [x]\n") { $0 + "- &a\($1 + 1) [*a\($1)]\n" },
    ]

    @Test("Nesting ends at its limit, in flow and block, also when aliases make it deep", arguments: Self.deepTexts)
    func deep(text: String) {
        #expect(YAMLDocument(parsing: text).errors.map(\.reason) == [.tooDeep(levels: 64)])
    }

    @Test("The deepest allowed text is read, one level more is not")
    func depthBoundary() {
        let limits = YAMLDocument.Limits(levels: 3)
        #expect(YAMLDocument(parsing: "[[x]]", limits: limits).errors.isEmpty)
        #expect(!YAMLDocument(parsing: "[[[x]]]", limits: limits).errors.isEmpty)
        #expect(YAMLDocument(parsing: "[&a [x], *a]", limits: limits).errors.isEmpty)
        #expect(!YAMLDocument(parsing: "[&a [x], [*a]]", limits: limits).errors.isEmpty)
    }

    @Test("A text longer than its limit is not even looked at")
    func long() {
        let document = YAMLDocument(parsing: String(repeating: "x", count: 11), limits: .init(bytes: 10))
        #expect(document.errors.map(\.reason) == [.tooLong(bytes: 10)])
    }

    @Test("No text of a few seeded bytes traps", arguments: UInt64(0)..<300)
    func garbage(seed: UInt64) {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1
        let alphabet = Array("ab:-[]{}&*!?|>'\"%@, \n\t#~<\u{e9}\0".utf8) + [0xff]
        let bytes = (0..<60).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return alphabet[Int(state % UInt64(alphabet.count))]
        }
        let document = YAMLDocument(parsing: bytes)
        #expect(document.errors == document.errors.sorted { $0.mark < $1.mark })
    }
}
