import Cluster

extension ZooKeeperEnsemble {
    /// One session that is connected; `nil` if no server answers within the limit. To be closed by whoever asked.
    func connected(within limit: Duration) async -> (any StoreSession)? {
        await withTaskGroup(of: (any StoreSession)?.self) { group in
            group.addTask {
                let session = await self.connect()
                for await state in session.states() {
                    if case .connected = state { return session }
                }
                await session.close()
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: limit)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            // Both may have ended at the same moment.
            for await late in group { await late?.close() }
            return first
        }
    }
}
