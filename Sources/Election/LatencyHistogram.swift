internal import Cluster

/// How long something took, in buckets that grow by a quarter, from 0.1 ms to about 60 s.
public struct LatencyHistogram: Hashable, Sendable {
    private static let first = 100_000.0
    private static let growth = 1.25
    private static let buckets = 61

    public private(set) var count = 0
    private var counts = [Int](repeating: 0, count: Self.buckets)
    public init() {}

    public mutating func add(_ duration: Duration) {
        var upper = Self.first
        var bucket = 0
        while Double(duration.wholeNanoseconds) > upper, bucket < Self.buckets - 1 {
            upper *= Self.growth
            bucket += 1
        }
        self.counts[bucket] += 1
        self.count += 1
    }

    /// The upper bound of the bucket that this share of all values lies below; `nil` while there are none.
    /// - Parameter share: above 0, at most 1.
    public func percentile(_ share: Double) -> Duration? {
        guard self.count > 0 else { return nil }
        let wanted = max(1, Int((Double(self.count) * share).rounded(.up)))
        var seen = 0
        var upper = Self.first
        for count in self.counts {
            seen += count
            if seen >= wanted { break }
            upper *= Self.growth
        }
        return .nanoseconds(Int64(upper))
    }

    public var p50: Duration? { self.percentile(0.5) }
    public var p99: Duration? { self.percentile(0.99) }
}
