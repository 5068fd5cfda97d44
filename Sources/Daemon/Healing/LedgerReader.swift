import Cluster
import Healer

/// Reads everything that ``Ledger`` keeps.
struct LedgerReader: Sendable {
    let ledger: Ledger

    /// As it stands after all that was committed before the call.
    func read(_ session: any StoreSession) async throws(StoreError) -> LedgerContents {
        let layout = self.ledger.layout
        try await session.sync(layout.base)
        var contents = LedgerContents()
        var paths = [layout.nodes]
        for parent in [layout.recoveries, layout.history, layout.incidents] {
            paths += try await session.children(parent, watch: nil).sorted().map { "\(parent)/\($0)" }
        }
        for path in paths {
            guard let key = self.ledger.key(of: path) else { continue }
            do throws(StoreError) {
                let node = try await session.get(path, watch: nil)
                contents.add(key, data: node.data, version: node.stat.version)
            } catch {
                // Gone since it was listed.
                guard error.reason == .noNode else { throw error }
            }
        }
        return contents
    }
}
