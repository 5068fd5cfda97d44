import Testing

@testable import Daemon

@Suite("Placeholders and the environment")
struct TemplateTests {
    private func apply(
        _ text: String, _ environment: [String: String] = [:], _ placeholders: Set<Placeholder> = []
    ) throws -> TextTemplate {
        TextTemplate(try Substitution(environment: environment, placeholders: placeholders).apply(to: text).pieces)
    }

    static let texts: [(String, String)] = [
        ("a ${X} b", "a 1 b"), ("${X}${X}", "11"), ("${EMPTY}", ""), ("${EMPTY:-d}", "d"), ("${NO:-d e}", "d e"),
        ("${NO:-}", ""), ("${X:-d}", "1"), ("$X $ $$", "$X $ $$"), ("$${X}", "${X}"), ("a$", "a$"), ("", ""),
    ]

    @Test(
        "A variable is its value, its default if unset or empty, and two dollars keep the braces", arguments: Self.texts
    )
    func substitutes(text: String, result: String) throws {
        #expect(try self.apply(text, ["X": "1", "EMPTY": ""]).description == result)
    }

    @Test("What the environment puts in is not looked at again")
    func once() throws {
        let template = try self.apply("${X} ${node}", ["X": "${node} ${Y}"], [.node])
        #expect(try template.filled(with: [.node: "n-1"]) == "${node} ${Y} n-1")
        #expect(template.placeholders == [.node])
    }

    @Test("A placeholder is kept until it is filled in, and what it is filled with is not looked at again")
    func placeholders() throws {
        let template = try self.apply("--id=${identity}@${host}", [:], [.identity, .host])
        #expect(try template.filled(with: [.identity: "${host}", .host: "h"]) == "--id=${host}@h")
        #expect(throws: MissingPlaceholder(placeholder: .identity)) { try template.filled(with: [.host: "h"]) }
    }

    @Test("A node's name stays one argument, whatever is in it")
    func oneArgument() throws {
        let command = CommandTemplate([TextTemplate([.text("/s")]), TextTemplate([.placeholder(.node)])])
        #expect(try command.filled(with: [.node: "a b; $(reboot)"]) == ["/s", "a b; $(reboot)"])
    }

    @Test("A number is read from the names that the rule makes, and from no others")
    func numbers() {
        let rule = NameTemplate(prefix: "kafka-", placeholder: .brokerID, suffix: ".eu")
        #expect(rule.number(in: rule.name(12)) == 12)
        for name in ["kafka-.eu", "kafka-1", "kafka-01.eu", "kafka--1.eu", "kafka-1x.eu", "kafka-1.eu2", ""] {
            #expect(rule.number(in: name) == nil, "\(name)")
        }
    }

    static let slips: [(String, String?)] = [
        ("prot", "port"), ("metrics-port", "metrics_port"), ("PORT", "port"), ("hsot", "host"), ("xyz", nil), ("", nil),
    ]

    @Test("The nearest name is the one with the fewest slips, if they are few", arguments: Self.slips)
    func nearest(word: String, expected: String?) {
        #expect(NearestName.of(word, among: ["port", "host", "metrics_port"]) == expected)
    }
}
