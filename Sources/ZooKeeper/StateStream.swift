/// A session's state and those who follow it. Guarded by the connection's lock, so that all see the same order.
struct StateStream {
    private(set) var state: SessionState = .connecting
    private var readers: [Int: Reader] = [:]
    private var readersSoFar = 0

    /// The end of somebody's stream, whatever its values are.
    struct Reader: Sendable {
        let yield: @Sendable (SessionState) -> Void
        /// Calls back, so not to be called while holding the lock.
        let finish: @Sendable () -> Void
    }

    /// - Returns: Whose streams end with this state, to be finished once the lock is left.
    mutating func become(_ state: SessionState) -> [Reader] {
        guard !self.state.isFinal, state != self.state else { return [] }
        self.state = state
        for reader in self.readers.values { reader.yield(state) }
        guard state.isFinal else { return [] }
        defer { self.readers = [:] }
        return Array(self.readers.values)
    }

    /// - Returns: `nil` if the stream has ended with the present state.
    mutating func add(_ reader: Reader) -> Int? {
        reader.yield(self.state)
        guard !self.state.isFinal else { return nil }
        self.readersSoFar += 1
        self.readers[self.readersSoFar] = reader
        return self.readersSoFar
    }

    mutating func remove(_ number: Int) { self.readers[number] = nil }
}
