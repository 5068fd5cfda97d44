import Cluster
import Healer
import struct Synchronization.Mutex
import Testing

@testable import Daemon
@testable import ZooKeeper

extension RealEnsemble {
    @Suite struct CoordinationWatchTests {
        /// What the core was told, newest last.
        private final class Told: Sendable {
            private let events = Mutex<[Event]>([])
            func add(_ event: Event) { self.events.withLock { $0.append(event) } }
            /// The number of the newest digest of this healer; `nil` when its node is gone, or was never read.
            func sequence(of healer: HealerID) -> Int64? {
                self.events.withLock { events in
                    for event in events.reversed() {
                        if case .digestRead(healer, let digest) = event { return digest?.sequence }
                    }
                    return nil
                }
            }
            var controlReads: Int {
                self.events.withLock { $0.count { if case .controlRead = $0 { true } else { false } } }
            }
            func isPaused() -> Bool {
                self.events.withLock { events in
                    for event in events.reversed() {
                        if case .controlRead(let view) = event { return view.cluster.paused != nil }
                    }
                    return false
                }
            }
        }

        private func digest(_ healer: HealerID, _ sequence: Int64) -> [UInt8] {
            Ledger.encode(Digest(healer: healer, sequence: sequence, at: WallTime(1), verdicts: [:]))
        }

        @Test("What others put there is heard of after each reconnection, also from those who were there before")
        func reconnected() async throws {
            try await withSession { session in
                let layout = Layout(root: newPath(), cluster: ClusterName("main"))
                for node in layout.foundation { try await session.create(node.path, data: node.data) }
                let (told, other) = (Told(), HealerID("healer-2"))
                let path = layout.observer(other)
                try await session.create(path, data: self.digest(other, 1))
                let watch = CoordinationWatch(
                    layout: layout, healer: HealerID("healer-1"), time: BootClock(), log: Logger { _ in },
                    report: { told.add($0) }, resign: { _ in })
                let running = Task { await watch.run() }
                defer { running.cancel() }

                var sequence: Int64 = 1
                for round in 1...3 {
                    // A session of its own each time: what was watched by the one before is never heard of.
                    try await withSession { own in
                        await watch.use(ZooKeeperStore(own))
                        try await until("round \(round): the digest") { told.sequence(of: other) == sequence }
                        for _ in 1...2 {
                            sequence += 1
                            try await session.set(path, data: self.digest(other, sequence))
                            try await until("round \(round): digest \(sequence)") {
                                told.sequence(of: other) == sequence
                            }
                        }
                        let control = round % 2 == 1 ? Control(paused: .init(by: "me", why: "a test")) : Control()
                        try await session.set(layout.control, data: control.json)
                        try await until("round \(round): control") { told.isPaused() == (round % 2 == 1) }
                        await watch.use(nil)
                    }
                }
                // Gone while nobody looked.
                try await session.delete(path)
                try await withSession { own in
                    await watch.use(ZooKeeperStore(own))
                    try await until("gone") { told.sequence(of: other) == nil }
                    await watch.use(nil)
                }
            }
        }

        @Test("Each change of a control is one read, however often both were changed by turns before")
        func oneRead() async throws {
            try await withSession { session in
                let layout = Layout(root: newPath(), cluster: ClusterName("main"))
                for node in layout.foundation { try await session.create(node.path, data: node.data) }
                let told = Told()
                let watch = CoordinationWatch(
                    layout: layout, healer: HealerID("healer-1"), time: BootClock(), log: Logger { _ in },
                    report: { told.add($0) }, resign: { _ in })
                let running = Task { await watch.run() }
                defer { running.cancel() }
                await watch.use(ZooKeeperStore(session))
                try await until("the first read") { told.controlReads == 1 }
                for round in 1...10 {
                    for path in [layout.control, layout.globalControl] {
                        let before = told.controlReads
                        try await session.set(path, data: Control().json)
                        try await until("round \(round)") { told.controlReads > before }
                    }
                }
                try await session.sync(layout.control)
                #expect(told.controlReads == 21)
            }
        }
    }
}
