import Foundation

/// What the API server of Kubernetes v1.32.0 said, with the fields that nobody here reads left out. The pods are those
/// of `k8s/overlays/example-cluster`.
enum Samples {
    /// The pod has a place, and its container is being created.
    static let creating = read("creating")
    /// It runs, and is ready.
    static let running = read("running")
    /// Its process was ended by SIGSEGV; the kubelet has not started the next yet.
    static let ended = read("ended")
    /// The next life of the container runs.
    static let again = read("again")
    /// It ended as well, since its registration was still there.
    static let failedAgain = read("failedAgain")
    /// A back-off passes.
    static let looping = read("looping")
    /// An eviction of it is under way, and it runs still.
    static let evicted = read("evicted")
    /// The same a moment later.
    static let evictedAndEnded = read("evictedAndEnded")
    /// Nobody is at it.
    static let set = read("set")
    /// One pod of three is replaced.
    static let rollingOut = read("rollingOut")
    /// Its node.
    static let node = read("node")
    /// An eviction that names another uid.
    static let conflict = read("conflict")
    /// An eviction that a PodDisruptionBudget does not allow.
    static let budget = read("budget")
    /// An eviction that was done.
    static let done = read("done")
    /// A pod that is not there.
    static let notFound = read("notFound")
    /// Something that its roles do not permit.
    static let forbidden = read("forbidden")
    /// A token that is none.
    static let unauthorized = read("unauthorized")

    private static func read(_ name: String) -> String {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let path = tests.appendingPathComponent("Kubernetes-1.32.0/\(name).json").path
        return try! String(contentsOfFile: path, encoding: .utf8)
    }
}
