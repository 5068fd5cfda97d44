import Cluster
import Healer

/// Says in the logs how a cluster stands, whenever that changes: fewer than three brokers is for the morning, partitions
/// without a leader wake somebody. How long looks take goes to the performance log.
struct StateLog: Sendable {
    let logs: HealerLogs
    let log: Logger
    let cluster: ClusterName
    let time: any TimeSource
    let sources: BrokerSources

    /// Below this many brokers one more failure loses data or service.
    static let fewBrokers = 3
    /// So long after the start brokers should have told who they are.
    static let introduction = Duration.seconds(10)
    private static let interval = Duration.seconds(1)
    /// Between two lines of the performance log about the same cluster.
    private static let performanceInterval = Duration.seconds(60)

    /// Until cancelled.
    func run(_ view: @escaping @Sendable () async -> ClusterView) async {
        var said = Standing()
        var measuredAt: Moment?
        var isUnknown = false
        var (isIntroduced, strangers) = (false, [BrokerID]())
        let begin = self.time.now()
        while (try? await self.time.sleep(for: Self.interval)) != nil {
            let seen = await view()
            let now = Standing(seen)
            self.say(now, since: said)
            said = now
            if isUnknown == seen.knowsBrokers, isUnknown || self.time.now() - begin >= Self.introduction {
                isUnknown.toggle()
                self.say(unknown: isUnknown, seen)
            }
            if seen.knowsBrokers, isIntroduced || self.time.now() - begin >= Self.introduction {
                let unseen = self.sources.strangers(seen)
                if !isIntroduced { self.introduce(seen) }
                if !unseen.isEmpty, unseen != strangers { self.warn(of: unseen, seen) }
                (isIntroduced, strangers) = (true, unseen)
            }
            guard let slowest = seen.nodes.compactMap(\.response).max() else { continue }
            if measuredAt.map({ self.time.now() - $0 >= Self.performanceInterval }) ?? true {
                self.logs.performance("slowest answer of a node", took: slowest, ["cluster": LogValue(self.cluster)])
                measuredAt = self.time.now()
            }
        }
    }

    private func say(unknown: Bool, _ seen: ClusterView) {
        guard unknown else { return self.log.info("brokers are known now") }
        self.log.error(
            "no broker is known, so nothing can be said of Kafka",
            [
                "kafka.problem": .string(self.sources.problem(seen) ?? ""),
                "kafka.bootstrap_servers": .string(self.sources.bootstrap),
            ])
    }

    /// How many brokers are looked after, and how many of them who says: the file, or themselves by registering. The rest
    /// are remembered in ZooKeeper.
    private func introduce(_ seen: ClusterView) {
        let brokers = seen.nodes.filter { $0.node.brokerID != nil }
        self.log.info(
            "brokers are looked after",
            [
                "kafka.brokers.known": .integer(Int64(brokers.count)),
                "kafka.brokers.named": .integer(Int64(brokers.count { self.sources.named.contains($0.node.name) })),
                "kafka.brokers.registered": .integer(Int64(brokers.count { $0.registered == true })),
            ])
    }

    private func warn(of strangers: [BrokerID], _ seen: ClusterView) {
        self.log.warning(
            "not every broker is known",
            [
                "kafka.brokers.unknown": .string(strangers.map(\.description).joined(separator: ",")),
                "kafka.problem": .string(self.sources.problem(seen) ?? ""),
            ])
    }

    private func say(_ now: Standing, since before: Standing) {
        guard now != before else { return }
        let fields: [String: LogValue] = [
            "kafka.brokers.online": .integer(Int64(now.online ?? 0)),
            "kafka.partitions.offline": .integer(Int64(now.offline)),
        ]
        if let online = now.online, online != before.online {
            if online < Self.fewBrokers {
                self.log.warning("fewer than three brokers are online", fields)
            } else if let former = before.online, former < Self.fewBrokers {
                self.log.info("three brokers or more are online again", fields)
            }
        }
        if now.offline > 0, before.offline == 0 {
            self.log.error("partitions have no leader", fields)
        } else if now.offline == 0, before.offline > 0 {
            self.log.info("every partition has a leader again", fields)
        }
    }

    struct Standing: Hashable, Sendable {
        /// `nil` before every broker has been looked at.
        var online: Int?
        var offline = 0

        init() {}

        init(_ view: ClusterView) {
            let brokers = view.nodes.filter { $0.node.brokerID != nil }
            if !brokers.isEmpty, brokers.allSatisfy({ $0.status != .unknown }) {
                self.online = brokers.count { [.healthy, .overloaded].contains($0.status) }
            }
            self.offline = view.partitions.offline.count
        }
    }
}
