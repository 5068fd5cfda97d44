import Cluster

/// Chaos's hand: hurts members, remembers what it has hurt, and mends it.
actor Hand {
    private let platform: any Platform
    private let finder: RoleFinder
    private var random: SeededRandom
    private(set) var faults: [FaultRecord] = []
    /// What has still to be undone, by the place of its fault.
    private var open: [Int: Undo] = [:]
    private let sabotage: RunSabotage?
    private let progress: @Sendable (String) -> Void

    /// Until somebody plays a role again.
    private static let patience = Duration.seconds(20)

    private enum Undo {
        case thaw([String])
        case hurry([String])
        case emptyDisk([String])
        case writeLogs([String])
        case endMaintenance([String])
        case links([Link])
    }

    init(
        _ platform: any Platform, _ tree: TreeView, seed: UInt64, sabotage: RunSabotage? = nil,
        progress: @escaping @Sendable (String) -> Void
    ) {
        self.platform = platform
        self.finder = RoleFinder(platform: platform, tree: tree)
        self.random = SeededRandom(seed: seed)
        self.sabotage = sabotage
        self.progress = progress
    }

    /// Waits for somebody to play it, as after another fault.
    func members(_ role: Role) async throws -> [String] {
        let end = HostClock.now + Self.patience
        while true {
            var random = self.random
            do {
                let members = try await self.finder.members(role, &random)
                self.random = random
                return members
            } catch {
                guard HostClock.now < end else { throw error }
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Members that are stopped, slow or cut off at the moment.
    var hurt: Set<String> { Set(self.open.keys.flatMap { self.faults[$0].members }) }

    /// Returns what ``undo(_:)`` takes.
    func hurt(_ fault: Fault, _ role: Role) async throws -> Int {
        let members = try await self.members(role)
        let place = self.faults.count
        self.faults.append(
            FaultRecord(
                word: fault.word, text: "\(fault.text) \(members.joined(separator: ", "))", members: members,
                from: HostClock.wall))
        self.progress(self.faults[place].text)
        switch fault {
        case .kill:
            for member in members { try await self.platform.kill(member) }
            self.faults[place].done = HostClock.wall
        case .stop where self.sabotage == .killForStop: for member in members { try await self.platform.kill(member) }
        case .stop: for member in members { try await self.platform.stop(member) }
        case .freeze:
            self.open[place] = .thaw(members)
            for member in members { try await self.platform.freeze(member) }
        case .slow(let percent):
            self.open[place] = .hurry(members)
            for member in members { try await self.platform.slow(member, to: percent) }
        case .fullDisk:
            self.open[place] = .emptyDisk(members)
            for member in members { try await self.platform.fillDisk(of: member, true) }
        case .readOnlyLogs:
            self.open[place] = .writeLogs(members)
            for member in members { try await self.platform.makeLogsReadOnly(of: member, true) }
        case .maintenance:
            self.open[place] = .endMaintenance(members)
            if self.sabotage != .noMark {
                for member in members { try await self.platform.maintain(member, true) }
            }
        case .link(let link, let ends):
            let orders = try await self.orders(link, ends, members)
            if link != .reset { self.open[place] = .links(orders.map(\.link)) }
            for (at, order) in orders { try await self.platform.apply(order, to: at) }
        }
        return place
    }

    func start(_ role: Role) async throws {
        for member in try await self.members(role) {
            self.progress("starts \(member)")
            try await self.platform.start(member)
        }
    }

    func undo(_ place: Int) async throws {
        guard let undo = self.open.removeValue(forKey: place) else { return }
        self.progress("no longer: \(self.faults[place].text)")
        // What was not to be done may be done as soon as it is undone, which is before that returns.
        self.faults[place].until = HostClock.wall
        switch undo {
        case .thaw(let members): for member in members { try await self.platform.thaw(member) }
        case .hurry(let members): for member in members { try await self.platform.slow(member, to: nil) }
        case .emptyDisk(let members): for member in members { try await self.platform.fillDisk(of: member, false) }
        case .writeLogs(let members):
            for member in members { try await self.platform.makeLogsReadOnly(of: member, false) }
        case .endMaintenance(let members):
            if self.sabotage == .noMark { break }
            for member in members { try await self.platform.maintain(member, false) }
        case .links(let links): for link in links { try await self.platform.mend(link) }
        }
        if ["fill-disk", "read-only-logs", "maintenance"].contains(self.faults[place].word) { return }
        self.faults[place].until = HostClock.wall
    }

    func mend(_ role: Role) async throws {
        let members = Set(try await self.members(role))
        for place in self.open.keys.sorted() where !members.isDisjoint(with: self.faults[place].members) {
            try await self.undo(place)
        }
    }

    /// Everything; the last one first.
    func mendAll() async throws {
        for place in self.open.keys.sorted(by: >) { try await self.undo(place) }
    }

    /// What a fault of connections comes to on each of them.
    private func orders(
        _ fault: LinkFault, _ ends: Fault.Ends, _ members: [String]
    ) async throws -> [(link: Link, order: ProxyOrder)] {
        let servers = self.platform.cast.filter { $0.part == .zooKeeper }.map(\.name)
        let healers = self.platform.cast.filter { $0.part == .healer }.map(\.name)
        let brokers = self.platform.cast.filter { if case .broker = $0.part { true } else { false } }.map(\.name)
        var orders: [(Link, ProxyOrder)] = []
        for member in members {
            let isHealer = healers.contains(member)
            let others: [String] =
                switch ends {
                case .all: (brokers.contains(member) ? servers + brokers : servers).filter { $0 != member }
                case .healers: healers
                case .role(let role): try await self.members(role)
                }
            for other in others where other != member {
                let isToHealer = healers.contains(other)
                if isHealer || !isToHealer {
                    let link = Link(from: member, to: other)
                    orders += fault.orders(outgoing: true).map { (link, $0) }
                }
                if !isHealer {
                    let link = Link(from: other, to: member)
                    orders += fault.orders(outgoing: false).map { (link, $0) }
                }
            }
        }
        return orders
    }
}

extension Fault {
    fileprivate var text: String {
        switch self {
        case .kill: "kills"
        case .stop: "stops"
        case .freeze: "freezes"
        case .slow(let percent): "slows to \(percent) %"
        case .fullDisk: "fills the disk of"
        case .readOnlyLogs: "makes the logs read-only of"
        case .maintenance: "maintains"
        case .link(.cut(let ways), let ends): "cuts\(Self.text(ways))\(Self.text(ends))"
        case .link(.stall(let ways), let ends): "stalls\(Self.text(ways))\(Self.text(ends))"
        case .link(.delay(let by, let jitter), let ends):
            "delays by \(by.wholeMilliseconds)–\((by + jitter).wholeMilliseconds) ms\(Self.text(ends))"
        case .link(.bandwidth(let rate), let ends): "narrows to \(rate) kB/s\(Self.text(ends))"
        case .link(.reset, let ends): "resets\(Self.text(ends))"
        case .link(.halfOpen, let ends): "leaves half open\(Self.text(ends))"
        case .link(.holdPermission, _): "holds back the next permission, and all answers after it, of"
        }
    }
    private static func text(_ ways: Set<LinkFault.Way>) -> String {
        ways.count == 1 ? ", \(ways.first!.rawValue)ward only," : ""
    }
    private static func text(_ ends: Ends) -> String {
        switch ends {
        case .all: " from all servers:"
        case .healers: " from the healers"
        case .role(let role): " from \(RoleFinder.word(role))"
        }
    }
}

extension LinkFault {
    /// In no other write than that of an intent to start: as its record is encoded, with its keys in order.
    private static let permission = #""step":"start","target":"#

    /// - Parameter outgoing: whether the hurt member is the one that connects.
    fileprivate func orders(outgoing: Bool) -> [ProxyOrder] {
        func directions(_ ways: Set<Way>) -> Set<ProxyDirection> {
            Set(ways.map { ($0 == .out) == outgoing ? .toServer : .toClient })
        }
        switch self {
        case .cut(let ways): return [.cut(directions(ways))]
        case .stall(let ways): return [.hold(directions(ways))]
        case .delay(let by, let jitter): return [.delay(by), .jitter(jitter)]
        case .bandwidth(let rate): return [.bandwidth(rate * 1000)]
        case .reset: return [.reset]
        case .halfOpen: return [.halfOpen]
        case .holdPermission: return [.holdAfter(Array(Self.permission.utf8))]
        }
    }
}
