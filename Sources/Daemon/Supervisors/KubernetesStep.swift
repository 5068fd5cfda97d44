import Cluster
import Curl
import FoundationEssentials
import Glibc
import Kubernetes

/// One thing to be asked of, or done to, exactly one life of a pod's container: what `healer kubernetes-step` is told, as
/// one argument in JSON. The token is not in it, only where it is.
struct KubernetesStep: Hashable, Sendable, Codable {
    var verb: SupervisorVerb
    var server: String
    var account: ServiceAccount
    var namespace: ObjectName
    var pod: ObjectName
    /// `nil` means the first.
    var container: ObjectName?
    /// `nil` if there was no pod.
    var identity: ProcessIdentity?
    /// Of `restart`: the StatefulSet's pods, not this one.
    var restartsRollout: Bool
    var limitMilliseconds: Int64

    /// Lines of a log that are evidence.
    static let logLines = 300
    /// What a hung process is given to end in order: the least that the API has. With none at all the pod's object would
    /// go before its process has.
    static let killGrace = 1

    /// Why it was not done.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
        /// Because somebody else goes first.
        var yields = false
    }

    /// Returns what to print.
    ///
    /// A pod is deleted by an eviction, not by a plain deletion: the API server then asks the PodDisruptionBudgets in the
    /// same moment. It carries the pod's uid and the version that was looked at, so that nothing happens to a pod made
    /// anew, nor to a container that has been started again since, as far as the kubelet has said so.
    /// - Parameter startBy: CLOCK_BOOTTIME; what has not begun by then is not begun.
    func carryOut(by client: HTTPClient, startBy: Moment?) async throws -> String {
        let server = APIServer(self.server, as: self.account, client: client)
        let end = bootTime() + .milliseconds(self.limitMilliseconds)
        var left: Duration { max(end - bootTime(), .milliseconds(1)) }
        switch self.verb {
        case .status:
            let (pod, container) = try await self.inspect(server, within: left)
            return "\(pod.status.phase ?? "Unknown") \(pod.life(container))"
        case .logs: return try await self.logs(server, until: end)
        case .start:
            let said = try await self.evict(server, grace: nil, startBy: startBy, until: end) { container in
                if container?.state.running != nil { return "runs already" }
                return nil
            }
            return said ?? "its pod is made anew"
        case .kill:
            let said = try await self.evict(server, grace: Self.killGrace, startBy: startBy, until: end) { container in
                container?.state.running == nil ? "it had ended" : nil
            }
            if let said { return said }
            while bootTime() + Self.pause < end, try await self.stillRuns(server, within: left) {
                try await Task.sleep(for: Self.pause)
            }
            return "killed, and its pod is made anew"
        case .restart where self.restartsRollout:
            guard let set = self.pod.inSet?.set else {
                throw Refusal(description: "\(self.pod) is not the name of a StatefulSet's pod")
            }
            try self.isInTime(startBy)
            try await server.restartRollout(
                set, in: self.namespace, at: Date.now.formatted(.iso8601), within: left)
            return "StatefulSet \(set) replaces its pods"
        case .restart:
            _ = try await self.evict(server, grace: nil, startBy: startBy, until: end) { _ in nil }
            return "its pod is made anew"
        case .stop, .dump: throw Refusal(description: "not known to this supervisor")
        }
    }

    private static let pause = Duration.milliseconds(100)
    /// How long a server that is busy is left alone when it does not say.
    private static let standardPause = Duration.seconds(1)

    private func inspect(_ server: APIServer, within limit: Duration) async throws -> (Pod, ContainerStatus?) {
        let pod = try await server.pod(self.pod, in: self.namespace, within: limit)
        return (pod, pod.container(self.container?.text))
    }

    private func isInTime(_ startBy: Moment?) throws {
        if let startBy, bootTime() > startBy { throw Refusal(description: "startBy had passed") }
    }

    /// - Parameter done: what to say, instead of doing anything, if nothing is to be done.
    /// - Returns: that, or `nil` if it was evicted.
    private func evict(
        _ server: APIServer, grace: Int?, startBy: Moment?, until end: Moment,
        unless done: (ContainerStatus?) -> String?
    ) async throws -> String? {
        while true {
            let wait: Duration
            do {
                let (pod, container) = try await self.inspect(server, within: max(end - bootTime(), Self.pause))
                let life = pod.life(container)
                guard life == self.identity else {
                    if self.verb == .start, container?.state.running != nil { return "runs already: \(life)" }
                    throw Refusal(description: "\(self.pod) is in another life now (\(life)): left alone")
                }
                if let said = done(container) { return said }
                guard pod.metadata.deletionTimestamp == nil else { return "its pod is being deleted already" }
                guard pod.controller != nil else {
                    throw Refusal(description: "\(self.pod) belongs to no controller: nobody would make it anew")
                }
                try self.isInTime(startBy)
                let version = APIRequest.PodVersion(
                    name: self.pod, uid: pod.metadata.uid, resourceVersion: pod.metadata.resourceVersion)
                try await server.evict(
                    version, in: self.namespace, graceSeconds: grace, within: max(end - bootTime(), Self.pause))
                return nil
            } catch let error as APIFailure {
                switch error.reason {
                case .notFound where self.verb == .kill: return "its pod is gone"
                // Written meanwhile: what it is now decides.
                case .conflict, .gone: wait = Self.pause
                case .busy(let retryAfter): wait = retryAfter ?? Self.standardPause
                case .budget:
                    throw Refusal(
                        description: "a PodDisruptionBudget does not allow it now: \(error.detail)", yields: true)
                default: throw error
                }
                guard bootTime() + wait < end else { throw error }
            }
            try await Task.sleep(for: wait)
        }
    }

    /// Whether the container that was meant has not ended yet, as far as the kubelet has said.
    private func stillRuns(_ server: APIServer, within limit: Duration) async throws -> Bool {
        do {
            let (pod, container) = try await self.inspect(server, within: limit)
            return pod.life(container) == self.identity && container?.state.running != nil
        } catch let error as APIFailure where error.reason == .notFound {
            return false
        }
    }

    /// Of the life that is meant if it is still kept; of the container before it as well where that has ended, since a
    /// container that has just begun says nothing of why.
    private func logs(_ server: APIServer, until end: Moment) async throws -> String {
        var left: Duration { max(end - bootTime(), Self.pause) }
        let (_, container) = try await self.inspect(server, within: left)
        func read(previous: Bool) async throws -> String {
            try await server.logs(
                of: self.pod, in: self.namespace, container: self.container, previous: previous, lines: Self.logLines,
                within: left)
        }
        var text = ""
        // While the next one is waited for, the last one is still the present one.
        if container?.lastState.terminated != nil, container?.state.terminated == nil {
            text = (try? await read(previous: true)) ?? ""
            if container?.state.running == nil { return text }
            text += "--- the container after it\n"
        }
        return text + (try await read(previous: false))
    }
}

extension KubernetesStep: SupervisorStep {
    static let program = "kubernetes-step"

    func carryOut(startBy: Moment?, environment: [String: String]) async throws -> String {
        try await HTTPClient.during { try await self.carryOut(by: $0, startBy: startBy) }
    }

    static func isForbidden(_ error: any Error) -> Bool { (error as? APIFailure)?.reason == .forbidden }
    static func yields(_ error: any Error) -> Bool { (error as? Refusal)?.yields == true }
}
