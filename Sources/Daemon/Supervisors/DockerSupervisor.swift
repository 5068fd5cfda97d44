import Cluster
import Curl
import Docker
import FoundationEssentials
import Glibc
import Synchronization

/// Nodes that run as containers (type `docker`). An identity is `<container id>@<start>`: a container created anew under
/// the same name is another life, and so is the same container started again.
final class DockerSupervisor: Supervisor {
    private let configuration: DockerConfiguration
    private let limit: @Sendable (SupervisorVerb) -> Duration
    private let client: HTTPClient
    private let executable: String
    /// The last ended life, and by whose hand: the engine forgets after 256 events, of which every health check makes
    /// three.
    private let lastEnd = Mutex<(life: String, state: ProcessState.State)?>(nil)

    /// - Parameters:
    ///   - limit: how long each verb may take.
    ///   - client: whoever made it closes it.
    ///   - executable: this program, which carries out a step in a process of its own.
    init(
        configuration: DockerConfiguration, limit: @escaping @Sendable (SupervisorVerb) -> Duration,
        client: HTTPClient, executable: String
    ) {
        self.configuration = configuration
        self.limit = limit
        self.client = client
        self.executable = executable
    }

    func knows(_ verb: SupervisorVerb) -> Bool { true }

    func command(
        _ verb: SupervisorVerb, _ node: Node, identity: ProcessIdentity?, environment: [String: String]
    ) throws(SupervisorFailure) -> Command {
        let (engine, container) = try self.place(of: node)
        let limit = self.limit(verb)
        let step = DockerStep(
            verb: verb, engine: engine, tls: self.configuration.tls.map { DockerStep.TLS($0) }, container: container,
            identity: identity, stopSeconds: Int(self.configuration.stopTime.components.seconds),
            limitMilliseconds: limit.wholeMilliseconds)
        // Values of simple kinds can always be written.
        let order = String(decoding: try! JSONEncoder().encode(step), as: UTF8.self)
        return Command(
            arguments: [self.executable, "docker-step", order],
            environment: CommandSupervisor.cleanEnvironment.merging(environment) { $1 },
            // The step keeps the limit itself; this is for a step that does not.
            limit: limit + .seconds(1))
    }

    func status(of node: Node) async throws(SupervisorFailure) -> ProcessState {
        let (address, reference) = try self.place(of: node)
        let engine = Engine(address, tls: self.configuration.tls, client: self.client)
        do {
            let container = try await engine.inspect(reference, within: self.limit(.status))
            return await self.state(of: container, engine)
        } catch {
            throw SupervisorFailure(reason: error.detail)
        }
    }

    private func state(of container: Container, _ engine: Engine) async -> ProcessState {
        let identity = container.life.map { ProcessIdentity($0) }
        switch container.state.status {
        case .running, .paused: return ProcessState(state: .running, identity: identity)
        // Its restart policy goes first.
        case .restarting: return ProcessState(state: .restarting, identity: identity, exit: container.exit)
        case .removing: return ProcessState(state: .stopped, identity: identity, exit: container.exit)
        case .created:
            // Never ran: waiting for somebody to start it, unless somebody tried.
            let isFailure = !container.state.error.isEmpty
            return ProcessState(
                state: isFailure ? .exited : .stopped, identity: nil, exit: isFailure ? container.exit : nil)
        case .exited, .dead:
            return ProcessState(
                state: await self.hand(in: container, engine), identity: identity, exit: container.exit)
        }
    }

    /// By whose hand an ended container has ended: stopped if the engine was asked to end it in order, however it then
    /// ended, or if it ended as such a request makes it end.
    private func hand(in container: Container, _ engine: Engine) async -> ProcessState.State {
        guard let life = container.life, let reference = ContainerReference(container.id),
            let begin = container.startedAt
        else { return .exited }
        if let known = self.lastEnd.withLock({ $0?.life == life ? $0?.state : nil }) { return known }
        var state: ProcessState.State = container.endedAsAsked ? .stopped : .exited
        if state == .exited, let end = EngineTime(container.state.finishedAt) {
            // Without an answer the exit status decides, and nothing is remembered.
            guard
                let endings = try? await engine.endings(
                    of: reference, since: begin, until: end, within: self.limit(.status))
            else { return .exited }
            if endings.contains(where: { $0.isRequest(to: container) }) { state = .stopped }
        }
        self.lastEnd.withLock { $0 = (life, state) }
        return state
    }

    func probe(_ verb: SupervisorVerb, _ node: Node, identity: ProcessIdentity?) async -> ProbeResult {
        guard let (address, reference) = try? self.place(of: node) else { return .unknown }
        let engine = Engine(address, tls: self.configuration.tls, client: self.client)
        guard let container = try? await engine.inspect(reference, within: self.limit(.status)) else { return .unknown }
        let isSame = container.life == identity?.rawValue
        func found(_ outcome: StepResult.Outcome = .succeeded) -> ProbeResult {
            .done(StepResult(outcome, exit: container.exit, output: "found \(container.state.status.rawValue)"))
        }
        switch verb {
        case .status, .logs, .dump: return .unknown
        case .start:
            if !isSame {
                return found(container.isRunning || container.state.status == .restarting ? .succeeded : .failed)
            }
            // An engine that is starting it answers when it has done so: this one has not been told, or its restart
            // policy is at it.
            return container.state.status == .restarting ? .running : .notStarted
        case .kill, .stop:
            if !isSame || !container.isRunning { return found() }
        case .restart:
            if !isSame { return found(container.isRunning ? .succeeded : .failed) }
        // Ended by a request and not started yet: the engine goes on with it, whoever asked.
        }
        // The same life, and what was asked of it, which the engine carries out though its client is gone.
        guard let begin = container.startedAt, let id = ContainerReference(container.id),
            let now = try? await engine.time(within: self.limit(.status)),
            // The clock told whole seconds: up to the end of this one.
            let endings = try? await engine.endings(
                of: id, since: begin, until: EngineTime(seconds: now.seconds + 1), within: self.limit(.status))
        else { return .unknown }
        let isAsked =
            verb == .kill
            ? endings.contains { $0.kind == .signal(9) } : endings.contains { $0.isRequest(to: container) }
        return isAsked ? .running : .notStarted
    }

    private func place(of node: Node) throws(SupervisorFailure) -> (EngineAddress, ContainerReference) {
        var values: [Placeholder: String] = [.node: node.name.rawValue, .host: node.endpoint.host]
        values[.brokerID] = node.brokerID?.description
        do {
            let address = try self.configuration.engine.filled(with: values)
            let name = try self.configuration.container.filled(with: values)
            guard let engine = EngineAddress(address) else {
                throw SupervisorFailure(reason: "\(address) is not an engine's address")
            }
            guard let container = ContainerReference(name) else {
                throw SupervisorFailure(reason: "\(name) is not a container's name")
            }
            return (engine, container)
        } catch let error as MissingPlaceholder {
            throw SupervisorFailure(
                reason: "its supervisor wants ${\(error.placeholder.rawValue)}, which is not known of \(node.name)")
        } catch let error as SupervisorFailure {
            throw error
        } catch {
            throw SupervisorFailure(reason: "\(error)")
        }
    }
}

extension Container {
    /// Docker shows the end by a signal as 128 and its number.
    var exit: ExitStatus {
        let code = self.state.exitCode
        return (129...192).contains(code) ? .signal(code - 128) : .code(code)
    }

    /// How a process ends that was asked to: in order, or by the signal that asks (a JVM's own handler ends as if by it).
    fileprivate var endedAsAsked: Bool {
        self.state.exitCode == 0 || [2, 15].contains(self.state.exitCode - 128)
            || self.state.exitCode - 128 == self.stopSignal && self.stopSignal != 9
    }
}

extension Ending {
    /// Whether it is somebody's wish that the container ends in order. SIGKILL is not: it ends what does not end.
    fileprivate func isRequest(to container: Container) -> Bool {
        switch self.kind {
        case .stopped: true
        case .signal(let number): number != 9 && number == container.stopSignal
        }
    }
}
