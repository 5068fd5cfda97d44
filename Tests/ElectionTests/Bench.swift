import Cluster
import Testing

@testable import Election

/// One machine, and an ensemble that answers as the test says.
struct Bench {
    static let layout = Layout(root: "/healer", cluster: ClusterName("main"))
    var machine: ElectionMachine
    var now = Moment(.seconds(100))
    var session = 0
    /// What was asked for last, in order.
    var effects: [ElectionEffect] = []

    init(timing: Election.Timing = .steady) {
        self.machine = ElectionMachine(
            member: Member(
                id: HealerID("h1"), incarnation: Incarnation("i1"), address: "h1:8080", version: "1",
                configuration: "c"),
            layout: Self.layout, timing: timing, seed: (1, 2))
    }

    @discardableResult
    mutating func handle(_ event: ElectionEvent) -> [ElectionEffect] {
        self.effects = self.machine.handle(event, at: self.now)
        return self.effects
    }

    mutating func pass(_ duration: Duration) { self.now = self.now + duration }

    /// The only call among the last effects.
    var call: (ticket: Ticket, call: StoreCall)? {
        self.calls.count == 1 ? self.calls[0] : nil
    }
    var calls: [(ticket: Ticket, call: StoreCall)] {
        self.effects.compactMap { if case .call(let ticket, let call) = $0 { (ticket, call) } else { nil } }
    }
    var announcements: [Announcement] {
        self.effects.compactMap { if case .announce(let announcement) = $0 { announcement } else { nil } }
    }
    var alerts: [ElectionAlert] {
        self.effects.compactMap { if case .alert(let alert) = $0 { alert } else { nil } }
    }

    /// Answers the last call (or this one), sent now.
    @discardableResult
    mutating func answer(
        _ answer: Result<StoreAnswer, StoreError>, to ticket: Ticket? = nil, sentAt: Moment? = nil
    ) throws -> [ElectionEffect] {
        let ticket = try ticket ?? #require(self.calls.last?.ticket)
        return self.handle(.answered(ticket, sentAt: sentAt ?? self.now, answer))
    }

    static func fails(_ reason: StoreError.Reason, at operation: Int? = nil) -> Result<StoreAnswer, StoreError> {
        .failure(StoreError(reason, path: "/", operation: operation))
    }
    static func stat(version: Int32 = 0, owner: Int64 = 0) -> StoreStat {
        StoreStat(createdBy: 1, modifiedBy: 1, version: version, ephemeralOwner: owner, childrenCount: 0)
    }
    static func node(_ record: LeaderRecord, version: Int32) -> Result<StoreAnswer, StoreError> {
        .success(.node(StoreNode(data: record.encoded, stat: Self.stat(version: version))))
    }
    static func rival(epoch: Int64, nonce: String = "rival") -> LeaderRecord {
        let holder = LeaderRecord.Holder(
            member: HealerID("h2"), incarnation: Incarnation("i2"), address: "h2:8080")
        return LeaderRecord(epoch: Epoch(epoch), holder: holder, nonce: nonce)
    }
    static let committedClaim: Result<StoreAnswer, StoreError> = .success(
        .results([.checked, .set(Self.stat(version: 8))]))
    static let committedBeat: Result<StoreAnswer, StoreError> = .success(
        .results([.checked, .checked, .set(Self.stat(version: 1))]))

    /// Connected, and every node of the foundation stands: about to create the candidate.
    mutating func connect() throws {
        self.handle(.started)
        self.session = 1
        self.handle(.session(1, .connected(session: 77)))
        try self.findFoundation()
    }

    /// Every node of the foundation that is asked about stands.
    mutating func findFoundation() throws {
        while case .exists = self.call?.call { try self.answer(.success(.stat(Self.stat()))) }
    }

    /// The prefix that the candidate is asked for with.
    var requestedPrefix: String {
        guard case .create(let path, _, .ephemeralSequential) = self.calls.last?.call else { return "" }
        return path
    }

    /// In line, the line and the record are about to be read.
    mutating func join() throws -> String {
        try self.connect()
        let path = self.requestedPrefix + "0000000005"
        try self.answer(.success(.created(path: path)))
        return path
    }

    static func name(_ path: String) -> String { String(path.split(separator: "/").last!) }

    /// First in line over a vacant record at version 7: the claim is on its way.
    mutating func claim() throws -> String {
        let path = try self.join()
        try self.answer(.success(.children([Self.name(path)])))
        try self.answer(Self.node(.vacant(Epoch(3)), version: 7))
        return path
    }

    mutating func lead() throws -> String {
        let path = try self.claim()
        try self.answer(Self.committedClaim)
        return path
    }
}
