import Admin
import Cluster
import Healer

extension ClusterShell {
    /// Whether it stands in the audit trail now.
    func audit(_ record: AuditRecord, _ report: HealingReports) async -> Bool {
        do {
            try await self.means.audit(record)
            if self.auditProblem != nil {
                self.auditProblem = nil
                report(.auditUnwritable(reason: nil))
            }
            return true
        } catch {
            if self.auditProblem == nil {
                self.means.log.error(
                    "audit trail cannot be written, so no step is taken", ["error": LogValue("\(error)")])
            }
            self.auditProblem = "\(error)"
            report(.auditUnwritable(reason: "\(error)"))
            return false
        }
    }

    func page(_ page: Page) {
        self.means.log.error(
            "page",
            [
                "incident.id": LogValue(page.incident?.description ?? "-"),
                "incident.code": LogValue(page.code.rawValue),
                "incident.subject": .string(page.subject.sentence), "page.reason": .string(page.reason.sentence),
            ])
    }

    func note(_ note: Note, _ report: HealingReports) async {
        self.means.log.log(note.leading ? .info : .debug, "incident", note.fields)
        if note.leading { _ = await self.audit(.note(note), report) }
    }
}
