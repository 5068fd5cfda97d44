import Cluster
import Healer
import ZooKeeper

extension OrphanOutcome {
    /// How long the ensemble is waited for: a leader that takes over waits for the step's limit at most.
    private static let patience = Duration.seconds(30)

    /// Puts the result into the intent's own record, unless somebody has touched it since it was put down.
    ///
    /// No guard is checked here: it ends an intent, and permits nothing.
    func putDown(_ result: StepResult) async -> Bool {
        var configuration = Session.Configuration(servers: self.servers)
        configuration.digest = self.digest
        configuration.security = self.security
        guard let session = try? await Session.open(configuration) else { return false }
        var record = self.record
        record.result = result
        record.endedAt = BootClock().wallTime()
        var isWritten = false
        do throws(ZooKeeperError) {
            try await session.connected(within: Self.patience)
            try await session.set(self.path, data: Ledger.encode(.recovery(record)), version: self.version)
            isWritten = true
        } catch {
            isWritten = false
        }
        await session.close()
        return isWritten
    }
}
