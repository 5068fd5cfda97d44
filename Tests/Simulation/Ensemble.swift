internal import Cluster

/// A ZooKeeper ensemble in memory, with the semantics that matter: one order of writes, reads that may be old, sessions
/// that the leader ends, and servers that do not know yet that they were cut off.
final class Ensemble {
    struct Server {
        var isUp = true
        /// Cut off from the other servers; its clients still reach it, until it notices.
        var cutSince: Moment?
        var frozenUntil = Moment.zero
        var tree = Tree()
        /// How many entries of the log it has applied.
        var applied = 0
        /// How long it takes to hear of a commit.
        var lag = Duration.milliseconds(1)
        /// When it applies what was committed last.
        var appliesAt = Moment.zero
        /// Requests that wait for this server to apply an entry.
        var waiting: [(count: Int, resume: () -> Void)] = []
        var watches: [String: [Watch]] = [:]
    }

    struct Watch {
        let connection: Int
        let onChildren: Bool
        let fire: (WatchEvent) -> Void
    }

    struct Entry {
        enum Kind {
            case operations([StoreOperation])
            case endOfSession
        }
        let session: Int64
        let kind: Kind
    }

    private struct Session {
        let timeout: Duration
        var deadline: Moment
        /// The connection that may write for it: the latest.
        var connection: Int
    }

    let scheduler: Scheduler
    let tick: Duration
    let syncLimit = 4
    private(set) var servers: [Server]
    private(set) var leader: Int? = 0
    private(set) var log: [Entry] = []
    /// What is true: the tree after the whole log.
    private(set) var tree = Tree()
    private var sessions: [Int64: Session] = [:]
    private var lastSession: Int64 = 0x1000_0000
    private var connections = 0
    /// By connection, to tell a client that its server has gone.
    private var broken: [Int: (server: Int, tell: () -> Void)] = [:]

    /// Called for each multi that was committed, with the sender's mark, after it was applied.
    var committed: (_ mark: WriteMark?, _ operations: [StoreOperation]) -> Void = { _, _ in }

    /// - Parameter lag: whether servers hear of commits later than their leader.
    init(servers: Int, tick: Duration, lag: Bool, scheduler: Scheduler) {
        self.servers = Array(repeating: Server(), count: servers)
        self.tick = tick
        self.scheduler = scheduler
        for server in self.servers.indices where server > 0 {
            let drawn = scheduler.random.duration(.milliseconds(1)...(.milliseconds(5)))
            self.servers[server].lag = lag ? drawn : .zero
        }
        self.planTick()
    }

    var zxid: Int64 { Int64(self.log.count) }

    // MARK: Servers

    private func isInQuorum(_ server: Int) -> Bool {
        self.servers[server].isUp && self.servers[server].cutSince == nil
            && self.servers[server].frozenUntil <= self.scheduler.now
    }
    private var hasQuorum: Bool { self.servers.indices.filter(self.isInQuorum).count * 2 > self.servers.count }

    /// Whether it talks to clients: a server that was cut off still does, until it has missed its peers for long enough.
    func serves(_ server: Int) -> Bool {
        let state = self.servers[server]
        guard state.isUp else { return false }
        if let since = state.cutSince { return self.scheduler.now - since < self.tick * self.syncLimit }
        return self.leader != nil
    }
    func isFrozen(_ server: Int) -> Bool { self.servers[server].frozenUntil > self.scheduler.now }

    /// Whether somebody who reaches the right server can write.
    var isWritable: Bool { self.leader.map { self.canCommit(from: $0) } ?? false }

    /// Whether what this server forwards reaches the leader, and a quorum follows the leader.
    private func canCommit(from server: Int) -> Bool {
        guard let leader = self.leader else { return false }
        return self.isInQuorum(leader) && self.isInQuorum(server) && self.hasQuorum
    }

    func stop(_ server: Int) {
        self.servers[server].isUp = false
        self.breakConnections(to: server)
        self.reconsiderLeader()
    }
    func start(_ server: Int) {
        guard !self.servers[server].isUp else { return }
        self.servers[server].isUp = true
        self.servers[server].watches = [:]
        self.rejoin(server)
    }
    func cut(_ server: Int) {
        guard self.servers[server].cutSince == nil else { return }
        self.servers[server].cutSince = self.scheduler.now
        self.scheduler.after(self.tick * self.syncLimit) {
            guard !self.serves(server) else { return }
            self.breakConnections(to: server)
        }
        self.reconsiderLeader()
    }
    func heal(_ server: Int) {
        guard self.servers[server].cutSince != nil else { return }
        self.servers[server].cutSince = nil
        self.breakConnections(to: server)
        self.rejoin(server)
    }
    func freeze(_ server: Int, for duration: Duration) {
        self.servers[server].frozenUntil = max(self.servers[server].frozenUntil, self.scheduler.now + duration)
        self.reconsiderLeader()
        self.scheduler.at(self.servers[server].frozenUntil) {
            guard !self.isFrozen(server) else { return }
            self.rejoin(server)
        }
    }
    func setLag(of server: Int, to lag: Duration) { self.servers[server].lag = lag }

    private func rejoin(_ server: Int) {
        self.reconsiderLeader()
        self.planApply(at: server)
    }

    private func reconsiderLeader() {
        if let leader = self.leader, self.isInQuorum(leader), self.hasQuorum { return }
        self.leader = nil
        for server in self.servers.indices where self.isInQuorum(server) { self.breakConnections(to: server) }
        self.scheduler.after(self.scheduler.random.duration(.milliseconds(300)...(.milliseconds(900)))) {
            guard self.leader == nil, self.hasQuorum else { return }
            // Whoever has most; what was committed is never lost.
            let able = self.servers.indices.filter(self.isInQuorum)
            let leader = able.max { self.servers[$0].applied < self.servers[$1].applied }!
            self.leader = leader
            self.apply(at: leader, upTo: self.log.count)
            // A new leader gives every session its whole time again.
            for session in self.sessions.keys { self.touch(session) }
        }
    }

    private func breakConnections(to server: Int) {
        self.servers[server].watches = [:]
        self.servers[server].waiting = []
        for (connection, link) in self.broken.sorted(by: { $0.key < $1.key }) where link.server == server {
            self.broken[connection] = nil
            link.tell()
        }
    }

    // MARK: Sessions

    private func touch(_ id: Int64) {
        guard let session = self.sessions[id] else { return }
        // The leader looks once per tick, so an end comes up to a tick late, and never early.
        let ticks = (self.scheduler.now + session.timeout).nanoseconds / self.tick.wholeNanoseconds + 1
        self.sessions[id]!.deadline = Moment(nanoseconds: ticks * self.tick.wholeNanoseconds)
    }

    private func planTick() {
        self.scheduler.after(self.tick) {
            if let leader = self.leader, self.canCommit(from: leader) {
                for (id, session) in self.sessions.sorted(by: { $0.key < $1.key })
                where session.deadline <= self.scheduler.now { self.endSession(id) }
            }
            self.planTick()
        }
    }

    func endSession(_ id: Int64) {
        guard let session = self.sessions.removeValue(forKey: id) else { return }
        self.commit(Entry(session: id, kind: .endOfSession))
        self.drop(session.connection)
    }

    /// Opens or takes up a session at a server.
    /// - Returns: the session and its connection; `nil` if the server does not answer to that.
    func connect(
        to server: Int, session: Int64?, timeout: Duration, seen: Int, broken: @escaping () -> Void
    ) -> Connecting {
        guard self.serves(server), !self.isFrozen(server), self.canCommit(from: server) else { return .refused }
        // A server never shows a client an older state than that client has seen.
        guard self.servers[server].applied >= seen else { return .refused }
        self.connections += 1
        let id: Int64
        if let session {
            guard self.sessions[session] != nil else { return .expired }
            id = session
            self.sessions[id]!.connection = self.connections
        } else {
            self.lastSession += 1
            id = self.lastSession
            self.sessions[id] = Session(timeout: timeout, deadline: .zero, connection: self.connections)
        }
        self.touch(id)
        self.broken[self.connections] = (server, broken)
        return .connected(session: id, connection: self.connections)
    }
    enum Connecting {
        case refused, expired
        case connected(session: Int64, connection: Int)
    }

    func disconnect(_ connection: Int) {
        guard let link = self.broken.removeValue(forKey: connection) else { return }
        for path in self.servers[link.server].watches.keys {
            self.servers[link.server].watches[path]!.removeAll { $0.connection == connection }
        }
    }

    func isCurrent(_ connection: Int) -> Bool { self.broken[connection] != nil }

    /// A sign of life of a client reached its server, which passes it on.
    func heard(_ session: Int64, at server: Int) {
        if self.canCommit(from: server) { self.touch(session) }
    }

    // MARK: Reading and writing

    func read<Value>(at server: Int, _ body: (Tree) throws(StoreError) -> Value) throws(StoreError) -> Value {
        try body(self.servers[server].tree)
    }

    func watch(
        _ path: String, at server: Int, by connection: Int, onChildren: Bool, fire: @escaping (WatchEvent) -> Void
    ) {
        self.servers[server].watches[path, default: []]
            .append(Watch(connection: connection, onChildren: onChildren, fire: fire))
    }

    /// What a server passes on to the leader. `answer` comes once this server has applied it, or never.
    func write(
        _ operations: [StoreOperation], session: Int64, connection: Int, at server: Int, mark: WriteMark?,
        answer: @escaping (Result<[StoreResult], StoreError>) -> Void
    ) {
        // A session that has moved on does not write through its former server any more.
        guard self.canCommit(from: server) else { return self.drop(connection) }
        guard let known = self.sessions[session], known.connection == connection else { return }
        var next = self.tree
        let result = Result { () throws(StoreError) in
            try next.execute(operations, session: session, zxid: self.zxid + 1)
        }
        switch result {
        case .success(let done):
            self.commit(Entry(session: session, kind: .operations(operations)))
            self.committed(mark, operations)
            self.whenApplied(at: server) { answer(.success(done.results)) }
        case .failure(let error):
            self.whenApplied(at: server) { answer(.failure(error)) }
        }
    }

    /// A server without a leader drops its clients, and the client of a session that has ended, unless the server was
    /// cut off and does not know it yet.
    private func drop(_ connection: Int) {
        guard let link = self.broken[connection], self.servers[link.server].cutSince == nil else { return }
        self.broken[connection] = nil
        link.tell()
    }

    func sync(at server: Int, by connection: Int, answer: @escaping () -> Void) {
        guard self.canCommit(from: server) else { return self.drop(connection) }
        self.whenApplied(at: server, answer)
    }

    /// A write of no client of ours: an operator's, or a rogue's.
    func foreignWrite(_ operations: [StoreOperation]) {
        var next = self.tree
        guard (try? next.execute(operations, session: 0, zxid: self.zxid + 1)) != nil else { return }
        self.commit(Entry(session: 0, kind: .operations(operations)))
        self.committed(nil, operations)
    }

    private func whenApplied(at server: Int, _ resume: @escaping () -> Void) {
        guard self.servers[server].applied < self.log.count else { return resume() }
        self.servers[server].waiting.append((self.log.count, resume))
    }

    private func commit(_ entry: Entry) {
        self.log.append(entry)
        switch entry.kind {
        case .operations(let operations):
            _ = try? self.tree.execute(operations, session: entry.session, zxid: self.zxid)
        case .endOfSession:
            _ = self.tree.endSession(entry.session)
        }
        for server in self.servers.indices { self.planApply(at: server) }
    }

    private func planApply(at server: Int) {
        let count = self.log.count
        guard server != self.leader else { return self.apply(at: server, upTo: count) }
        guard self.isInQuorum(server) else { return }
        let due = max(self.servers[server].appliesAt, self.scheduler.now + self.servers[server].lag)
        self.servers[server].appliesAt = due
        self.scheduler.at(due) {
            guard self.isInQuorum(server) else { return }
            self.apply(at: server, upTo: count)
        }
    }

    private func apply(at server: Int, upTo count: Int) {
        while self.servers[server].applied < count {
            let entry = self.log[self.servers[server].applied]
            self.servers[server].applied += 1
            let zxid = Int64(self.servers[server].applied)
            switch entry.kind {
            case .operations(let operations):
                let done = try? self.servers[server].tree.execute(operations, session: entry.session, zxid: zxid)
                self.fireWatches(at: server, done?.touched ?? [])
            case .endOfSession:
                self.fireWatches(at: server, self.servers[server].tree.endSession(entry.session))
            }
        }
        let applied = self.servers[server].applied
        let ready = self.servers[server].waiting.filter { $0.count <= applied }
        self.servers[server].waiting.removeAll { $0.count <= applied }
        for wait in ready { wait.resume() }
    }

    private func fireWatches(at server: Int, _ touched: [(path: String, event: WatchEvent)]) {
        for (path, event) in touched {
            guard let watches = self.servers[server].watches[path] else { continue }
            let fired = watches.filter { $0.onChildren == (event == .childrenChanged) || event == .deleted }
            self.servers[server].watches[path]!.removeAll {
                $0.onChildren == (event == .childrenChanged) || event == .deleted
            }
            for watch in fired { watch.fire(event) }
        }
    }
}

/// Marks a guarded write for the witness: who sent it, under which claim, and whether it permits a step.
struct WriteMark {
    let healer: Int
    let epoch: Epoch
    let nonce: String
    let opensStep: Bool
}
