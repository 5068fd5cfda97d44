import Cluster
import RdKafka
import Synchronization

/// Every value that was acknowledged, and when: what the cluster has promised to keep.
final class LoadLedger: Sendable {
    struct Entry: Hashable, Sendable {
        let value: [UInt8]
        let position: Position
        let sentAt: Moment
        let ackedAt: Moment
    }

    struct Counts: Hashable, Sendable {
        var sent = 0
        var acked = 0
        /// Given up: it may have been written all the same.
        var failed = 0
        var pending: Int { self.sent - self.acked - self.failed }
    }

    private struct State {
        var counts = Counts()
        var entries: [Entry] = []
        var firstFailure: String?
    }
    private let state = Mutex(State())

    var counts: Counts { self.state.withLock { $0.counts } }
    /// In order of acknowledgement.
    var entries: [Entry] { self.state.withLock { $0.entries } }
    /// Why the first of the failed ones failed.
    var firstFailure: String? { self.state.withLock { $0.firstFailure } }

    func sent() { self.state.withLock { $0.counts.sent += 1 } }
    /// Takes ``sent()`` back: there was no room.
    func unsent() { self.state.withLock { $0.counts.sent -= 1 } }

    func acked(_ entry: Entry) {
        self.state.withLock {
            $0.counts.acked += 1
            $0.entries.append(entry)
        }
    }

    func failed(_ reason: String) {
        self.state.withLock {
            $0.counts.failed += 1
            $0.firstFailure = $0.firstFailure ?? reason
        }
    }

    /// How many were acknowledged from one moment to another, such as while a broker was dead.
    func acked(from begin: Moment, to end: Moment) -> Int {
        self.state.withLock { state in state.entries.count { begin <= $0.ackedAt && $0.ackedAt <= end } }
    }

    /// Per partition, the offset after the last acknowledged record.
    var ends: [Int32: Int64] {
        self.state.withLock { state in
            state.entries.reduce(into: [:]) { ends, entry in
                ends[entry.position.partition] = max(
                    ends[entry.position.partition, default: 0], entry.position.offset + 1)
            }
        }
    }

    /// From sending to acknowledgement, and the longest time without any acknowledgement between two.
    var latency: LoadLatency { LoadLatency(self.entries) }
}

/// How long acknowledgements took, in milliseconds.
struct LoadLatency: Hashable, Sendable, Codable {
    /// Of how many.
    let count: Int
    let p50: Double
    let p95: Double
    let p99: Double
    let max: Double
    /// The longest time between two acknowledgements: for how long nothing could be written.
    let longestPause: Double

    init(_ entries: [LoadLedger.Entry]) {
        func milliseconds(_ duration: Duration) -> Double {
            Double(duration.wholeNanoseconds / 1000) / 1000
        }
        let sorted = entries.map { $0.ackedAt - $0.sentAt }.sorted()
        // The nearest rank: the smallest value that so many of a hundred do not exceed.
        func percentile(_ percent: Int) -> Double {
            sorted.isEmpty ? 0 : milliseconds(sorted[Swift.max(0, (sorted.count * percent + 99) / 100 - 1)])
        }
        self.count = entries.count
        self.p50 = percentile(50)
        self.p95 = percentile(95)
        self.p99 = percentile(99)
        self.max = percentile(100)
        let moments = entries.map(\.ackedAt).sorted()
        self.longestPause = milliseconds(zip(moments.dropFirst(), moments).map { $0 - $1 }.max() ?? .zero)
    }
}
