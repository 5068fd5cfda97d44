import Cluster
import Election
import Healer
import Synchronization

/// One healer's part in the election for one cluster, through as many electors as it takes: after a resignation that an
/// operator asked for, it stands again at the tail of the line.
final class Candidacy: Sendable {
    enum Update: Sendable {
        case began(Elector)
        case leadership(Leadership)
        /// Connected, or so again: read everything anew. `nil`: not connected.
        case session((any StoreSession)?)
    }

    private struct State {
        /// Stops the watching of whoever leads, and begins it.
        var link: LeaderLink?
        var elector: Elector?
        /// What electors before this one have counted.
        var past: LeadershipStatus?
        var member: Member
        var epoch: Epoch?
        /// How long the ensemble last let our sessions be.
        var granted: Duration?
        /// The leadership is being given up for want of an audit trail.
        var isUnwitnessed = false
        /// Nothing new begins: an operator has asked for a resignation, or the healer stops.
        var isHandingOver = false
        var isStopping = false
        /// For how long this healer saw nobody lead, and since when it sees nobody.
        var leaderless = Duration.zero
        var leaderlessSince: Moment?

        var status: LeadershipStatus? {
            guard var status = self.elector?.status else { return nil }
            if let past = self.past { status.add(countsOf: past) }
            return status
        }
    }

    let timing: Election.Timing
    private let layout: Layout
    private let parts: HealerParts
    private let log: Logger
    private let state: Mutex<State>
    private let former: FormerLeaders
    private let resignations: AsyncStream<Control.Resignation>
    private let resignation: AsyncStream<Control.Resignation>.Continuation

    /// Between two looks at whether our nodes stand.
    private static let pace = Duration.seconds(1)
    /// Between two warnings that the ensemble cannot be reached.
    static let reminder = Duration.seconds(10)
    /// As many znodes that others may change are named.
    private static let openNamed = 20
    /// Between two warnings that the profile is too tight, and from how many writes on that can be told.
    static let tightness = (pause: Duration.seconds(600), writes: 200)

    init(layout: Layout, parts: HealerParts, log: Logger) {
        self.timing = parts.configuration.coordination.timing
        self.layout = layout
        self.parts = parts
        self.log = log
        self.former = FormerLeaders(
            layout.cluster, timeout: parts.configuration.monitoring.timeout, client: parts.http, time: parts.time,
            log: log)
        self.state = Mutex(State(member: parts.member(), leaderlessSince: parts.time.now()))
        (self.resignations, self.resignation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    var member: Member { self.state.withLock { $0.member } }
    /// Where it stands; counts are of this healer's whole life.
    var status: LeadershipStatus? { self.state.withLock { $0.status } }

    /// Seconds without a leader as this healer saw them, the present one included.
    var secondsWithoutLeader: Double {
        let now = self.parts.time.now()
        return self.state.withLock { state in
            (state.leaderless + (state.leaderlessSince.map { now - $0 } ?? .zero)).inSeconds
        }
    }

    /// How often a former leader was seen that went on believing it leads.
    var twoLeadersSeen: Int { self.former.seen }

    /// Takes part until cancelled, or until ``end()``.
    /// - Parameter settled: returns when what has begun has ended, or when that takes too long.
    func run(
        settled: @escaping @Sendable () async -> Void, _ report: @escaping @Sendable (Update) async -> Void
    ) async {
        let link = LeaderLink(self.layout.cluster) { report in
            switch report {
            case .answers(let incarnation):
                self.log.info("connected to whoever leads", ["election.incarnation": LogValue(incarnation)])
            case .isGone(let incarnation):
                self.log.info("whoever leads seems to be gone", ["election.incarnation": LogValue(incarnation)])
                self.state.withLock { $0.elector }?.presumeGone(incarnation)
            }
        }
        defer { link.stop() }
        self.state.withLock { $0.link = link }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.remind() }
            group.addTask { await self.compareWithEnsemble() }
            group.addTask { await self.former.run() }
            group.addTask { await self.reviewAccess() }
            group.addTask {
                for await asked in self.resignations where asked.incarnation == self.member.incarnation {
                    self.log.info("resigning, as was asked", ["election.asked_by": .string(asked.by)])
                    let (elector, epoch) = self.state.withLock { state in
                        state.isHandingOver = true
                        return (state.elector, state.epoch)
                    }
                    if let epoch {
                        await report(.leadership(.suspended(epoch)))
                        await settled()
                    }
                    await elector?.resign(to: asked.successor.map { .candidate($0) } ?? .firstInLine)
                }
            }
            while !Task.isCancelled, !self.state.withLock({ $0.isStopping }) {
                await self.stand(report)
                self.state.withLock { state in
                    state.member = self.parts.member()
                    if state.isUnwitnessed { state.member.isUnwitnessed = true }
                    state.isUnwitnessed = false
                }
            }
            group.cancelAll()
        }
    }

    private func stand(_ report: @escaping @Sendable (Update) async -> Void) async {
        let ensemble = self.parts.ensemble
        let elector: Elector
        do {
            elector = try Elector(
                member: self.member, layout: self.layout,
                timing: self.timing,
                connect: { await ensemble.connect() }, time: self.parts.time, log: self.log)
        } catch {
            preconditionFailure("the configuration was checked against the rule: \(error)")
        }
        self.state.withLock { state in
            state.past = state.status
            state.elector = elector
            state.isHandingOver = state.isStopping
        }
        await report(.began(elector))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await elector.run() }
            for await update in elector.updates { await self.pass(on: update, report) }
            await group.waitForAll()
        }
        self.state.withLock { $0.link }?.watch(nil)
        self.note(leading: nil, hasLeader: false)
        await report(.leadership(.following))
        await report(.session(nil))
    }

    private func pass(on update: LeadershipUpdate, _ report: @Sendable (Update) async -> Void) async {
        self.watch(update)
        switch update {
        case .following(let leader):
            self.note(leading: nil, hasLeader: leader?.holder != nil)
            await report(.leadership(.following))
        case .leading(let epoch), .resumed(let epoch):
            self.note(leading: epoch, hasLeader: true)
            let isHandingOver = self.state.withLock { $0.isHandingOver }
            await report(.leadership(isHandingOver ? .suspended(epoch) : .leading(epoch)))
        case .suspended(let epoch):
            await report(.leadership(.suspended(epoch)))
        case .lost:
            self.note(leading: nil, hasLeader: false)
            await report(.leadership(.following))
        case .session(let session):
            // Whoever led before does so again, until another record is read.
            self.noteLeader(self.status?.leader?.holder != nil)
            self.compare(granted: (session as? ZooKeeperStore)?.negotiatedTimeout)
            await report(.session(session))
        case .disconnected:
            // Nobody can be seen to lead, and with the quorum lost nobody does.
            self.noteLeader(false)
            await report(.session(nil))
        }
    }

    private func note(leading epoch: Epoch?, hasLeader: Bool) {
        self.state.withLock { $0.epoch = epoch }
        self.noteLeader(hasLeader)
    }

    private func noteLeader(_ hasLeader: Bool) {
        let now = self.parts.time.now()
        self.state.withLock { state in
            if let since = state.leaderlessSince, hasLeader {
                state.leaderless += now - since
                state.leaderlessSince = nil
            } else if state.leaderlessSince == nil, !hasLeader {
                state.leaderlessSince = now
            }
        }
    }

    /// The connection is to whoever leads, unless that is us.
    private func watch(_ update: LeadershipUpdate) {
        let leader: LeaderRecord.Holder?
        switch update {
        case .following(let record):
            if let record { self.former.note(record) }
            leader = record?.holder
        case .leading:
            if let record = self.status?.leader { self.former.note(record) }
            leader = nil
        case .lost: leader = nil
        case .suspended, .resumed, .session, .disconnected: return
        }
        let (link, own) = self.state.withLock { ($0.link, $0.member.incarnation) }
        link?.watch(leader?.incarnation == own ? nil : leader)
    }

    private func remind() async {
        var warnedAt: Moment?
        while (try? await self.parts.time.sleep(for: Self.reminder)) != nil {
            guard let status = self.status else { continue }
            if !status.connected {
                self.log.warning("waiting for the coordination ensemble; nobody acts until it answers")
            }
            let now = self.parts.time.now()
            let latency = status.guardLatency
            guard latency.count >= Self.tightness.writes, let p99 = latency.p99, p99 * 2 > self.timing.limit,
                warnedAt.map({ now - $0 >= Self.tightness.pause }) ?? true
            else { continue }
            warnedAt = now
            self.log.warning(
                "writes to the coordination ensemble are slow for this profile: leadership may move needlessly",
                ["guard.p99": LogValue(p99), "election.limit": LogValue(self.timing.limit)])
        }
    }

    /// Says once when a server that lags can alone end our sessions, which costs a handover and nothing else. Where no
    /// server tells, nothing can be said.
    private func compareWithEnsemble() async {
        // Servers are asked in the clear, which a port for TLS does not understand.
        guard !self.parts.configuration.coordination.access.security.isTLS else { return }
        let servers = self.parts.configuration.coordination.zooKeeper.servers
        var answer = EnsembleTiming.Answer.noAnswer
        while answer == .noAnswer {
            answer = await EnsembleTiming.ask(servers, within: self.parts.configuration.monitoring.timeout)
            guard answer == .noAnswer else { break }
            guard (try? await self.parts.time.sleep(for: Self.reminder)) != nil else { return }
        }
        let session = min(self.timing.session, self.state.withLock { $0.granted } ?? self.timing.session)
        guard case .timing(let ensemble) = answer, !ensemble.allows(session: session) else { return }
        self.log.warning(
            "sessions are shorter than 1.2 times what a server of the ensemble may lag: leadership may move needlessly",
            [
                "election.session": LogValue(session), "zookeeper.tick_time": LogValue(ensemble.tickTime),
                "zookeeper.sync_limit": .integer(Int64(ensemble.syncLimit)),
            ])
    }

    /// Says so when the ensemble grants sessions of another length than ours were asked to have, once for each length.
    private func compare(granted: Duration?) {
        guard let granted, granted != self.state.withLock({ $0.granted }) else { return }
        self.state.withLock { $0.granted = granted }
        guard granted != self.timing.session else { return }
        self.log.warning(
            granted < self.timing.session
                ? "the ensemble grants shorter sessions than asked for: leadership may move needlessly"
                : "the ensemble grants longer sessions than asked for: a dead healer stands in line for longer",
            ["election.session": LogValue(self.timing.session), "zookeeper.session": LogValue(granted)])
    }

    /// Says once which of our nodes others may change, though credentials are configured.
    private func reviewAccess() async {
        let owners = self.parts.configuration.coordination.access.owners
        guard !owners.isEmpty else { return }
        while [nil, .joining].contains(self.status?.role) {
            guard (try? await self.parts.time.sleep(for: Self.pace)) != nil else { return }
        }
        var session: (any StoreSession)?
        while session == nil, !Task.isCancelled {
            session = await self.parts.ensemble.connected(within: Self.reminder)
        }
        guard let session else { return }
        if let store = session as? ZooKeeperStore {
            let open = await AccessReview.review(self.layout, owners: owners, with: store)
            for (path, access) in open.prefix(Self.openNamed) {
                self.log.warning(
                    "others may change a znode of ours: its access list is as it was created; set it anew",
                    ["zookeeper.path": .string(path), "zookeeper.access": .string(access)])
            }
            if open.count > Self.openNamed {
                self.log.warning(
                    "others may change more znodes of ours",
                    ["zookeeper.znodes": .integer(Int64(open.count - Self.openNamed))])
            }
        }
        await session.close()
    }

    func resign(if asked: Control.Resignation) { self.resignation.yield(asked) }

    /// - Parameters:
    ///   - candidate: the name of whoever is to lead next.
    ///   - isUnwitnessed: we cannot write our audit trail, which the others are told when we stand in line again.
    func resign(to candidate: String, by reason: String, isUnwitnessed: Bool = false) {
        self.state.withLock { $0.isUnwitnessed = isUnwitnessed }
        self.resign(if: Control.Resignation(incarnation: self.member.incarnation, by: reason, successor: candidate))
    }

    /// Nothing new from now on. The epoch that we lead, if we do.
    func beginStop() -> Epoch? {
        self.state.withLock { state in
            state.isStopping = true
            state.isHandingOver = true
            return state.epoch
        }
    }

    /// Hands over, if there is something to hand over, to whoever joined last; ``run(settled:_:)`` then returns. Where
    /// healers are restarted one after the other, that one has been restarted already, so leadership moves twice at most
    /// until all are.
    /// - Parameter line: first in line first, as last read. Whoever has left it since is passed over by those who stand there.
    func end(line: [(candidate: String, member: Member)]) async {
        let (elector, own) = self.state.withLock { ($0.elector, $0.member.incarnation) }
        let last = line.last { $0.member.incarnation != own }
        await elector?.resign(to: last.map { .candidate($0.candidate) } ?? .firstInLine)
    }
}
