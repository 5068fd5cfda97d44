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
                self.awaitAudit(report)
            }
            self.auditProblem = "\(error)"
            self.auditFailure = (self.means.time.now(), "\(error)")
            report(.auditUnwritable(reason: "\(error)"))
            return false
        }
    }

    /// Nobody decides anything while the audit trail cannot be written, so nobody else would find out that it can.
    private func awaitAudit(_ report: HealingReports) {
        guard !self.awaitsAudit else { return }
        self.awaitsAudit = true
        self.begin {
            while (try? await self.means.time.sleep(for: Self.auditPause)) != nil {
                if await self.isAuditThere(report) { return }
            }
        }
    }

    private func isAuditThere(_ report: HealingReports) async -> Bool {
        do {
            try await self.means.auditAgain()
        } catch {
            self.auditFailure = (self.means.time.now(), "\(error)")
            return false
        }
        self.awaitsAudit = false
        guard self.auditProblem != nil else { return true }
        self.auditProblem = nil
        self.means.log.info("audit trail can be written again")
        report(.auditUnwritable(reason: nil))
        return true
    }

    /// Which access list is in the way: that of the node itself, or of its parent where children are made and removed.
    func sayRefused(
        _ operation: StoreOperation, _ error: StoreError, _ write: LedgerWrite, isIntent: Bool, _ report: HealingReports
    ) async {
        let path: String
        switch operation {
        case .create, .delete: path = String(operation.path.prefix(upTo: operation.path.lastIndex(of: "/")!))
        case .set, .check: path = operation.path
        }
        let session = await self.means.coordination.present as? ZooKeeperStore
        let access = await session?.access(to: path) ?? "not known without a session"
        let reason = "\(operation.path) may not be written (\(error.reason)): the access list of \(path) is \(access)"
        self.means.log.error("a record cannot be written", ["error": LogValue(reason)])
        if isIntent, case .intent = write.purpose { report(.intentUnwritable(reason: reason)) }
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
