import Cluster

/// Asks the nodes' supervisors, in turn and whenever somebody wants to know now.
actor SupervisorMonitor {
    struct Target: Sendable {
        let node: Node
        let supervisor: any Supervisor
    }

    private var targets: [NodeName: Target] = [:]
    private var asking: Set<NodeName> = []
    private var again: Set<NodeName> = []
    private let interval: Duration
    private let isConcurrent: Bool
    private let time: any TimeSource
    private let report: @Sendable (Observation) -> Void
    private let wishes: AsyncStream<NodeName>
    private let wish: AsyncStream<NodeName>.Continuation

    /// - Parameter isConcurrent: whether nodes are asked side by side, or one after the other.
    init(
        interval: Duration, isConcurrent: Bool, time: any TimeSource,
        report: @escaping @Sendable (Observation) -> Void
    ) {
        self.interval = interval
        self.isConcurrent = isConcurrent
        self.time = time
        self.report = report
        (self.wishes, self.wish) = AsyncStream.makeStream(of: NodeName.self, bufferingPolicy: .bufferingNewest(256))
    }

    func watch(_ targets: [Target]) {
        let known = Set(self.targets.keys)
        self.targets = Dictionary(targets.map { ($0.node.name, $0) }) { $1 }
        for target in targets where !known.contains(target.node.name) { self.look(target.node.name) }
    }

    nonisolated func look(_ node: NodeName) { self.wish.yield(node) }

    /// Until cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.takeTurns() }
            for await node in self.wishes {
                guard let target = self.targets[node] else { continue }
                guard self.asking.insert(node).inserted else {
                    // What it answers may be older than this wish.
                    self.again.insert(node)
                    continue
                }
                if self.isConcurrent {
                    group.addTask { await self.ask(target) }
                } else {
                    await self.ask(target)
                }
            }
            group.cancelAll()
        }
    }

    private func takeTurns() async {
        while !Task.isCancelled {
            for node in self.targets.keys { self.look(node) }
            try? await self.time.sleep(for: self.interval)
        }
    }

    private func ask(_ target: Target) async {
        let begin = self.time.now()
        let fact: Observation.Fact
        do throws(SupervisorFailure) {
            fact = .node(target.node.name, .process(try await target.supervisor.status(of: target.node)))
        } catch {
            fact = .monitorFailed(target.node.name, reason: error.reason)
        }
        self.report(Observation(at: begin, took: self.time.now() - begin, method: .supervisor, fact: fact))
        self.asking.remove(target.node.name)
        if self.again.remove(target.node.name) != nil { self.look(target.node.name) }
    }
}
