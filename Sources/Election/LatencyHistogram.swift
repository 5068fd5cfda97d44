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

    public static func + (a: Self, b: Self) -> Self {
        var sum = a
        sum.count += b.count
        for bucket in sum.counts.indices { sum.counts[bucket] += b.counts[bucket] }
        return sum
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

/// How long something takes at present: what was added in the last five to ten minutes.
struct RecentLatencies: Hashable, Sendable {
    static let span = Duration.seconds(300)
    private var since = Moment.zero
    private var present = LatencyHistogram()
    private var last = LatencyHistogram()

    mutating func add(_ duration: Duration, at now: Moment) {
        if now - self.since >= Self.span {
            self.last = now - self.since < Self.span * 2 ? self.present : LatencyHistogram()
            self.present = LatencyHistogram()
            self.since = now
        }
        self.present.add(duration)
    }

    var histogram: LatencyHistogram { self.last + self.present }
}
