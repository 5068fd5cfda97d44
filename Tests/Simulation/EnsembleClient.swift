internal import Cluster
internal import Election

/// One session as a client library gives it: requests answered in order or lost together, watches that fire once, and
/// states that are told when they are learned, which may be late.
///
/// Everything the process is told goes through `deliver`, which holds it back while the process is frozen.
final class EnsembleClient {
    enum Request {
        case get(String), exists(String), children(String)
        case write([StoreOperation])
        case sync
    }

    private struct Pending {
        let number: Int
        let isWrite: Bool
        let answer: (Result<StoreAnswer, StoreError>) -> Void
    }

    private struct Connection {
        let id: Int
        let server: Int
        /// When the last message in either direction arrives, since none overtakes another.
        var sentUpTo: Moment
        var receivedUpTo: Moment
        /// Requests at the server, which are carried out one after the other.
        var queue: [() -> Void] = []
        var isBusy = false
        /// The next reply to a write is lost, and the connection with it.
        var losesNextReply = false
    }

    static let callLimit = Duration.seconds(2)

    private let ensemble: Ensemble
    private let scheduler: Scheduler
    private let timeout: Duration
    private let delay: ClosedRange<Duration>
    private let deliver: (@escaping () -> Void) -> Void
    private let tell: (SessionState) -> Void

    private(set) var session: Int64?
    /// What the process was told last.
    private(set) var told: SessionState = .connecting
    private var connection: Connection?
    private var pending: [Pending] = []
    private var watches: [Int: (WatchEvent) -> Void] = [:]
    private var lastNumber = 0
    private var lastHeard: Moment
    /// How much of the log this client has seen.
    private var seen = 0
    private var isOver = false
    /// The process is gone; nothing of it runs any more.
    private var isDead = false

    init(
        ensemble: Ensemble, timeout: Duration, delay: ClosedRange<Duration>,
        deliver: @escaping (@escaping () -> Void) -> Void, tell: @escaping (SessionState) -> Void
    ) {
        self.ensemble = ensemble
        self.scheduler = ensemble.scheduler
        self.timeout = timeout
        self.delay = delay
        self.deliver = deliver
        self.tell = tell
        self.lastHeard = ensemble.scheduler.now
        self.tryServer()
        self.planPing()
    }

    private func hop() -> Duration { self.scheduler.random.duration(self.delay) }

    // MARK: Connecting

    private func tryServer() {
        guard !self.isOver, !self.isDead, self.connection == nil else { return }
        let server = Int.random(in: self.ensemble.servers.indices, using: &self.scheduler.random)
        self.scheduler.after(self.hop() * 2) {
            self.deliver { self.arrive(at: server) }
        }
    }

    private func arrive(at server: Int) {
        guard !self.isOver, !self.isDead, self.connection == nil else { return }
        var id = 0
        let answer = self.ensemble.connect(
            to: server, session: self.session, timeout: self.timeout, seen: self.seen,
            broken: { self.scheduler.after(self.hop()) { self.deliver { self.lost(id) } } })
        switch answer {
        case .refused:
            self.scheduler.after(.milliseconds(20)) { self.tryServer() }
        case .expired:
            self.end(.expired)
        case .connected(let session, let connection):
            id = connection
            self.session = session
            self.lastHeard = self.scheduler.now
            let now = self.scheduler.now
            self.connection = Connection(id: connection, server: server, sentUpTo: now, receivedUpTo: now)
            self.say(.connected(session: session))
        }
    }

    private func say(_ state: SessionState) {
        self.told = state
        self.tell(state)
    }

    private func end(_ state: SessionState) {
        guard !self.isOver else { return }
        self.isOver = true
        self.say(state)
    }

    /// The connection is gone: what was under way is lost, and so are the watches.
    private func lost(_ id: Int) {
        guard let connection = self.connection, connection.id == id else { return }
        self.connection = nil
        self.ensemble.disconnect(id)
        guard !self.isDead else { return }
        let (pending, watches) = (self.pending, self.watches)
        self.pending = []
        self.watches = [:]
        for call in pending { call.answer(.failure(StoreError(.connectionLost, path: ""))) }
        for (_, fire) in watches.sorted(by: { $0.key < $1.key }) { fire(.disturbed) }
        guard !self.isOver else { return }
        self.say(.connecting)
        self.scheduler.after(.milliseconds(10)) { self.tryServer() }
    }

    /// Cuts the connection, as a bad network does; both sides learn it at once.
    func cut() { if let connection { self.lost(connection.id) } }

    func loseNextReply() { self.connection?.losesNextReply = true }

    func die() {
        self.isDead = true
        if let connection { self.ensemble.disconnect(connection.id) }
        self.connection = nil
    }

    func close() {
        guard !self.isOver, !self.isDead else { return }
        if let connection, let session {
            self.scheduler.after(self.hop()) {
                if self.ensemble.serves(connection.server), !self.ensemble.isFrozen(connection.server) {
                    self.ensemble.endSession(session)
                }
            }
            self.ensemble.disconnect(connection.id)
            self.connection = nil
        }
        self.end(.closed)
    }

    private func planPing() {
        self.scheduler.after(self.timeout / 3) {
            guard !self.isOver, !self.isDead else { return }
            self.deliver { self.ping() }
            self.planPing()
        }
    }

    private func ping() {
        guard let connection, let session else { return }
        if self.scheduler.now - self.lastHeard > self.timeout * 2 / 3 { return self.lost(connection.id) }
        self.toServer(connection.id) { server in
            self.ensemble.heard(session, at: server)
            self.toClient(connection.id) {}
        }
    }

    // MARK: Messages

    private func toServer(_ id: Int, _ body: @escaping (_ server: Int) -> Void) {
        guard let connection, connection.id == id else { return }
        let due = max(connection.sentUpTo, self.scheduler.now + self.hop())
        self.connection!.sentUpTo = due
        self.scheduler.at(due) { self.handIn(id, connection.server, body) }
    }

    private func handIn(_ id: Int, _ server: Int, _ body: @escaping (_ server: Int) -> Void) {
        guard self.ensemble.isCurrent(id), self.ensemble.serves(server) else { return }
        guard !self.ensemble.isFrozen(server) else {
            return self.scheduler.at(self.ensemble.servers[server].frozenUntil) { self.handIn(id, server, body) }
        }
        body(server)
    }

    private func toClient(_ id: Int, _ body: @escaping () -> Void) {
        guard let connection, connection.id == id else { return }
        let due = max(connection.receivedUpTo, self.scheduler.now + self.hop())
        self.connection!.receivedUpTo = due
        let seen = self.ensemble.servers[connection.server].applied
        self.scheduler.at(due) {
            self.deliver {
                guard let connection = self.connection, connection.id == id else { return }
                self.lastHeard = self.scheduler.now
                self.seen = max(self.seen, seen)
                body()
            }
        }
    }

    // MARK: Requests

    /// - Parameter watch: told once, and through the same way as answers.
    func send(
        _ request: Request, path: String, mark: WriteMark? = nil, watch: ((WatchEvent) -> Void)? = nil,
        answer: @escaping (Result<StoreAnswer, StoreError>) -> Void
    ) {
        guard !self.isOver, let connection, let session else {
            let reason: StoreError.Reason = self.isOver ? .sessionExpired : .connectionLost
            return self.scheduler.after(.zero) {
                self.deliver { if !self.isDead { answer(.failure(StoreError(reason, path: path))) } }
            }
        }
        self.lastNumber += 1
        let number = self.lastNumber
        var isWrite = false
        if case .write = request { isWrite = true }
        self.pending.append(Pending(number: number, isWrite: isWrite, answer: answer))
        self.scheduler.after(Self.callLimit) {
            self.deliver { self.settle(number, .failure(StoreError(.timedOut, path: path))) }
        }
        if let watch { self.watches[number] = watch }
        self.toServer(connection.id) { server in
            self.ensemble.heard(session, at: server)
            self.enqueue(connection.id) {
                self.serve(request, number, connection.id, server, session, mark, watched: watch != nil)
            }
        }
    }

    private func settle(_ number: Int, _ result: Result<StoreAnswer, StoreError>) {
        guard let place = self.pending.firstIndex(where: { $0.number == number }) else { return }
        let call = self.pending.remove(at: place)
        guard !self.isDead else { return }
        call.answer(result)
    }

    /// One request of a connection after the other.
    private func enqueue(_ id: Int, _ body: @escaping () -> Void) {
        guard self.connection?.id == id else { return }
        self.connection!.queue.append(body)
        self.next(id)
    }

    private func next(_ id: Int) {
        guard let connection, connection.id == id, !connection.isBusy, !connection.queue.isEmpty else { return }
        self.connection!.isBusy = true
        let body = self.connection!.queue.removeFirst()
        body()
    }

    private func done(_ number: Int, _ id: Int, isWrite: Bool = false, _ result: Result<StoreAnswer, StoreError>) {
        guard let connection, connection.id == id, self.ensemble.isCurrent(id) else { return }
        if isWrite, connection.losesNextReply {
            self.ensemble.disconnect(id)
            return self.scheduler.after(self.hop()) { self.deliver { self.lost(id) } }
        }
        self.connection!.isBusy = false
        self.toClient(id) { self.settle(number, result) }
        self.next(id)
    }

    private func serve(
        _ request: Request, _ number: Int, _ id: Int, _ server: Int, _ session: Int64, _ mark: WriteMark?,
        watched: Bool
    ) {
        switch request {
        case .get(let path):
            guard let node = self.ensemble.servers[server].tree[path] else {
                self.watches[number] = nil
                return self.done(number, id, .failure(StoreError(.noNode, path: path)))
            }
            if watched { self.setWatch(path, number, id, server) }
            self.done(number, id, .success(.node(StoreNode(data: node.data, stat: node.stat))))
        case .exists(let path):
            if watched { self.setWatch(path, number, id, server) }
            self.done(number, id, .success(.stat(self.ensemble.servers[server].tree[path]?.stat)))
        case .children(let path):
            guard let node = self.ensemble.servers[server].tree[path] else {
                self.watches[number] = nil
                return self.done(number, id, .failure(StoreError(.noNode, path: path)))
            }
            if watched { self.setWatch(path, number, id, server, onChildren: true) }
            self.done(number, id, .success(.children(node.children.sorted())))
        case .write(let operations):
            self.scheduler.after(self.hop()) {
                self.ensemble.write(operations, session: session, connection: id, at: server, mark: mark) { result in
                    self.done(number, id, isWrite: true, result.map { .results($0) })
                }
            }
        case .sync:
            self.scheduler.after(self.hop()) {
                self.ensemble.sync(at: server, by: id) { self.done(number, id, .success(.synced)) }
            }
        }
    }

    private func setWatch(_ path: String, _ number: Int, _ id: Int, _ server: Int, onChildren: Bool = false) {
        self.ensemble.watch(path, at: server, by: id, onChildren: onChildren) { event in
            self.toClient(id) { self.watches.removeValue(forKey: number)?(event) }
        }
    }
}

extension EnsembleClient {
    /// A call in the election machine's words.
    func make(
        _ call: StoreCall, watch: @escaping () -> Void, answer: @escaping (Result<StoreAnswer, StoreError>) -> Void
    ) {
        switch call {
        case .get(let path, let watched):
            self.send(.get(path), path: path, watch: watched ? { _ in watch() } : nil, answer: answer)
        case .exists(let path, let watched):
            self.send(.exists(path), path: path, watch: watched ? { _ in watch() } : nil, answer: answer)
        case .children(let path):
            self.send(.children(path), path: path, answer: answer)
        case .sync(let path):
            self.send(.sync, path: path, answer: answer)
        case .multi(let operations):
            self.send(.write(operations), path: operations.first?.path ?? "", answer: answer)
        case .create(let path, let data, let kind):
            self.send(.write([.create(path, data: data, kind: kind)]), path: path) { result in
                answer(
                    result.map { done in
                        guard case .results(let results) = done, case .created(let path)? = results.first else {
                            return done
                        }
                        return .created(path: path)
                    })
            }
        }
    }
}
