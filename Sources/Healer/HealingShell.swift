/// What carries the machine's effects out. `Daemon` and the simulation each have one.
public protocol HealingShell: Sendable {
    /// Starts it and returns soon; what takes long reports later, also after this returned, in any order.
    func perform(_ effect: Effect, report: HealingReports) async
}

/// The way back into the loop.
public struct HealingReports: Sendable {
    let send: @Sendable (Event) -> Void
    public init(_ send: @escaping @Sendable (Event) -> Void) { self.send = send }
    public func callAsFunction(_ event: Event) { self.send(event) }
}
