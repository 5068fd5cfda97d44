import Kubernetes

/// A Kubernetes cluster that runs the nodes as pods: type `kubernetes`.
struct KubernetesConfiguration: Hashable, Sendable {
    /// `https://HOST:PORT`; `nil` means the cluster that this healer runs in.
    var server: String?
    /// `nil` means the namespace that this healer runs in.
    var namespace: ObjectName?
    /// The pod's name.
    var pod: TextTemplate
    /// The container in it; `nil` means the first.
    var container: ObjectName?
    var account: ServiceAccount
    /// How long the kubelet alone tries to start a container that ends again and again.
    var crashLoopTime: Duration
    /// Whether `restart` replaces all pods of the StatefulSet, one after the other, by its controller; otherwise it makes
    /// the one pod anew.
    var restartsRollout: Bool

    static let standardCrashLoopTime = Duration.seconds(300)
}
