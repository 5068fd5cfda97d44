internal import Dispatch
internal import Synchronization

extension DispatchQueue {
    private static let blocking = DispatchQueue(label: "rdkafka.blocking", attributes: .concurrent)

    /// Runs a call that blocks on a thread that may block, never on one of Swift's.
    static func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(KafkaError) -> Value
    ) async throws(KafkaError) -> Value {
        try await withCheckedContinuation { (continuation: CheckedContinuation<Result<Value, KafkaError>, Never>) in
            Self.blocking.async {
                do throws(KafkaError) {
                    continuation.resume(returning: .success(try body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }.get()
    }

    /// As ``run(_:)``, for a question whose answer may be lost: when the task is cancelled the wait ends at once with
    /// ``KafkaError/Code/interrupted``, and the call by its own limit.
    static func runUnlessCancelled<Value: Sendable>(
        _ operation: String, _ body: @escaping @Sendable () throws(KafkaError) -> Value
    ) async throws(KafkaError) -> Value {
        let once = Once<Result<Value, KafkaError>>()
        return try await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                once.wait { continuation.resume(returning: $0) }
                Self.blocking.async {
                    do throws(KafkaError) {
                        once.answer(.success(try body()))
                    } catch {
                        once.answer(.failure(error))
                    }
                }
            }
        } onCancel: {
            once.answer(.failure(KafkaError(.interrupted, operation: operation)))
        }.get()
    }
}

/// The first of several answers, which may come before anybody waits for it.
private final class Once<Answer: Sendable>: Sendable {
    private enum State {
        case open
        case waiting(@Sendable (Answer) -> Void)
        case answered(Answer)
        case done
    }
    private let state = Mutex<State>(.open)

    func wait(_ receiver: @escaping @Sendable (Answer) -> Void) {
        let early = self.state.withLock { state -> Answer? in
            guard case .answered(let answer) = state else {
                state = .waiting(receiver)
                return nil
            }
            state = .done
            return answer
        }
        if let early { receiver(early) }
    }

    func answer(_ answer: Answer) {
        let receiver = self.state.withLock { state -> (@Sendable (Answer) -> Void)? in
            switch state {
            case .open:
                state = .answered(answer)
                return nil
            case .waiting(let receiver):
                state = .done
                return receiver
            case .answered, .done: return nil
            }
        }
        receiver?(answer)
    }
}

extension Duration {
    /// As librdkafka takes it: whole milliseconds, rounded up, at least 0.
    var milliseconds: Int32 {
        let (seconds, attoseconds) = self.components
        let milliseconds = seconds.multipliedReportingOverflow(by: 1000)
        guard !milliseconds.overflow, seconds < 2_000_000 else { return .max }
        return max(0, Int32(milliseconds.partialValue + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000))
    }
}
