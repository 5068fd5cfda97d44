internal import Cluster

/// What is known of one node: the fold of its observations. It remembers who said what and when, and decides nothing.
struct NodeState: Hashable, Sendable {
    struct Dated<Value: Hashable & Sendable>: Hashable, Sendable {
        var at: Moment
        var took: Duration = .zero
        var method: MonitorMethod
        var value: Value
    }

    var node: Node
    /// What it is watched by.
    var methods: Set<MonitorMethod>
    /// The last fact from the network; an orderly close is none.
    private(set) var contact: Dated<NodeFact>?
    private(set) var lastAnswer: Dated<NodeFact>?
    /// Since when it does not answer, though it was asked: set by the first such fact, cleared by an answer.
    private(set) var troubleSince: Moment?
    /// Since when it says that it does not serve, moments in which it did included: a server that can write nothing leaves
    /// its quorum and joins it again without end. `nil` if it never said so in this life.
    private(set) var refusingSince: Moment?
    /// Since when it has served after it said that it does not.
    private var servingSince: Moment?
    private(set) var process: Dated<ProcessState>?
    /// The lives that were last said to run, the newest first, at most two.
    private var ran: [Ran] = []
    /// The life of the process that is known to have answered. Starting is told apart from hung by it, so it is set only
    /// by a question that was asked after this very life was seen running.
    private(set) var served: ProcessIdentity?
    /// The last failure of a monitor to look, until it succeeds again.
    private(set) var failures: [MonitorMethod: Dated<String>] = [:]
    private(set) var lastLook: Dated<NodeFact>?

    /// Who has served for so long does so.
    static let steady = Duration.seconds(10)

    init(_ node: Node, methods: Set<MonitorMethod>) {
        self.node = node
        self.methods = methods
    }

    private struct Ran: Hashable, Sendable {
        var life: ProcessIdentity
        /// When it was last said to run.
        var at: Moment
    }

    /// What an observation changed that others should be asked about at once.
    enum Change: Hashable, Sendable {
        /// It stopped answering, or the way in which it does not answer says more than before.
        case trouble
        /// The connection ended in order: no death, but a reason to look.
        case closed
        /// It answers again.
        case answers
        /// Its supervisor says something new.
        case process
    }

    mutating func fold(_ fact: NodeFact, of observation: Observation) -> Change? {
        let dated = Dated(at: observation.at, took: observation.took, method: observation.method, value: fact)
        self.failures[observation.method] = nil
        if self.lastLook.map({ $0.at <= dated.at }) ?? true { self.lastLook = dated }
        switch fact {
        case .process(let state): return self.fold(state, dated)
        case .connectionClosed: return .closed
        case .answered: return self.foldAnswer(dated)
        case .connected:
            guard self.isNewer(dated) else { return nil }
            // A frozen process accepts connections too, so only those that nothing else is asked of count as answered.
            if !self.methods.contains(.protocol), !self.methods.contains(.fourLetter) { return self.foldAnswer(dated) }
            if self.contact == nil { self.contact = dated }
            return nil
        case .refusedToServe:
            guard self.isNewer(dated) else { return nil }
            // It is alive and says that it cannot serve: no silence, but no service either.
            self.contact = dated
            self.troubleSince = nil
            let served = self.servingSince.map { dated.at - $0 } ?? .zero
            if self.refusingSince == nil || served >= Self.steady { self.refusingSince = dated.at }
            self.servingSince = nil
            return nil
        case .silent(let duration): return self.foldTrouble(dated, since: dated.at - duration)
        case .connectionReset, .connectionRefused, .connectTimedOut, .unreachable:
            return self.foldTrouble(dated, since: dated.at)
        }
    }

    mutating func foldFailure(_ reason: String, of observation: Observation) {
        self.failures[observation.method] = Dated(at: observation.at, method: observation.method, value: reason)
    }

    private func isNewer(_ dated: Dated<NodeFact>) -> Bool { self.contact.map { $0.at <= dated.at } ?? true }

    private mutating func foldAnswer(_ dated: Dated<NodeFact>) -> Change? {
        guard self.isNewer(dated) else { return nil }
        let wasInTrouble = self.troubleSince != nil || self.lastAnswer == nil
        self.contact = dated
        self.lastAnswer = dated
        self.servingSince = self.servingSince ?? dated.at
        self.troubleSince = nil
        if let process = self.process, process.value.state == .running, process.at <= dated.at {
            self.served = process.value.identity
        }
        return wasInTrouble ? .answers : nil
    }

    private mutating func foldTrouble(_ dated: Dated<NodeFact>, since: Moment) -> Change? {
        guard self.isNewer(dated) else { return nil }
        let before = self.contact?.value
        let began = self.troubleSince == nil
        let since = max(since, self.lastAnswer?.at ?? since)
        self.contact = dated
        self.troubleSince = min(self.troubleSince ?? since, since)
        switch dated.value {
        case .connectionReset: return .trouble
        case .connectionRefused: return began || before != .connectionRefused ? .trouble : nil
        default: return began ? .trouble : nil
        }
    }

    private mutating func fold(_ state: ProcessState, _ dated: Dated<NodeFact>) -> Change? {
        guard self.process.map({ $0.at <= dated.at }) ?? true else { return nil }
        let before = self.process?.value
        if before?.identity != state.identity { (self.refusingSince, self.servingSince) = (nil, nil) }
        self.process = Dated(at: dated.at, took: dated.took, method: .supervisor, value: state)
        if state.state == .running, let life = state.identity {
            self.ran = [Ran(life: life, at: dated.at)] + self.ran.filter { $0.life != life }.prefix(1)
        }
        return before == state ? nil : .process
    }
}

extension NodeState {
    /// When this life was last said to run; `nil` if that was not seen, or is long ago.
    func lastSaidToRun(_ life: ProcessIdentity) -> Moment? { self.ran.first { $0.life == life }?.at }
    /// Who else is at it, as of its supervisor's last word.
    var hand: String? { self.process?.value.hand }
    /// Whether nobody listens at its port: the connection was reset, or refused.
    var portIsClosed: Bool {
        guard self.troubleSince != nil else { return false }
        switch self.contact?.value {
        case .connectionReset, .connectionRefused: return true
        default: return false
        }
    }
    /// It answers, as of this age at most.
    func answers(at now: Moment, within validity: Duration) -> Bool {
        guard self.troubleSince == nil, let answer = self.lastAnswer, answer == self.contact else { return false }
        return now - answer.at <= validity
    }
    /// What its supervisor says against it, for people.
    var processError: String? {
        self.process.flatMap { $0.value.state == .running ? nil : "its process is \($0.value.state.rawValue)" }
    }
    /// The last thing that went wrong, for people.
    var error: String? {
        switch self.contact?.value {
        case .connectionReset: "connection reset"
        case .connectionRefused: "connection refused"
        case .connectTimedOut: "connect timed out"
        case .unreachable(let reason): reason
        case .silent: "no answer"
        case .refusedToServe(let reason): reason
        default:
            self.failures.values.min { $0.method.rawValue < $1.method.rawValue }.map {
                "\($0.method.rawValue): \($0.value)"
            }
        }
    }
}
