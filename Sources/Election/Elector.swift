public import Cluster
internal import Synchronization

/// Carries out what the ``ElectionMachine`` decides, for one healer and one cluster.
///
/// It never blocks on the ensemble: calls run beside its loop and come back as events. ``write(_:)`` is the one way to
/// the ensemble for whoever acts, and the ensemble the one judge of whether we lead.
public actor Elector {
    /// In order. Holds the newest 256 for a reader that lags; the latest always tells where we stand.
    public nonisolated let updates: AsyncStream<LeadershipUpdate>
    public nonisolated let layout: Layout
    public nonisolated let timing: Timing

    private let connect: @Sendable () async -> any StoreSession
    private let time: any TimeSource
    private let log: Logger
    private var machine: ElectionMachine
    /// By number: the present one, and none else but for a moment.
    private var sessions: [Int: any StoreSession] = [:]
    private nonisolated let board: Mutex<Board>

    /// Never full for long: its loop waits for nothing, and what fills it are ticks and the answers to a few calls.
    private let inbox: AsyncStream<ElectionEvent>
    private let report: AsyncStream<ElectionEvent>.Continuation
    private let tell: AsyncStream<LeadershipUpdate>.Continuation
    /// Ends when ``run()`` does.
    private let ended: AsyncStream<Never>
    private let end: AsyncStream<Never>.Continuation

    /// What other threads may look at.
    private struct Board {
        var status: LeadershipStatus
        var latencies = RecentLatencies()
        /// The epoch under which steps may begin, and until when, if no further renewal is answered.
        var permit: (epoch: Epoch, until: Moment)?
        var isResigning = false
    }

    private static let updatesHeld = 256
    private static let ticksPerBeat = 4
    /// How long ``resign()`` waits for all of it, the end of the session included.
    static let resignBound = Duration.seconds(2)

    /// - Parameters:
    ///   - connect: opens one more session with the session timeout of `timing`; not retried by us if it is slow.
    ///   - log: to which member, cluster and epoch are added.
    /// - Throws: the first rule that `timing` breaks.
    public init(
        member: Member, layout: Layout, timing: Timing, connect: @escaping @Sendable () async -> any StoreSession,
        time: any TimeSource, log: Logger
    ) throws(Timing.Rule) {
        if let rule = timing.brokenRules.first { throw rule }
        var random = SystemRandomNumberGenerator()
        self.machine = ElectionMachine(
            member: member, layout: layout, timing: timing, seed: (random.next(), random.next()))
        self.layout = layout
        self.timing = timing
        self.connect = connect
        self.time = time
        self.log = log.with(["cluster": LogValue(layout.cluster), "election.member": LogValue(member.id)])
        (self.inbox, self.report) = AsyncStream.makeStream()
        (self.updates, self.tell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.updatesHeld))
        (self.ended, self.end) = AsyncStream.makeStream()
        self.board = Mutex(
            Board(
                status: LeadershipStatus(
                    role: .joining, since: time.now(), epoch: .none, leader: nil, connected: false, claims: 0,
                    lateRenewals: 0, takeovers: [:], losses: [:], needlessHandovers: 0, guardLatency: LatencyHistogram()
                )))
    }

    public nonisolated var status: LeadershipStatus {
        self.board.withLock { board in
            var status = board.status
            status.guardLatency = board.latencies.histogram
            return status
        }
    }

    /// Whether a step that was permitted under this epoch may still begin: we lead it, are connected, and a renewal was
    /// answered within the limit. To be asked right before the step begins, together with its `startBy`.
    public nonisolated func mayBegin(under epoch: Epoch) -> Bool {
        let now = self.time.now()
        return self.board.withLock { board in board.permit.map { $0.epoch == epoch && now < $0.until } ?? false }
    }

    /// Takes part in the election until it has resigned or its task is cancelled. Once only.
    public func run() async {
        await withDiscardingTaskGroup { group in
            self.report.yield(.started)
            group.addTask { [report, time, timing] in
                while (try? await time.sleep(for: timing.beat / Self.ticksPerBeat)) != nil { report.yield(.ticked) }
            }
            for await event in self.inbox {
                for effect in self.machine.handle(event, at: self.time.now()) { self.perform(effect, in: &group) }
                self.putUp()
            }
            // Resigned, or cancelled from outside.
            for session in self.sessions.values { group.addTask { await session.close() } }
            self.sessions = [:]
            group.cancelAll()
        }
        self.board.withLock { $0.permit = nil }
        self.tell.finish()
        self.end.finish()
    }

    /// Hands the leadership over, if we have it, and ends the session. Returns when that is done, or after two seconds
    /// where the ensemble does not answer; nothing new starts from the moment of the call.
    public func resign(to successor: Successor = .firstInLine) async {
        self.board.withLock { board in
            board.permit = nil
            board.isResigning = true
        }
        self.report.yield(.resignAsked(successor))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [ended] in for await _ in ended {} }
            group.addTask { [time] in try? await time.sleep(for: Self.resignBound) }
            await group.next()
            group.cancelAll()
        }
    }

    /// Claims over the head of this incarnation, if it leads: the next in line at once, the others a little later. A hint
    /// that it is gone is enough: if the hint is false, the epoch makes it a harmless handover. Does nothing unless we
    /// follow, and for a while after the last time.
    public nonisolated func presumeGone(_ leader: Incarnation) { self.report.yield(.leaderPresumedGone(leader)) }

    /// Writes under the guard of our leadership.
    ///
    /// A committed step may begin until `sentAt` + ``Timing/freshness``, and only if ``mayBegin(under:)`` still says so.
    /// - Returns: ``GuardedResult/notLeading`` if nothing was sent.
    public func write(_ request: GuardedRequest) async -> GuardedResult {
        let sentAt = self.time.now()
        let isResigning = self.board.withLock { $0.isResigning } && request.kind != .record
        guard !isResigning, let claim = self.machine.permits(request.kind, at: sentAt),
            let session = self.sessions.values.first
        else { return .notLeading }
        let operations = claim.operations(for: request, in: self.layout)
        let answer = await Self.answer { () throws(StoreError) in try await session.multi(operations) }
        self.note(answer, sentAt: sentAt)
        let result = claim.result(of: answer, to: request, sentAt: sentAt, in: self.layout)
        if result == .deposed { self.report.yield(.deposed(claim)) }
        return result
    }

    private func perform(_ effect: ElectionEffect, in group: inout DiscardingTaskGroup) {
        switch effect {
        case .open(let number):
            group.addTask { await self.follow(await self.connect(), number) }
        case .close(let number):
            guard let session = self.sessions.removeValue(forKey: number) else { break }
            group.addTask { await session.close() }
        case .call(let ticket, let call):
            guard let session = self.sessions[ticket.session] else { break }
            group.addTask { await self.make(call, ticket, on: session) }
        case .announce(let announcement):
            self.announce(announcement)
        case .alert(let alert):
            self.raise(alert)
        case .stop:
            self.report.finish()
        }
    }

    /// Reports the states of a new session until it ends, or until nobody wants it.
    private func follow(_ session: any StoreSession, _ number: Int) async {
        guard !Task.isCancelled, number == self.machine.sessionNumber, self.machine.role != .stopped else {
            return await session.close()
        }
        self.sessions[number] = session
        for await state in session.states() { self.report.yield(.session(number, state)) }
    }

    private func make(_ call: StoreCall, _ ticket: Ticket, on session: any StoreSession) async {
        let sentAt = self.time.now()
        let watch: @Sendable (WatchEvent) -> Void = { [report] _ in report.yield(.watchFired(ticket)) }
        let answer = await Self.answer { () throws(StoreError) -> StoreAnswer in
            switch call {
            case .get(let path, let watched): .node(try await session.get(path, watch: watched ? watch : nil))
            case .exists(let path, let watched): .stat(try await session.exists(path, watch: watched ? watch : nil))
            case .children(let path): .children(try await session.children(path, watch: nil))
            case .create(let path, let data, let kind):
                .created(path: try await session.create(path, data: data, kind: kind))
            case .multi(let operations): .results(try await session.multi(operations))
            case .sync(let path): try await Self.synced(session, path)
            }
        }
        if case .multi = call { self.note(answer, sentAt: sentAt) }
        self.report.yield(.answered(ticket, sentAt: sentAt, answer))
    }

    private static func synced(_ session: any StoreSession, _ path: String) async throws(StoreError) -> StoreAnswer {
        try await session.sync(path)
        return .synced
    }

    private static func answer<Value: Sendable>(
        _ call: @Sendable () async throws(StoreError) -> Value
    ) async -> Result<Value, StoreError> {
        do throws(StoreError) { return .success(try await call()) } catch { return .failure(error) }
    }

    /// A refusal is no measure; no answer is, since it took at least as long.
    private func note<Value>(_ answer: Result<Value, StoreError>, sentAt: Moment) {
        if case .failure(let error) = answer, !error.isAmbiguous { return }
        let now = self.time.now()
        self.board.withLock { $0.latencies.add(now - sentAt, at: now) }
    }

    /// Puts up where we stand, for ``status`` and ``mayBegin(under:)``.
    private func putUp() {
        let now = self.time.now()
        let (machine, permit) = (self.machine, self.machine.permitted)
        self.board.withLock { board in
            if board.status.role != machine.role { board.status.since = now }
            board.status.role = machine.role
            board.status.epoch = machine.highestEpoch
            board.status.leader = machine.record
            board.status.connected = machine.isConnected
            board.status.claims = machine.claims
            board.status.lateRenewals = machine.lateRenewals
            board.status.takeovers = machine.takeovers
            board.status.losses = machine.losses
            board.status.needlessHandovers = machine.needlessHandovers
            board.permit = board.isResigning ? nil : permit
        }
    }
}

extension Elector {
    private func announce(_ announcement: Announcement) {
        // What may begin is put up before anybody is told, so that nobody acts on news that is already old.
        self.putUp()
        switch announcement {
        case .following(let leader):
            self.log.info(
                "following",
                [
                    "election.leader": leader?.holder.map { LogValue($0.member) } ?? "none",
                    "election.epoch": LogValue(leader?.epoch ?? self.machine.highestEpoch),
                ])
            self.tell.yield(.following(leader: leader))
        case .leading(let epoch):
            self.log.info(
                "leading",
                [
                    "election.epoch": LogValue(epoch),
                    "election.by": .string(self.machine.lastTakeover?.rawValue ?? "unknown"),
                ])
            self.tell.yield(.leading(epoch))
        case .suspended(let epoch):
            self.log.warning("leadership suspended", ["election.epoch": LogValue(epoch)])
            self.tell.yield(.suspended(epoch))
        case .resumed(let epoch):
            self.log.info("leadership resumed", ["election.epoch": LogValue(epoch)])
            self.tell.yield(.resumed(epoch))
        case .lost(let epoch, let reason):
            self.log.log(
                reason == .resigned ? .info : .warning, "leadership lost",
                ["election.epoch": LogValue(epoch), "reason": LogValue(reason)])
            self.tell.yield(.lost(epoch, reason))
        case .sessionUsable:
            if let session = self.sessions.values.first { self.tell.yield(.session(session)) }
        case .disconnected:
            self.log.warning("disconnected from the coordination ensemble")
            self.tell.yield(.disconnected)
        }
    }

    private func raise(_ alert: ElectionAlert) {
        switch alert {
        case .treeGone(let epoch):
            self.log.error("the coordination tree vanished under the leader", ["election.epoch": LogValue(epoch)])
        case .epochWentBack(let from, let to):
            self.log.error(
                "the epoch in the coordination tree went back",
                ["election.epoch": LogValue(to), "election.epoch.seen": LogValue(from)])
        case .recordRefused(.unknownFormat(let format)):
            self.log.error(
                "the leader record has a format that this version does not know", ["format": .integer(Int64(format))])
        case .recordRefused(.unreadable):
            self.log.error("the leader record cannot be read", ["path": .string(self.layout.leader)])
        case .notAuthorized(let path):
            self.log.error("not allowed in the coordination tree", ["path": .string(path)])
        case .authenticationFailed:
            self.log.error("the coordination ensemble refuses our credentials")
        case .sessionGivenUp:
            self.log.error("no connection to the coordination ensemble for long, trying a new session")
        }
    }
}
