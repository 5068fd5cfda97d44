import Cluster

/// Looks at what the brokers say, again and again, and keeps what changes.
actor ClusterWatch {
    private let platform: any Platform
    private(set) var looks: [ClusterLook] = []
    private(set) var last: KafkaWire.Metadata?
    private var avoided: Set<String> = []
    private var task: Task<Void, Never>?

    private static let interval = Duration.milliseconds(100)
    /// Such a change in each look of an hour, and no more.
    private static let limit = 36_000

    init(_ platform: any Platform) { self.platform = platform }

    func start() {
        self.task = Task {
            while !Task.isCancelled {
                self.note(await self.platform.metadata(avoiding: self.avoided))
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    func stop() async {
        self.task?.cancel()
        await self.task?.value
    }

    /// Whoever is hurt now is not asked: it could not answer, or would answer what was true long ago.
    func avoid(_ members: Set<String>) { self.avoided = members }

    private func note(_ metadata: KafkaWire.Metadata?) {
        self.last = metadata
        let look = ClusterLook(
            at: HostClock.wall, brokers: metadata?.brokers.keys.map(\.rawValue).sorted() ?? [],
            controller: metadata?.controller?.rawValue,
            offline: metadata?.partitions.count { $0.isOffline } ?? 0,
            underReplicated: metadata?.underReplicated ?? 0)
        if let last = self.looks.last, last.brokers == look.brokers, last.controller == look.controller,
            last.offline == look.offline, last.underReplicated == look.underReplicated
        {
            return
        }
        if self.looks.count < Self.limit { self.looks.append(look) }
    }
}
