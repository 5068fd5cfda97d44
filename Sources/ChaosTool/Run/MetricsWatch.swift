import Cluster

/// Asks whoever leads for its metrics, again and again, as a dashboard would.
actor MetricsWatch {
    private let platform: any Platform
    private let tree: TreeView
    private(set) var samples: [MetricsSample] = []
    private var task: Task<Void, Never>?

    private static let interval = Duration.milliseconds(250)
    /// An hour's.
    private static let limit = 14_400

    init(_ platform: any Platform, _ tree: TreeView) {
        self.platform = platform
        self.tree = tree
    }

    func start() {
        self.task = Task {
            while !Task.isCancelled {
                if let sample = await self.sample(), self.samples.count < Self.limit { self.samples.append(sample) }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    func stop() async {
        self.task?.cancel()
        await self.task?.value
    }

    private func sample() async -> MetricsSample? {
        guard let holder = await self.tree.leader()?.holder,
            let page = await self.platform.page("/metrics", of: holder.member.rawValue, at: holder.address)
        else { return nil }
        return MetricsSample(page, at: HostClock.wall)
    }
}

/// What a page of metrics says of brokers and replicas.
struct MetricsSample: Hashable, Sendable, Codable {
    let at: WallTime
    /// `kafka_cluster_brokers`
    let brokers: Double
    /// `kafka_under_replicated_partitions{topic="__total__"}`
    let underReplicated: Double

    /// `nil` for a page that lacks one of them.
    init?(_ page: String, at time: WallTime) {
        func value(_ name: String, _ label: String?) -> Double? {
            let lines = page.split(separator: "\n").filter { line in
                line.hasPrefix(name) && ["{", " "].contains(line.dropFirst(name.count).first)
                    && label.map { line.contains($0) } ?? true
            }
            return lines.first?.split(separator: " ").last.flatMap { Double($0) }
        }
        guard let brokers = value("kafka_cluster_brokers", nil),
            let partitions = value("kafka_under_replicated_partitions", #"topic="__total__""#)
        else { return nil }
        self.at = time
        self.brokers = brokers
        self.underReplicated = partitions
    }
}
