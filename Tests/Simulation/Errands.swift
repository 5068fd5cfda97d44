internal import Cluster
internal import Election

/// Gives a leader something to do all the time: a step is permitted, begins, ends and is put down, as with a recovery,
/// only far more often, so that every gap of the election is looked into.
final class Errands {
    private unowned let world: World
    private let shell: ElectionShell
    private let deliver: (@escaping () -> Void) -> Void
    private var isBusy = false

    static func path(in layout: Layout) -> String { "\(layout.outbox)/errand" }
    static func paused(_ data: [UInt8]) -> Bool { (try? Control(json: data))?.paused != nil }

    init(world: World, shell: ElectionShell, deliver: @escaping (@escaping () -> Void) -> Void) {
        self.world = world
        self.shell = shell
        self.deliver = deliver
        self.plan()
    }

    private func plan() {
        self.world.scheduler.after(self.world.scheduler.random.duration(.milliseconds(50)...(.milliseconds(400)))) {
            guard !self.shell.isOver else { return }
            self.deliver { self.look() }
            self.plan()
        }
    }

    /// A decision rests on control as it was read, which may be old.
    private func look() {
        guard !self.isBusy, let client = self.shell.client, case .leading = self.shell.machine.role else { return }
        self.isBusy = true
        let layout = self.world.layout
        client.send(.get(layout.control), path: layout.control) { local in
            client.send(.get(layout.globalControl), path: layout.globalControl) { global in
                guard case .success(.node(let local)) = local, case .success(.node(let global)) = global else {
                    self.isBusy = false
                    return
                }
                guard !Self.paused(local.data), !Self.paused(global.data) else {
                    self.isBusy = false
                    return
                }
                // Sometimes it takes long to decide.
                let pause = self.world.scheduler.random.chance(0.2) ? Duration.milliseconds(500) : .zero
                self.world.scheduler.after(pause) {
                    self.deliver { self.ask(local.stat.version, global.stat.version) }
                }
            }
        }
    }

    private func ask(_ control: Int32, _ globalControl: Int32) {
        let path = Errands.path(in: self.world.layout)
        let data = Array("open".utf8)
        let exists = self.world.ensemble.tree[path] != nil
        let write: StoreOperation = exists ? .set(path, data: data, version: nil) : .create(path, data: data)
        let request = GuardedRequest(.step(control: control, globalControl: globalControl), [write])
        guard let claim = self.shell.machine.permits(request.kind, at: self.shell.now) else {
            self.isBusy = false
            return
        }
        self.shell.write(request) { result in
            switch result {
            case .committed(let sentAt, _):
                // A runner takes its time to begin, and much can happen meanwhile.
                let delay = self.world.scheduler.random.duration(.zero...(.milliseconds(150)))
                self.world.scheduler.after(delay) {
                    self.deliver { self.begin(claim, startBy: sentAt + self.world.timing.freshness) }
                }
            case .controlMoved, .deposed:
                self.world.tally.refusals += 1
                self.isBusy = false
            case .notLeading, .refused, .unknown:
                self.isBusy = false
            }
        }
    }

    private func begin(_ claim: HeldClaim, startBy: Moment) {
        // The runner looks once more, right before.
        guard self.shell.now < startBy, self.shell.mayBegin(under: claim.epoch) else {
            self.world.tally.refusals += 1
            self.isBusy = false
            return
        }
        self.world.stepBegins(self.shell, epoch: claim.epoch, startBy: startBy)
        self.world.scheduler.after(self.world.scheduler.random.duration(.milliseconds(5)...(.milliseconds(800)))) {
            self.deliver { self.end() }
        }
    }

    private func end() {
        let path = Errands.path(in: self.world.layout)
        self.shell.write(GuardedRequest(.record, [.set(path, data: Array("done".utf8), version: nil)])) { result in
            if result == .deposed { self.world.tally.refusals += 1 }
            self.isBusy = false
        }
    }
}
