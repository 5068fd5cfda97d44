import Foundation
import Testing

@testable import ChaosTool

/// What the guide says in tables, held against what it says it of; its commands are run by `scripts/guide-check`.
@Suite("docs/kafka-ha-guide.md") struct GuideTests {
    private func file(_ name: String) throws -> String {
        try String(contentsOfFile: try OwnProgram.above(name), encoding: .utf8)
    }

    /// The cells of each row of the tables below this heading, or line, up to the next heading.
    private func rows(below line: String) throws -> [[String]] {
        let lines = try self.file("docs/kafka-ha-guide.md").components(separatedBy: "\n")
        let start = try #require(lines.firstIndex(of: line))
        return lines[(start + 1)...].prefix { !$0.hasPrefix("## ") }.filter { $0.hasPrefix("|") }.map { row in
            row.components(separatedBy: " | ").map { $0.trimmingCharacters(in: CharacterSet(charactersIn: "|` ")) }
        }
    }

    @Test("A row of the table of failures is a scenario that there is, in its own words, on a platform that there is")
    func failures() throws {
        let rows = try self.rows(below: "<!-- measured -->").dropFirst(2)
        #expect(!rows.isEmpty)
        for row in rows {
            try #require(row.count == 11, "\(row)")
            #expect([ProcessPlatform.word, ComposePlatform.word].contains(row[2]), "\(row)")
            guard row[1] != "mix" else { continue }
            let scenario = try ScenarioReader.read(path: "\(try RunCommand.folder)/\(row[1]).yaml")
            #expect(row[0] == scenario.summary, "run scripts/failure-matrix")
        }
    }

    @Test("The alerts are those of deploy/prometheus/alerts.yml")
    func alerts() throws {
        let shipped = try self.file("deploy/prometheus/alerts.yml").components(separatedBy: "\n").compactMap { line in
            line.range(of: "- alert: ").map { String(line[$0.upperBound...]) }
        }
        let told = try self.rows(below: "## Monitoring").map { $0[0] }.filter {
            shipped.contains($0) || $0.hasPrefix("Kafka")
        }
        #expect(!shipped.isEmpty && Set(told) == Set(shipped) && told.count == shipped.count)
    }

    @Test("What the compose file takes from the environment has the standard that is told")
    func environment() throws {
        let compose = try self.file("docker-compose.kafka-cluster.yml")
        let rows = try self.rows(below: "## Configuration").dropFirst(2)
        #expect(rows.count >= 7)
        for row in rows {
            let names = row[0].components(separatedBy: "`, `")
            let standards = row[1].components(separatedBy: "`, `")
            for (name, standard) in zip(names, standards) {
                #expect(compose.contains("${\(name):-\(standard)}"), "\(name): \(standard)")
            }
        }
    }
}
