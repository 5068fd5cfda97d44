import Admin
import Cluster
import Foundation

/// What is written down of one run: `NAME-seed-N.json`, and the same as a page.
struct RunReport: Hashable, Sendable, Codable {
    let scenario: String
    let summary: String
    let platform: String
    let seed: UInt64
    let outcome: RunVerdict.Outcome
    /// Milliseconds since 1970, as all times here.
    let began: WallTime
    let stepsEnded: WallTime
    let ended: WallTime
    let figures: RunVerdict.Figures
    let invariants: [InvariantVerdict]
    /// What was seen to be wrong while it went on, and when.
    let sightings: [LiveJudge.Sighting]
    let unmet: [String]
    let invalid: [String]
    let faults: [FaultRecord]
    let leaderships: [Leadership]
    let decisions: [Decision]
    let looks: [ClusterLook]
    let load: LoadOutcome?

    struct Leadership: Hashable, Sendable, Codable {
        let at: WallTime
        let epoch: Int64
        /// `nil` after a resignation.
        let healer: String?
    }

    /// One entry of an incident's story, or of the supervisor's log.
    struct Decision: Hashable, Sendable, Codable {
        let at: WallTime
        /// `healers` or `supervisor`.
        let by: String
        let subject: String
        let what: String
    }

    init(_ verdict: RunVerdict, platform: String) {
        let record = verdict.record
        self.scenario = record.scenario.name
        self.summary = record.scenario.summary
        self.platform = platform
        self.seed = record.seed
        self.outcome = verdict.outcome
        self.began = record.began
        self.stepsEnded = record.stepsEnded
        self.ended = record.ended
        self.figures = verdict.figures
        self.invariants = verdict.invariants
        self.sightings = record.sightings
        self.unmet = verdict.unmet
        self.invalid = verdict.invalid
        self.faults = record.faults
        self.leaderships = record.history.claims.map {
            Leadership(at: $0.at, epoch: $0.record.epoch.rawValue, healer: $0.record.holder?.member.rawValue)
        }
        self.looks = record.looks
        self.load = record.load
        self.decisions = Self.decisions(record)
    }

    private static func decisions(_ record: RunRecord) -> [Decision] {
        // The last record of each incident tells its whole story.
        let incidents = record.history.incidents.reduce(into: [IncidentID: IncidentRecord]()) { last, item in
            if let id = item.record.id { last[id] = item.record }
        }
        let told = incidents.values.flatMap { incident in
            incident.timeline.map { item in
                Decision(
                    at: item.at, by: "healers",
                    subject: incident.subject.node?.rawValue ?? incident.code.rawValue, what: item.what.sentence)
            }
        }
        let done = record.requests.filter(\.isStep).map { request in
            Decision(
                at: request.at, by: "supervisor", subject: request.node,
                what: "\(request.verb.rawValue) asked by \(request.healer ?? "?"), intent \(request.intent ?? "none"): "
                    + request.result.rawValue)
        }
        return (told + done).sorted { ($0.at, $0.subject, $0.what) < ($1.at, $1.subject, $1.what) }
    }

    func write(into folder: String) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let name = "\(folder)/\(self.scenario)-seed-\(self.seed)"
        try AtomicFile.write(self, to: "\(name).json")
        try AtomicFile.write(Data(ReportPage(self).html.utf8), to: "\(name).html")
    }
}
