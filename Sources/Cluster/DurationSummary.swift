/// How long something took: all of it summed up, and the last few for the quantiles.
public struct DurationSummary: Hashable, Sendable {
    public private(set) var count: Int
    public private(set) var sum: Duration
    /// The newest, in any order; those recorded one by one: the last ``kept``, oldest first.
    public private(set) var last: [Duration]

    public init(count: Int = 0, sum: Duration = .zero, last: [Duration] = []) {
        self.count = count
        self.sum = sum
        self.last = last
    }

    public static let kept = 100

    public mutating func add(_ duration: Duration) {
        self.count += 1
        self.sum += duration
        self.last.append(duration)
        if self.last.count > Self.kept { self.last.removeFirst() }
    }

    /// The smallest of ``last`` that is not exceeded by this part of them; `nil` while there is none.
    /// - Parameter part: more than 0, at most 1.
    public func quantile(_ part: Double) -> Duration? {
        precondition(part > 0 && part <= 1)
        guard !self.last.isEmpty else { return nil }
        let rank = (part * Double(self.last.count)).rounded(.up)
        return self.last.sorted()[Int(rank) - 1]
    }
}
