/// A session's state and those who follow it. Guarded by the connection's lock, so that all see the same order.
struct StateStream {
    private(set) var state: SessionState = .connecting
    private var readers: [Reader] = []

    /// The end of somebody's stream, whatever its values are.
    ///
    /// Both are called while holding the connection's lock, and wake a task. So nothing that a task does when it is
    /// cancelled may take that lock: the runtime holds the task while it runs what cancelling brings, and needs it to wake it.
    struct Reader: Sendable {
        /// - Returns: Whether anybody reads on.
        let yield: @Sendable (SessionState) -> Bool
        let finish: @Sendable () -> Void
    }

    /// A final state ends all streams.
    mutating func become(_ state: SessionState) {
        guard !self.state.isFinal, state != self.state else { return }
        self.state = state
        self.readers.removeAll { !$0.yield(state) }
        guard state.isFinal else { return }
        for reader in self.readers { reader.finish() }
        self.readers = []
    }

    /// A reader that goes away is forgotten with the next state.
    mutating func add(_ reader: Reader) {
        let isRead = reader.yield(self.state)
        if self.state.isFinal { reader.finish() } else if isRead { self.readers.append(reader) }
    }
}
