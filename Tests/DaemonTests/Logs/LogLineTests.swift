import Cluster
import Foundation
import Testing

@testable import Daemon

@Suite("A line of a log")
struct LogLineTests {
    private let record = LogRecord(
        level: .warning, message: "stepping down",
        fields: ["session.silent": "2.1 s", "election.epoch": 3, "ok": true, "share": 0.5, "node": "kafka-1"])

    @Test("Text has the time, the level, the message, and the fields in order of their names")
    func text() {
        #expect(
            LogLine.text(self.record, at: WallTime(1_795_275_409_007))
                == "2026-11-21T15:36:49.007Z WARNING stepping down "
                + #"election.epoch=3 node=kafka-1 ok=true session.silent="2.1 s" share=0.5"#)
    }

    @Test("JSON has the same, and its numbers are numbers")
    func json() throws {
        let line = LogLine.json(self.record, at: WallTime(0))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["time"] as? String == "1970-01-01T00:00:00.000Z")
        #expect(object["election.epoch"] as? Int == 3)
        #expect(object["session.silent"] as? String == "2.1 s")
        #expect(line.hasPrefix(#"{"time":"1970-01-01T00:00:00.000Z","level":"WARNING","message":"stepping down""#))
    }

    @Test(
        "No value can end its line, move a cursor or turn the direction of writing",
        arguments: ["a\nb", "a\r\nb", "\u{1b}[2Jx", "a\u{2028}b", "x\u{202e}y", "\0", "\u{85}", "\u{7f}", "a\u{feff}b"])
    func control(value: String) throws {
        let record = LogRecord(level: .info, message: "m", fields: ["v": .string(value)])
        for line in [LogLine.text(record, at: WallTime(0)), LogLine.json(record, at: WallTime(0))] {
            #expect(
                line.unicodeScalars.allSatisfy {
                    ![.control, .format, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
                })
        }
        let json = LogLine.json(record, at: WallTime(0))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(object["v"] as? String == value)
    }

    @Test("A text value that could be taken for more fields is quoted")
    func forged() {
        let record = LogRecord(level: .info, message: "m", fields: ["v": "x level=ERROR", "w": "", "q": "a\"b"])
        #expect(LogLine.text(record, at: WallTime(0)).hasSuffix(#" q="a\"b" v="x level=ERROR" w="""#))
    }

    @Test("A field cannot replace the time, the level or the message")
    func taken() {
        let record = LogRecord(level: .info, message: "m", fields: ["level": "ERROR", "time": "x"])
        #expect(LogLine.json(record, at: WallTime(0)).hasSuffix(#""field.level":"ERROR","field.time":"x"}"#))
    }

    @Test("A long value is cut off, and says by how much")
    func long() {
        let record = LogRecord(
            level: .info, message: "m", fields: ["v": .string(String(repeating: "x", count: 10_000))])
        let line = LogLine.text(record, at: WallTime(0))
        #expect(line.count < 8400)
        #expect(line.hasSuffix("x… (1808 more)\""))
    }

    @Test("Times before 1970 and at the end of a year are right too")
    func times() {
        #expect(LogLine.timestamp(WallTime(-1)) == "1969-12-31T23:59:59.999Z")
        #expect(LogLine.timestamp(WallTime(1_798_761_599_999)) == "2026-12-31T23:59:59.999Z")
    }

    @Test("A secret is *** in a field")
    func secret() {
        let record = LogRecord(level: .info, message: "m", fields: ["p": LogValue(Secret("hush"))])
        #expect(LogLine.text(record, at: WallTime(0)).hasSuffix("p=***"))
    }
}
