import Cluster
import Dispatch
import FoundationEssentials
import Glibc
import Synchronization

/// Holds a connection to every node and asks it something small, on one thread of its own for a whole cluster.
///
/// `@unchecked Sendable`: the links belong to the thread; everybody else leaves orders in the mutex and wakes it.
final class LivenessMonitor: @unchecked Sendable {
    struct Target: Hashable, Sendable {
        let node: NodeName
        let endpoint: Endpoint
        let exchanges: Set<Exchange>
    }

    private struct Orders: Sendable {
        var targets: Set<Target>?
        var hurry: Set<NodeName> = []
        var resolved: [(ObjectIdentifier, Result<Address, Address.Failure>)] = []
        var stop = false
    }

    private let orders = Mutex(Orders())
    private let limits: Link.Limits
    private let report: @Sendable (Observation) -> Void
    private let pipe = WakePipe()
    private var links: [Link] = []
    private let ended = DispatchSemaphore(value: 0)
    private static let resolvers = DispatchQueue(label: "resolvers", attributes: .concurrent)

    /// - Parameter report: called on the monitor's thread; must not wait.
    init(_ limits: Link.Limits, report: @escaping @Sendable (Observation) -> Void) {
        self.limits = limits
        self.report = report
        runOnOwnThread { [self] in self.loop() }
    }

    /// From now on these, and no others. Connections to nodes that stay are kept.
    func watch(_ targets: Set<Target>) { self.order { $0.targets = targets } }

    /// Ask this node now.
    func look(_ node: NodeName) { self.order { $0.hurry.insert(node) } }

    /// Ends the thread and closes the connections; returns when that is done.
    func stop() {
        self.order { $0.stop = true }
        self.ended.wait()
    }

    private func order(_ change: (inout Orders) -> Void) {
        self.orders.withLock { change(&$0) }
        self.pipe.wake()
    }

    private func loop() {
        defer {
            for link in self.links { link.hangUp() }
            self.ended.signal()
        }
        while true {
            let now = bootTime()
            if self.carryOutOrders(at: now) { return }
            for link in self.links where link.tick(at: now) { self.resolve(link, at: now) }
            var polled = [pollfd(fd: self.pipe.descriptor, events: Int16(POLLIN), revents: 0)]
            var owners: [Link] = []
            for link in self.links {
                guard let descriptor = link.descriptor else { continue }
                polled.append(pollfd(fd: descriptor, events: link.events, revents: 0))
                owners.append(link)
            }
            let due = self.links.map(\.due).min() ?? Moment(nanoseconds: .max)
            let wait = max(0, min((due.nanoseconds - bootTime().nanoseconds) / 1_000_000 + 1, 10_000))
            guard poll(&polled, nfds_t(polled.count), Int32(wait)) > 0 else { continue }
            let then = bootTime()
            if polled[0].revents != 0 { self.pipe.drain() }
            for (entry, link) in zip(polled.dropFirst(), owners) where entry.revents != 0 && link.descriptor == entry.fd
            {
                link.ready(at: then)
            }
        }
    }

    /// True when the thread is to end.
    private func carryOutOrders(at now: Moment) -> Bool {
        let orders = self.orders.withLock { orders in
            let taken = orders
            orders = Orders()
            return taken
        }
        if let targets = orders.targets { self.replaceLinks(targets) }
        for (id, result) in orders.resolved {
            guard let link = self.links.first(where: { ObjectIdentifier($0) == id }) else { continue }
            self.connect(link, result, at: now)
        }
        for link in self.links where orders.hurry.contains(link.node) { link.hurry(at: now) }
        return orders.stop
    }

    private func replaceLinks(_ targets: Set<Target>) {
        var kept: [Link] = []
        var wanted: [(Target, Exchange)] = targets.flatMap { target in target.exchanges.map { (target, $0) } }
        for link in self.links {
            if let place = wanted.firstIndex(where: {
                $0.0.node == link.node && $0.0.endpoint == link.endpoint && $0.1 == link.exchange
            }) {
                wanted.remove(at: place)
                kept.append(link)
            } else {
                link.hangUp()
            }
        }
        self.links =
            kept
            + wanted.map { target, exchange in
                Link(target.node, target.endpoint, exchange, self.limits, report: self.report)
            }
    }

    private func resolve(_ link: Link, at now: Moment) {
        if let address = try? Address.resolve(link.endpoint, numericOnly: true) {
            return self.connect(link, .success(address), at: now)
        }
        let (id, endpoint) = (ObjectIdentifier(link), link.endpoint)
        Self.resolvers.async { [self] in
            let result: Result<Address, Address.Failure>
            do throws(Address.Failure) {
                result = .success(try Address.resolve(endpoint, numericOnly: false))
            } catch {
                result = .failure(error)
            }
            self.order { $0.resolved.append((id, result)) }
        }
    }

    private func connect(_ link: Link, _ result: Result<Address, Address.Failure>, at now: Moment) {
        switch result {
        case .success(let address): link.connect(to: address, at: now)
        case .failure(let failure): link.unreachable(failure.reason, at: now)
        }
    }
}
