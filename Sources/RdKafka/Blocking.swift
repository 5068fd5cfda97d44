internal import Dispatch

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
