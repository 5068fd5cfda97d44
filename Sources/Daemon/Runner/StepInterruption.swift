import Synchronization

/// The way to a step that runs, from whoever learns that the leadership which permitted it is over.
final class StepInterruption: Sendable {
    static let word: [UInt8] = Array("interrupt".utf8)

    private enum State {
        case waiting
        /// By the input of its runner.
        case running(Int32)
        /// Asked for, or no longer possible.
        case over
    }
    private let state = Mutex(State.waiting)

    /// The step does not begin, or is ended at once. Has no effect the second time.
    func ask() {
        self.state.withLock { state in
            if case .running(let input) = state { writeAll(input, Self.word + [10]) }
            state = .over
        }
    }

    /// False if it was asked for already: then the step is not to begin.
    func begin(_ input: Int32) -> Bool {
        self.state.withLock { state in
            guard case .waiting = state else { return false }
            state = .running(input)
            return true
        }
    }

    /// From now on the runner is not written to.
    func end() { self.state.withLock { $0 = .over } }
}
