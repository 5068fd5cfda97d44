import Admin
import Cluster
import Healer

/// What stands in the audit trail, one line each.
enum AuditRecord: Sendable {
    /// An intent is about to be written.
    case intent(Intent)
    /// A step is about to begin.
    case begin(Intent)
    /// Something happened in an incident while this healer led.
    case note(Note)
}

extension HealerLogs {
    func audit(_ record: AuditRecord, of cluster: ClusterName) async throws {
        var fields: [String: LogValue] = ["cluster": LogValue(cluster)]
        switch record {
        case .intent(let intent): try await self.audit("intent", fields.merging(intent.fields) { $1 })
        case .begin(let intent): try await self.audit("begin", fields.merging(intent.fields) { $1 })
        case .note(let note):
            fields.merge(note.fields) { $1 }
            try await self.audit("incident", fields)
        }
    }
}

extension Intent {
    fileprivate var fields: [String: LogValue] {
        [
            "intent.id": LogValue(self.id), "intent.step": .string(self.step.rawValue), "node": LogValue(self.node),
            "incident.id": LogValue(self.incident), "intent.attempt": .integer(Int64(self.attempt)),
            "intent.target": .string(self.target?.rawValue ?? "-"), "election.epoch": LogValue(self.id.epoch),
        ]
    }
}

extension Note {
    var fields: [String: LogValue] {
        [
            "incident.id": .string(self.incident?.description ?? "-"), "incident.code": .string(self.code.rawValue),
            "incident.subject": .string(self.subject.sentence), "incident.what": .string(self.entry.what.kind.rawValue),
            "incident.text": .string(self.entry.what.sentence),
        ]
    }
}
