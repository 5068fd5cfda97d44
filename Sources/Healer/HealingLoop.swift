public import Cluster
internal import Synchronization

/// Feeds the machine and carries its effects out, one event at a time: the only task that touches the machine.
public actor HealingLoop {
    /// Between two ticks while something is wrong. Only what is due by time waits for one; events are handled as they come.
    public static let tick = Duration.milliseconds(100)
    /// Between two ticks while nothing is wrong and nothing under way: what is due then is due every half second or more.
    public static let calmTick = Duration.milliseconds(250)
    /// Events that may wait. Far more than a machine ever leaves; beyond it, observations repeat and answers time out.
    public static let inboxLimit = 65_536

    private var machine: HealerMachine
    private let shell: any HealingShell
    private let time: any TimeSource
    private let inbox: AsyncStream<Event>
    private let entrance: AsyncStream<Event>.Continuation
    private var handledAt: Moment?
    private let isCalm = Atomic(false)

    public init(policy: Policy, seed: UInt64, shell: any HealingShell, time: any TimeSource) {
        self.machine = HealerMachine(policy: policy, seed: seed)
        self.shell = shell
        self.time = time
        (self.inbox, self.entrance) = AsyncStream.makeStream(
            of: Event.self, bufferingPolicy: .bufferingOldest(Self.inboxLimit))
    }

    /// The way in, for monitors, the elector and the runner alike; from any task or thread, never waiting.
    public nonisolated var reports: HealingReports {
        let entrance = self.entrance
        return HealingReports { entrance.yield($0) }
    }

    /// Until cancelled.
    public func run() async {
        let reports = self.reports
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [time] in
                while !Task.isCancelled {
                    reports(.ticked(time.wallTime()))
                    try? await time.sleep(for: self.isCalm.load(ordering: .relaxed) ? Self.calmTick : Self.tick)
                }
            }
            for await event in self.inbox {
                let now = self.time.now()
                self.handledAt = now
                for effect in self.machine.handle(event, at: now) {
                    await self.shell.perform(effect, report: reports)
                }
                self.isCalm.store(self.machine.isCalm, ordering: .relaxed)
            }
            group.cancelAll()
        }
    }

    public func view() -> ClusterView { self.machine.view(at: self.time.now()) }

    /// How long ago the loop handled an event: it ticks, so a long time means that it hangs. `nil` before the first.
    public func silence() -> Duration? { self.handledAt.map { self.time.now() - $0 } }
}
