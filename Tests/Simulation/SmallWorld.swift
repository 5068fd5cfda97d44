internal import Cluster
internal import Election

/// A few healers' elections and one ensemble, small enough to try everything that can happen, in every order.
///
/// A value: each step makes another world. One healer reads at a server that hears of commits late, as late as it can.
struct SmallWorld: Hashable {
    /// What is still on its way to or from a healer, in the order of its connection.
    struct Parcel: Hashable {
        enum Content: Hashable {
            case call(Ticket, StoreCall)
            case write(HeldClaim, GuardedRequest)
            case watch(Ticket)
        }
        let content: Content
        let sentAt: Moment
        /// `nil` until a server has carried it out.
        var answer: Result<StoreAnswer, StoreError>?
    }

    struct Healer: Hashable {
        var machine: ElectionMachine
        /// Of the ensemble; `nil` while there is none.
        var session: Int64?
        /// The machine's number for it.
        var number = 0
        var parcels: [Parcel] = []
        /// By path: who wants to know.
        var watches: [String: [Ticket]] = [:]
        var tickedAt: Moment?
        /// What its server shows; `nil` where that is the truth.
        var view: Tree?
        /// What its server has not heard of yet.
        var unheard: [String] = []
        let lags: Bool
    }

    enum Step: Hashable {
        case execute(Int), deliver(Int), catchUp(Int), tick(Int)
        /// Time passes.
        case pass
        case act(Int)
        // These are counted against a budget.
        case cut(Int), expire(Int), hint(Int), resign(Int)
    }

    struct Budget: Hashable {
        var faults: Int
        var acts: Int
        var passes: Int
    }

    static let layout = Layout(root: "/h", cluster: ClusterName("c"))
    static let timing = Election.Timing.fast
    /// So that two of them exceed the limit, and four the silence.
    static let pause = Duration.milliseconds(300)

    private(set) var healers: [Healer]
    private(set) var tree = Tree()
    private(set) var zxid: Int64 = 0
    private(set) var lastSession: Int64 = 0
    private(set) var now = Moment(.seconds(100))
    private(set) var highest = Epoch.none
    private(set) var led: Set<Epoch> = []
    private(set) var begun: [Epoch: Int] = [:]
    private(set) var permitted: [Epoch: Int] = [:]
    private(set) var budget: Budget
    private(set) var violation: String?

    /// The first leads, the others follow, nothing is under way.
    init(healers count: Int, budget: Budget) {
        self.budget = budget
        self.healers = (0..<count).map { place in
            Healer(
                machine: ElectionMachine(
                    member: Member(
                        id: HealerID("\(place)"), incarnation: Incarnation("\(place)"), address: "", version: "",
                        configuration: ""), layout: Self.layout, timing: Self.timing, seed: (UInt64(place), 7)),
                lags: place == count - 1)
        }
        for place in self.healers.indices {
            self.handle(.started, place)
            self.settle()
        }
    }

    private mutating func settle() {
        while let step = self.steps.first(where: {
            switch $0 {
            case .execute, .deliver, .catchUp: true
            default: false
            }
        }) { self.take(step) }
    }

    // MARK: What can happen

    var steps: [Step] {
        var steps: [Step] = []
        for (place, healer) in self.healers.enumerated() {
            if let first = healer.parcels.first, first.answer != nil { steps.append(.deliver(place)) }
            if healer.session != nil, healer.parcels.contains(where: { $0.answer == nil }) {
                steps.append(.execute(place))
            }
            if !healer.unheard.isEmpty { steps.append(.catchUp(place)) }
            if healer.tickedAt != self.now { steps.append(.tick(place)) }
            if self.budget.acts > 0, healer.machine.permits(.step(control: 0, globalControl: 0), at: self.now) != nil {
                steps.append(.act(place))
            }
            guard self.budget.faults > 0 else { continue }
            if healer.session != nil { steps += [.cut(place), .expire(place)] }
            if healer.machine.record?.holder?.member != healer.machine.member.id,
                healer.machine.role == .following
            {
                steps.append(.hint(place))
            }
            if healer.machine.heldClaim != nil { steps.append(.resign(place)) }
        }
        if self.budget.passes > 0 { steps.append(.pass) }
        return steps
    }

    mutating func take(_ step: Step) {
        switch step {
        case .execute(let place): self.execute(place)
        case .deliver(let place): self.deliver(place)
        case .catchUp(let place): self.catchUp(place)
        case .tick(let place):
            self.healers[place].tickedAt = self.now
            self.handle(.ticked, place)
        case .pass:
            self.budget.passes -= 1
            self.now = self.now + Self.pause
        case .act(let place):
            self.budget.acts -= 1
            let request = GuardedRequest(
                .step(control: 0, globalControl: 0), [.set(Self.layout.outbox, data: [1], version: nil)])
            guard let claim = self.healers[place].machine.permits(request.kind, at: self.now) else { return }
            self.healers[place].parcels.append(Parcel(content: .write(claim, request), sentAt: self.now))
        case .cut(let place):
            self.budget.faults -= 1
            self.cut(place)
            guard let session = self.healers[place].session else { return }
            self.handle(.session(self.healers[place].number, .connected(session: session)), place)
        case .expire(let place):
            self.budget.faults -= 1
            self.cut(place)
            self.endSession(of: place)
            self.handle(.session(self.healers[place].number, .expired), place)
        case .hint(let place):
            self.budget.faults -= 1
            if let leader = self.healers[place].machine.record?.holder?.incarnation {
                self.handle(.leaderPresumedGone(leader), place)
            }
        case .resign(let place):
            self.budget.faults -= 1
            let line = self.tree[Self.layout.candidates]?.children.sorted { $0.suffix(10) < $1.suffix(10) } ?? []
            let own = self.healers[place].machine.heldClaim?.candidate
            let last = line.last { Self.layout.candidate($0) != own }
            self.handle(.resignAsked(last.map { .candidate($0) } ?? .firstInLine), place)
        }
    }

    // MARK: A healer

    private mutating func handle(_ event: ElectionEvent, _ place: Int) {
        for effect in self.healers[place].machine.handle(event, at: self.now) {
            switch effect {
            case .open(let number):
                self.lastSession += 1
                self.healers[place].session = self.lastSession
                self.healers[place].number = number
                self.healers[place].parcels = []
                self.healers[place].watches = [:]
                self.handle(.session(number, .connected(session: self.lastSession)), place)
            case .close(let number):
                if number == self.healers[place].number { self.endSession(of: place) }
            case .call(let ticket, let call):
                guard ticket.session == self.healers[place].number else { break }
                self.healers[place].parcels.append(Parcel(content: .call(ticket, call), sentAt: self.now))
            case .announce(.leading(let epoch)):
                if !self.led.insert(epoch).inserted { self.violation = "epoch \(epoch) is led twice" }
            case .announce, .alert, .stop:
                break
            }
        }
    }

    private mutating func deliver(_ place: Int) {
        let parcel = self.healers[place].parcels.removeFirst()
        switch (parcel.content, parcel.answer) {
        case (.call(let ticket, _), .some(let answer)):
            self.handle(.answered(ticket, sentAt: parcel.sentAt, answer), place)
        case (.watch(let ticket), _):
            self.handle(.watchFired(ticket), place)
        case (.write(let claim, let request), .some(let answer)):
            self.written(claim, request, parcel.sentAt, answer, place)
        case (_, nil):
            break
        }
    }

    private mutating func written(
        _ claim: HeldClaim, _ request: GuardedRequest, _ sentAt: Moment, _ answer: Result<StoreAnswer, StoreError>,
        _ place: Int
    ) {
        let results = answer.map { done -> [StoreResult] in if case .results(let all) = done { all } else { [] } }
        switch claim.result(of: results, to: request, sentAt: sentAt, in: Self.layout) {
        case .deposed: self.handle(.deposed(claim), place)
        case .committed:
            let machine = self.healers[place].machine
            guard self.now < sentAt + Self.timing.freshness, machine.mayBegin(under: claim.epoch, at: self.now)
            else { return }
            self.begun[claim.epoch, default: 0] += 1
            if self.begun[claim.epoch]! > self.permitted[claim.epoch, default: 0] {
                self.violation = "a step began under epoch \(claim.epoch) that nothing permitted"
            }
        case .controlMoved, .notLeading, .refused, .unknown: break
        }
    }

    // MARK: The ensemble

    /// What was not carried out is lost; what was, is answered by nobody.
    private mutating func cut(_ place: Int) {
        let (parcels, number) = (self.healers[place].parcels, self.healers[place].number)
        self.healers[place].parcels = []
        self.healers[place].watches = [:]
        self.handle(.session(number, .connecting), place)
        for parcel in parcels {
            let lost = StoreError(.connectionLost, path: "")
            switch parcel.content {
            case .call(let ticket, _): self.handle(.answered(ticket, sentAt: parcel.sentAt, .failure(lost)), place)
            case .watch(let ticket): self.handle(.watchFired(ticket), place)
            case .write: break
            }
        }
    }

    private mutating func endSession(of place: Int) {
        guard let session = self.healers[place].session else { return }
        self.healers[place].session = nil
        self.zxid += 1
        self.touched(self.tree.endSession(session).map(\.path))
    }

    /// Everybody's server hears of it, but the one that lags.
    private mutating func touched(_ paths: [String]) {
        for place in self.healers.indices {
            if self.healers[place].lags { self.healers[place].unheard += paths } else { self.fire(paths, place) }
        }
    }

    private mutating func fire(_ paths: [String], _ place: Int) {
        for path in paths {
            for ticket in self.healers[place].watches.removeValue(forKey: path) ?? [] {
                // Before everything that is read after the change.
                let index =
                    self.healers[place].parcels.firstIndex { $0.answer == nil } ?? self.healers[place].parcels.count
                self.healers[place].parcels.insert(
                    Parcel(content: .watch(ticket), sentAt: self.now, answer: .success(.synced)), at: index)
            }
        }
    }

    private mutating func catchUp(_ place: Int) {
        let paths = self.healers[place].unheard
        self.healers[place].unheard = []
        self.healers[place].view = nil
        self.fire(paths, place)
    }

    private mutating func execute(_ place: Int) {
        guard let session = self.healers[place].session,
            let index = self.healers[place].parcels.firstIndex(where: { $0.answer == nil })
        else { return }
        let answer: Result<StoreAnswer, StoreError>
        switch self.healers[place].parcels[index].content {
        case .call(let ticket, let call): answer = self.carryOut(call, ticket, session, place)
        case .write(let claim, let request):
            answer = self.commit(claim.operations(for: request, in: Self.layout), session, place)
            if case .success = answer { self.judge(claim) }
        case .watch: return
        }
        let then = self.healers[place].parcels.firstIndex { $0.answer == nil }!
        self.healers[place].parcels[then].answer = answer
    }

    private mutating func carryOut(
        _ call: StoreCall, _ ticket: Ticket, _ session: Int64, _ place: Int
    ) -> Result<StoreAnswer, StoreError> {
        func shown() -> Tree { self.healers[place].view ?? self.tree }
        switch call {
        case .get(let path, let watch):
            guard let node = shown()[path] else { return .failure(StoreError(.noNode, path: path)) }
            if watch { self.healers[place].watches[path, default: []].append(ticket) }
            return .success(.node(StoreNode(data: node.data, stat: node.stat)))
        case .exists(let path, let watch):
            if watch { self.healers[place].watches[path, default: []].append(ticket) }
            return .success(.stat(shown()[path]?.stat))
        case .children(let path):
            guard let node = shown()[path] else { return .failure(StoreError(.noNode, path: path)) }
            return .success(.children(node.children.sorted()))
        case .create(let path, let data, let kind):
            return self.commit([.create(path, data: data, kind: kind)], session, place).map { answer in
                guard case .results(let results) = answer, case .created(let path)? = results.first else {
                    return answer
                }
                return .created(path: path)
            }
        case .multi(let operations):
            return self.commit(operations, session, place)
        case .sync:
            self.catchUp(place)
            return .success(.synced)
        }
    }

    private mutating func commit(
        _ operations: [StoreOperation], _ session: Int64, _ place: Int
    ) -> Result<StoreAnswer, StoreError> {
        let before = self.tree
        do throws(StoreError) {
            let done = try self.tree.execute(operations, session: session, zxid: self.zxid + 1)
            self.zxid += 1
            for healer in self.healers.indices where self.healers[healer].lags && self.healers[healer].view == nil {
                if !done.touched.isEmpty { self.healers[healer].view = before }
            }
            self.touched(done.touched.map(\.path))
            // Its own server has heard of all this before it answers.
            self.catchUp(place)
            self.judgeRecord(operations)
            return .success(.results(done.results))
        } catch {
            self.catchUp(place)
            return .failure(error)
        }
    }

    // MARK: What must hold

    private var record: LeaderRecord? { self.tree[Self.layout.leader].flatMap { try? LeaderRecord(decoding: $0.data) } }

    private mutating func judge(_ claim: HeldClaim) {
        self.permitted[claim.epoch, default: 0] += 1
        guard let record = self.record, record.epoch == claim.epoch, record.nonce == claim.nonce else {
            self.violation = "a step was permitted under epoch \(claim.epoch), which another claim has replaced"
            return
        }
    }

    private mutating func judgeRecord(_ operations: [StoreOperation]) {
        guard operations.contains(where: { if case .set(Self.layout.leader, _, _) = $0 { true } else { false } }),
            let record = self.record, record.holder != nil
        else { return }
        if record.epoch <= self.highest { self.violation = "a claim of epoch \(record.epoch) after \(self.highest)" }
        self.highest = record.epoch
    }
}
