/// A session's state and those who follow it. Guarded by the connection's lock, so that all see the same order.
struct StateStream {
    private(set) var state: SessionState = .connecting
    private var readers: [Int: AsyncStream<SessionState>.Continuation] = [:]
    private var readersSoFar = 0

    /// - Returns: Whose streams end with this state. To be finished once the lock is left: finishing calls back.
    mutating func become(_ state: SessionState) -> [AsyncStream<SessionState>.Continuation] {
        guard !self.state.isFinal, state != self.state else { return [] }
        self.state = state
        for reader in self.readers.values { reader.yield(state) }
        guard state.isFinal else { return [] }
        defer { self.readers = [:] }
        return Array(self.readers.values)
    }

    /// - Returns: `nil` if the stream has ended with the present state.
    mutating func add(_ reader: AsyncStream<SessionState>.Continuation) -> Int? {
        reader.yield(self.state)
        guard !self.state.isFinal else { return nil }
        self.readersSoFar += 1
        self.readers[self.readersSoFar] = reader
        return self.readersSoFar
    }

    mutating func remove(_ number: Int) { self.readers[number] = nil }
}
