/// Where a loop gets its time from. Machines have none: a ``Moment`` is handed in with every event.
public protocol TimeSource: Sendable {
    /// CLOCK_BOOTTIME.
    func now() -> Moment
    /// For people only.
    func wallTime() -> WallTime
    func sleep(for duration: Duration) async throws(CancellationError)
}
