import Cluster
import Healer
import Synchronization
import Testing

@Suite struct HealingLoopTests {
    /// Writes down what it is asked for, and answers questions about the records with nothing.
    private final class Recorder: HealingShell {
        let effects: AsyncStream<Effect>
        private let entrance: AsyncStream<Effect>.Continuation
        init() { (self.effects, self.entrance) = AsyncStream.makeStream(of: Effect.self) }
        func perform(_ effect: Effect, report: HealingReports) async {
            self.entrance.yield(effect)
            if effect == .readLedger { report(.ledgerRead(LedgerContents())) }
        }
    }
    private struct Time: TimeSource {
        let begin = ContinuousClock.now
        func now() -> Moment { Moment(ContinuousClock.now - self.begin) }
        func wallTime() -> WallTime { WallTime(1_800_000_000_000) }
        func sleep(for duration: Duration) async throws(CancellationError) {
            do { try await Task.sleep(for: duration) } catch { throw CancellationError() }
        }
    }

    @Test("What monitors report becomes effects, in order, without waiting for a tick", .timeLimit(.minutes(1)))
    func loop() async {
        let shell = Recorder()
        let loop = HealingLoop(policy: Rig.policy(), seed: 1, shell: shell, time: Time())
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await loop.run() }
            let broker = Rig.broker(1)
            loop.reports(
                .observed(
                    Observation(
                        at: Moment(.milliseconds(1)), method: .socket, fact: .node(broker, .connectionReset))))
            for await effect in shell.effects {
                if effect == .look(broker, [.supervisor]) { break }
            }
            let view = await loop.view()
            #expect(view.openIncidents.map(\.subject) == [.node(broker)])
            #expect(await loop.silence() != nil)
            group.cancelAll()
        }
    }
}
