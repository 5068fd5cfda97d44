import Cluster
import Foundation

/// The supervisor of one node of a sandbox, by the `command` contract of the healer.
///
/// Stateless: what it knows stands in the node's folder and in `/proc`, so any number of processes may be it at once.
/// Its calls block, for the time each of them names.
struct NodeSupervisor: Sendable {
    let sandbox: Sandbox
    let node: SandboxNode

    /// What a verb led to, and the sentence that says so.
    struct Answer: Hashable, Sendable {
        let result: NodeResult
        let text: String
    }

    // MARK: Asking

    /// A few file reads. A process that is gone, but whose end its keeper has not recorded yet, is waited for briefly.
    func status() -> ProcessState {
        guard var life = self.life else { return ProcessState(state: .stopped, identity: nil) }
        if life.exit == nil {
            if life.process.isAlive { return ProcessState(state: .running, identity: life.identity) }
            // A keeper that was itself killed never tells how the node ended; then nobody knows.
            let process = life.process
            life =
                poll(for: .milliseconds(250), every: .milliseconds(2)) {
                    guard let now = self.life, now.process == process, now.exit == nil else { return self.life ?? life }
                    return now.keeper.isAlive ? nil : self.life
                } ?? life
            if life.exit == nil, life.process.isAlive {
                return ProcessState(state: .running, identity: life.identity)
            }
        }
        let asked = ProcFile.text(self.node.stopMark) == life.identity.rawValue
        return ProcessState(state: asked ? .stopped : .exited, identity: life.identity, exit: life.exit?.status)
    }

    /// The last lines of the node's log.
    func logs(lines: Int, from origin: RequestOrigin = .anybody) -> String {
        LogTail.lines(lines, of: self.node.log) ?? LogTail.lines(lines, of: self.node.console) ?? ""
    }

    // MARK: Acting

    /// Starts it unless it runs, and returns when it is launched, which is before it serves.
    ///
    /// With an identity: only if that life was the last one, so that a late duplicate does not start what was meanwhile
    /// started and stopped by somebody else.
    /// - Parameter takes: so long nothing is done between the decision and the launch.
    func start(from origin: RequestOrigin = .anybody, takes: Duration = .zero) throws -> Answer {
        let lock = try LockedFile(self.node.startLock, limit: .seconds(60))
        let state = self.status()
        let wanted: NodeResult =
            if self.sandbox.isClosing {
                .closing
            } else if state.state == .running {
                .running
            } else if let asked = origin.identity, let last = state.identity, asked != last {
                .otherIdentity
            } else {
                .started
            }
        let result = try self.admit(.start, origin, state, wanted)
        if result == .started {
            usleep(UInt32(takes.wholeMilliseconds * 1000))
            try self.launch(.start, origin)
        }
        let answer = self.answer(result, to: origin)
        _ = consume lock
        return answer
    }

    /// SIGTERM, and after `limit` SIGKILL; returns when it has ended. The end counts as asked for.
    func stop(within limit: Duration = .seconds(30), from origin: RequestOrigin = .anybody) throws -> Answer {
        let answer = try self.signal(SIGTERM, .stop, .stopped, origin)
        if answer.result == .stopped {
            try self.awaitEnd(within: limit)
            try self.carriedOut(.stop, origin)
        }
        return answer
    }

    /// SIGKILL to the present life, or only to the one named; returns when it has ended.
    func kill(from origin: RequestOrigin = .anybody) throws -> Answer {
        let answer = try self.signal(SIGKILL, .kill, .killed, origin)
        if answer.result == .killed {
            try self.awaitEnd(within: .seconds(30))
            try self.carriedOut(.kill, origin)
        }
        return answer
    }

    /// Stops it if it runs, then starts it, under one line of the log.
    func restart(within limit: Duration = .seconds(30), from origin: RequestOrigin = .anybody) throws -> Answer {
        let lock = try LockedFile(self.node.startLock, limit: .seconds(60))
        let answer = try self.signal(SIGTERM, .restart, .restarted, origin)
        if answer.result == .restarted {
            try self.awaitEnd(within: limit)
            try self.launch(.restart, origin)
        }
        _ = consume lock
        return Answer(result: answer.result, text: answer.result == .restarted ? self.runs : answer.text)
    }

    /// SIGSTOP.
    func freeze(from origin: RequestOrigin = .anybody) throws -> Answer {
        try self.signal(SIGSTOP, .freeze, .frozen, origin)
    }

    /// SIGCONT.
    func thaw(from origin: RequestOrigin = .anybody) throws -> Answer {
        try self.signal(SIGCONT, .thaw, .thawed, origin)
    }

    /// SIGQUIT: the JVM writes where each thread is. Returns what it wrote; throws if nothing came within `limit`, as
    /// from a process that is frozen.
    func dump(within limit: Duration = .seconds(5), from origin: RequestOrigin = .anybody) throws -> (Answer, String) {
        let before = LogTail.size(of: self.node.console)
        let answer = try self.signal(SIGQUIT, .dump, .dumped, origin)
        guard answer.result == .dumped else { return (answer, "") }
        var last = ""
        let whole = poll(for: limit, every: .milliseconds(50)) { () -> String? in
            let text = LogTail.text(of: self.node.console, from: before)
            defer { last = text }
            // The heap's figures come last; then nothing more.
            return text == last && text.contains("Full thread dump") && text.contains("Heap") ? text : nil
        }
        guard let text = whole ?? (last.contains("Full thread dump") ? last : nil) else {
            throw SandboxError("\(self.node.name): no thread dump within \(limit)")
        }
        return (answer, text)
    }

    // MARK: How

    private var life: NodeLife? { AtomicFile.read(NodeLife.self, from: self.node.state) }

    private func admit(
        _ verb: NodeVerb, _ origin: RequestOrigin, _ state: ProcessState, _ wanted: NodeResult
    ) throws -> NodeResult {
        try self.sandbox.requestLog.admit(
            verb, node: self.node.name, origin: origin, found: state.state == .running ? state.identity : nil,
            wanted: wanted)
    }

    private func carriedOut(_ verb: NodeVerb, _ origin: RequestOrigin) throws {
        try self.sandbox.requestLog.carriedOut(verb, node: self.node.name, origin: origin)
    }

    /// Decides and sends under the lock that the keeper needs to reap, so the number cannot pass to another process.
    private func signal(
        _ number: Int32, _ verb: NodeVerb, _ success: NodeResult, _ origin: RequestOrigin
    ) throws -> Answer {
        let lock = try LockedFile(self.node.signalLock, limit: .seconds(10))
        let life = self.life
        let present = life.flatMap { $0.exit == nil && $0.process.isAlive ? $0 : nil }
        let wanted: NodeResult =
            if verb == .restart, self.sandbox.isClosing {
                .closing
            } else if let asked = origin.identity, let seen = life?.identity, asked != seen {
                .otherIdentity
            } else if present == nil, verb != .restart {
                .notRunning
            } else {
                success
            }
        let state = ProcessState(state: present == nil ? .exited : .running, identity: life?.identity)
        let result = try self.admit(verb, origin, state, wanted)
        if result == success, let present {
            if verb == .stop || verb == .restart {
                try AtomicFile.write(Data(present.identity.rawValue.utf8), to: self.node.stopMark)
            }
            guard Glibc.kill(present.process.pid, number) == 0 else {
                throw SandboxError.system("cannot signal \(self.node.name)")
            }
        }
        _ = consume lock
        return self.answer(result, to: origin)
    }

    /// Waits until the keeper has recorded the end; after `limit` by SIGKILL.
    private func awaitEnd(within limit: Duration) throws {
        func ended() -> Bool? { self.status().state == .running ? nil : true }
        if poll(for: limit, every: .milliseconds(10), ended) != nil { return }
        let lock = try LockedFile(self.node.signalLock, limit: .seconds(10))
        if let life = self.life, life.process.isAlive { _ = Glibc.kill(life.process.pid, SIGKILL) }
        _ = consume lock
        guard poll(for: .seconds(30), every: .milliseconds(10), ended) != nil else {
            throw SandboxError("\(self.node.name) does not end, even by SIGKILL")
        }
    }

    /// Starts a keeper, which starts the node, and waits for its answer.
    private func launch(_ verb: NodeVerb, _ origin: RequestOrigin) throws {
        do {
            try self.sandbox.launchKeeper(of: self.node)
        } catch {
            let state = self.status()
            _ = try? self.admit(verb, origin, state, .launchFailed)
            throw error
        }
        try self.carriedOut(verb, origin)
    }

    private var runs: String { "\(self.node.name) runs as \(self.status().identity?.rawValue ?? "?")" }

    private func answer(_ result: NodeResult, to origin: RequestOrigin) -> Answer {
        let name = self.node.name
        let text =
            switch result {
            case .started, .running: result == .running ? "\(self.runs) already: nothing done" : self.runs
            case .notRunning: "\(name) does not run: nothing done"
            case .otherIdentity:
                "refused: \(origin.identity?.rawValue ?? "?") is not the present life of \(name); "
                    + self.present(self.status())
            case .staleEpoch:
                "refused: a request of a higher epoch than \(origin.epoch?.description ?? "?") was served before"
            case .closing: "refused: the sandbox is being taken down"
            case .launchFailed: "\(name) could not be launched"
            case .answered, .stopped, .killed, .restarted, .dumped, .frozen, .thawed: "\(name) \(result.rawValue)"
            }
        return Answer(result: result, text: text)
    }

    private func present(_ state: ProcessState) -> String {
        let identity = state.identity?.rawValue ?? "none"
        return state.state == .running ? "\(identity) runs" : "none runs, \(identity) was the last"
    }
}
