import Cluster
import Kubernetes

/// What is remembered of one node's pods, beyond what the API says of the present one.
struct PodMemory: Hashable, Sendable {
    /// The latest life that is known to have ended.
    private(set) var ended: ProcessIdentity?
    /// Since when the present pod's container has not been ready although it ended once.
    private(set) var loopingSince: Moment?
    private var uid: String?
    /// The pod whose eviction we asked for, whether or not it was granted.
    var evicted: String?

    mutating func fold(_ pod: Pod, _ container: ContainerStatus?, at now: Moment) {
        if self.uid != pod.metadata.uid { self.loopingSince = nil }
        self.uid = pod.metadata.uid
        if let end = container?.ended?.id { self.ended = .container(end, of: pod) }
        if container?.ready ?? true || container?.ended == nil {
            self.loopingSince = nil
        } else {
            self.loopingSince = self.loopingSince ?? now
        }
    }
}

extension ProcessIdentity {
    /// The pod's uid, a slash, and the container's id without its runtime.
    static func container(_ id: String, of pod: Pod) -> ProcessIdentity { ProcessIdentity("\(pod.metadata.uid)/\(id)") }
}

extension Pod {
    /// Which life is meant; the pod alone while there is no container. `nil` never: a pod that is there has a uid.
    func life(_ container: ContainerStatus?) -> ProcessIdentity {
        container?.id.map { .container($0, of: self) } ?? ProcessIdentity(self.metadata.uid)
    }
}

extension ContainerStatus.Terminated {
    /// A signal is shown as 128 and its number.
    var exit: ExitStatus {
        if let signal = self.signal, signal != 0 { return .signal(signal) }
        return (129...192).contains(self.exitCode) ? .signal(self.exitCode - 128) : .code(self.exitCode)
    }
}
