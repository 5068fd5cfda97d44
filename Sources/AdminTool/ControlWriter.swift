import Admin
import Cluster
import ZooKeeper

/// Writes what operators ask for, each write conditional on what was read.
struct ControlWriter: Sendable {
    /// How often somebody else may write in between before this is given up.
    static let attempts = 10

    let tree: CoordinationTree

    /// - Parameter change: may be applied several times, to what was read last; writing nothing new is a success.
    func update(
        _ path: String, _ change: (inout Control) -> Void
    ) async throws(ToolFailure) {
        for _ in 0..<Self.attempts {
            let found = try await self.tree.content(path)
            let old: Control
            do throws(Control.Unreadable) {
                old = try Control(json: found?.data ?? [])
            } catch {
                throw ToolFailure(
                    "\(path) cannot be read (\(error.reason)): no step starts while it is so",
                    hint: "Look at it with zkCli.sh, and set it to {} if nothing in it is needed.")
            }
            var new = old
            change(&new)
            if new == old, found != nil { return }
            do throws(ZooKeeperError) {
                if let found {
                    try await self.tree.session.set(path, data: new.json, version: found.stat.version)
                } else {
                    try await self.tree.session.create(path, data: new.json)
                }
                return
            } catch  where error.code == .badVersion || error.code == .nodeExists {
                continue
            } catch  where error.isAmbiguous && error.code != .sessionExpired {
                // It may have been written: reading again tells, once there is a connection.
                _ = try await ToolFailure.catching { () throws(ZooKeeperError) in
                    try await self.tree.session.connected(within: self.tree.timeout)
                }
                continue
            } catch {
                throw ToolFailure(error)
            }
        }
        throw ToolFailure(
            "\(path) was changed by somebody else \(Self.attempts) times in a row",
            hint: "See what is there with `healerctl status`, then try again.")
    }

    /// Returns when every open intent that `concerns` has either begun or passed the time until which it might: an intent
    /// that was committed before the control was written may begin for its freshness, and no longer.
    ///
    /// The waiting starts after that write, so each such intent was sent earlier.
    /// - Returns: those that are still open: they have begun, and go on to their own end, or their outcome is not
    ///   written yet.
    func settle(
        _ layouts: [Layout], concerns: (NodeName) -> Bool = { _ in true }
    ) async throws(ToolFailure) -> [RecoveryRecord] {
        let begin = ContinuousClock.now
        func open() async throws(ToolFailure) -> [RecoveryRecord] {
            var records: [RecoveryRecord] = []
            for layout in layouts {
                records += try await self.tree.openRecoveries(layout).filter { concerns($0.intent.node) }
            }
            return records
        }
        let before = try await open()
        guard let freshness = before.map({ $0.intent.freshness }).max() else { return [] }
        try? await Task.sleep(until: begin + min(freshness, Self.longestFreshness), clock: .continuous)
        // Only those that were there: what came after the write is none of ours.
        let ids = Set(before.map { $0.intent.id })
        return try await open().filter { ids.contains($0.intent.id) }
    }

    /// No profile allows more; a record that says so is not believed.
    static let longestFreshness = Duration.seconds(60)
}
