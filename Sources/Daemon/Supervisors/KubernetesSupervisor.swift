import Cluster
import Curl
import FoundationEssentials
import Kubernetes
import Synchronization

/// Nodes that run as pods (type `kubernetes`). An identity is `<pod uid>/<container id>`: a pod made anew under the same
/// name is another life, and so is a container that the kubelet has started again in the same pod.
final class KubernetesSupervisor: Supervisor {
    private let configuration: KubernetesConfiguration
    private let limit: @Sendable (SupervisorVerb) -> Duration
    private let client: HTTPClient
    private let executable: String
    private let surroundings: [String: String]
    private let time: any TimeSource
    private let memory = Mutex<[NodeName: PodMemory]>([:])

    /// - Parameters:
    ///   - limit: how long each verb may take.
    ///   - client: whoever made it closes it.
    ///   - executable: this program, which carries out a step in a process of its own.
    ///   - surroundings: the environment, which tells a pod where its API server is.
    init(
        configuration: KubernetesConfiguration, limit: @escaping @Sendable (SupervisorVerb) -> Duration,
        client: HTTPClient, executable: String,
        surroundings: [String: String] = ProcessInfo.processInfo.environment, time: any TimeSource = BootClock()
    ) {
        self.configuration = configuration
        self.limit = limit
        self.client = client
        self.executable = executable
        self.surroundings = surroundings
        self.time = time
    }

    /// A thread dump needs a process inside the pod, which is more than a healer should be permitted; and an orderly stop
    /// would last as long as its controller takes to make the pod anew.
    func knows(_ verb: SupervisorVerb) -> Bool { SupervisorVerb.ofPods.contains(verb) }

    func command(
        _ verb: SupervisorVerb, _ node: Node, identity: ProcessIdentity?, environment: [String: String]
    ) throws(SupervisorFailure) -> Command {
        guard self.knows(verb) else {
            throw SupervisorFailure(reason: "the kubernetes supervisor does not know \(verb.rawValue)")
        }
        let place = try self.place(of: node)
        if [.start, .kill].contains(verb), let uid = identity?.rawValue.prefix(while: { $0 != "/" }) {
            self.memory.withLock { $0[node.name, default: PodMemory()].evicted = String(uid) }
        }
        let limit = self.limit(verb)
        let step = KubernetesStep(
            verb: verb, server: place.server, account: self.configuration.account, namespace: place.namespace,
            pod: place.pod, container: self.configuration.container, identity: identity,
            restartsRollout: self.configuration.restartsRollout, limitMilliseconds: limit.wholeMilliseconds)
        // Values of simple kinds can always be written.
        let order = String(decoding: try! JSONEncoder().encode(step), as: UTF8.self)
        return Command(
            arguments: [self.executable, "kubernetes-step", order],
            environment: CommandSupervisor.cleanEnvironment.merging(environment) { $1 },
            // The step keeps the limit itself; this is for a step that does not.
            limit: limit + .seconds(1), mayYield: true)
    }

    func status(of node: Node) async throws(SupervisorFailure) -> ProcessState {
        let (look, memory) = try await self.look(at: node)
        return try look.state(memory, patience: self.configuration.crashLoopTime, at: self.time.now())
    }

    private func look(at node: Node) async throws(SupervisorFailure) -> (PodLook, PodMemory) {
        let place = try self.place(of: node)
        let server = APIServer(place.server, as: self.configuration.account, client: self.client)
        let end = self.time.now() + self.limit(.status)
        func left() -> Duration { max(end - self.time.now(), .milliseconds(1)) }
        var look = PodLook(name: place.pod, container: self.configuration.container?.text)
        do {
            look.pod = try await Self.unless(.notFound) { () async throws(APIFailure) in
                try await server.pod(place.pod, in: place.namespace, within: left())
            }
            if let name = Self.set(of: look.pod, named: place.pod) {
                look.set = try await Self.unless(.notFound) { () async throws(APIFailure) in
                    try await server.statefulSet(name, in: place.namespace, within: left())
                }
            }
            // Nodes belong to no namespace; a healer that may not read them cannot see that one is cordoned.
            if let name = look.pod?.spec.nodeName.flatMap({ ObjectName($0) }) {
                look.node = try await Self.unless(.notFound, .forbidden) { () async throws(APIFailure) in
                    try await server.node(name, within: left())
                }
            }
        } catch {
            let advice =
                error.reason == .untrusted ? ": set `supervisor.authority_file` to the cluster's authority" : ""
            throw SupervisorFailure(reason: error.detail + advice)
        }
        let now = self.time.now()
        let memory = self.memory.withLock { memory in
            var one = memory[node.name] ?? PodMemory()
            if let pod = look.pod { one.fold(pod, pod.container(look.container), at: now) }
            memory[node.name] = one
            return one
        }
        return (look, memory)
    }

    /// `nil` for these failures.
    private static func unless<Value>(
        _ reasons: APIFailure.Reason..., ask: () async throws(APIFailure) -> Value
    ) async throws(APIFailure) -> Value? {
        do {
            return try await ask()
        } catch {
            guard reasons.contains(error.reason) else { throw error }
            return nil
        }
    }

    private static func set(of pod: Pod?, named name: ObjectName) -> ObjectName? {
        guard let pod else { return name.inSet?.set }
        guard let controller = pod.controller, controller.kind == "StatefulSet" else { return nil }
        return ObjectName(controller.name)
    }

    func probe(_ verb: SupervisorVerb, _ node: Node, identity: ProcessIdentity?) async -> ProbeResult {
        guard let (look, memory) = try? await self.look(at: node),
            let state = try? look.state(memory, patience: self.configuration.crashLoopTime, at: self.time.now())
        else { return .unknown }
        func found(_ outcome: StepResult.Outcome) -> ProbeResult {
            .done(StepResult(outcome, exit: state.exit, output: "found \(state.state.rawValue)"))
        }
        switch verb {
        case .status, .logs, .dump, .stop: return .unknown
        case .start, .kill, .restart:
            if state.identity != identity { return found(.succeeded) }
            // Put down by the API server, the deletion goes on without us.
            if look.pod?.metadata.deletionTimestamp != nil { return .running }
            if verb == .kill, state.state != .running { return found(.succeeded) }
            return .notStarted
        }
    }

    private struct Place {
        var server: String
        var namespace: ObjectName
        var pod: ObjectName
    }

    private func place(of node: Node) throws(SupervisorFailure) -> Place {
        var values: [Placeholder: String] = [.node: node.name.rawValue, .host: node.endpoint.host]
        values[.brokerID] = node.brokerID?.description
        let text: String
        do {
            text = try self.configuration.pod.filled(with: values)
        } catch {
            throw SupervisorFailure(
                reason: "its supervisor wants ${\(error.placeholder.rawValue)}, which is not known of \(node.name)")
        }
        guard let pod = ObjectName(text) else { throw SupervisorFailure(reason: "\(text) is not a pod's name") }
        guard let server = self.configuration.server ?? APIServer.ofOwnCluster(self.surroundings) else {
            throw SupervisorFailure(
                reason: "this healer does not run in a pod (no KUBERNETES_SERVICE_HOST): set `supervisor.server`")
        }
        guard let namespace = self.configuration.namespace ?? ServiceAccount.ownNamespace() else {
            throw SupervisorFailure(reason: "this healer does not run in a pod: set `supervisor.namespace`")
        }
        return Place(server: server, namespace: namespace, pod: pod)
    }
}

extension SupervisorVerb {
    /// What the `kubernetes` supervisor can be asked and told.
    static let ofPods: Set<SupervisorVerb> = [.status, .logs, .start, .kill, .restart]
}
