import Cluster
import Kubernetes

/// What is known of a node's pod by one look, and what it means. Decides; asks nothing.
struct PodLook: Hashable, Sendable {
    var name: ObjectName
    /// `nil` if there is none.
    var pod: Pod?
    /// The set that it belongs to, or would; `nil` if it belongs to none.
    var set: StatefulSet?
    /// `nil` if it has no place yet, or may not be read.
    var node: ClusterNode?
    /// The container's name in the configuration.
    var container: String?

    /// - Parameters:
    ///   - memory: with this look folded in.
    ///   - patience: how long the kubelet alone tries.
    /// - Throws: if there is neither a pod nor a set that would make one.
    func state(_ memory: PodMemory, patience: Duration, at now: Moment) throws(SupervisorFailure) -> ProcessState {
        guard let pod else { return try self.absent(memory) }
        let status = pod.container(self.container)
        var state = ProcessState(
            state: .starting, identity: pod.life(status), exit: status?.state.terminated?.exit, ended: memory.ended,
            hand: self.hand(pod, memory))
        if pod.metadata.deletionTimestamp != nil {
            // Its controller makes another one; whoever asked for this end wants just that, or wants it gone.
            state.state = self.isOurs(pod, memory) ? .starting : .stopped
            return state
        }
        if status?.state.running != nil {
            state.state = .running
            return state
        }
        state.exit = status?.ended?.exit
        guard self.isOver(pod, status) else {
            if let since = memory.loopingSince, now - since >= patience { state.state = .exited }
            return state
        }
        // Its controller replaces a pod that has failed; without one, it is over.
        state.state = pod.controller == nil ? .exited : .starting
        return state
    }

    /// Whether this pod's container is never started again by the kubelet.
    private func isOver(_ pod: Pod, _ status: ContainerStatus?) -> Bool {
        if ["Failed", "Succeeded"].contains(pod.status.phase) { return true }
        guard let end = status?.state.terminated else { return false }
        switch pod.spec.restartPolicy ?? "Always" {
        case "Never": return true
        case "OnFailure": return end.exitCode == 0
        default: return false
        }
    }

    private func absent(_ memory: PodMemory) throws(SupervisorFailure) -> ProcessState {
        guard let set, let ordinal = self.name.inSet?.ordinal else {
            throw SupervisorFailure(reason: "there is no pod \(self.name), and no StatefulSet that would make one")
        }
        if set.metadata.deletionTimestamp != nil {
            return ProcessState(
                state: .stopped, identity: nil, ended: memory.ended,
                hand: "StatefulSet \(set.metadata.name) is being deleted")
        }
        guard set.wants(ordinal) else {
            return ProcessState(
                state: .stopped, identity: nil, ended: memory.ended,
                hand: "StatefulSet \(set.metadata.name) is scaled to \(set.replicas)")
        }
        return ProcessState(state: .starting, identity: nil, ended: memory.ended, hand: self.rollout)
    }

    /// Whether a deletion under way is what we asked for. What we asked for may have been refused, and somebody deleted it
    /// since: an eviction is marked as one (since 1.26).
    private func isOurs(_ pod: Pod, _ memory: PodMemory) -> Bool {
        pod.metadata.uid == memory.evicted && pod.disruption?.reason == "EvictionByEvictionAPI"
    }

    /// Who is at it, other than healers.
    private func hand(_ pod: Pod, _ memory: PodMemory) -> String? {
        if pod.metadata.deletionTimestamp != nil, !self.isOurs(pod, memory) {
            let why = pod.disruption.map { " (\([$0.reason, $0.message].compactMap(\.self).joined(separator: ": ")))" }
            return "pod \(self.name) is being deleted\(why ?? "")"
        }
        if let rollout = self.rollout { return rollout }
        guard let node, let place = pod.spec.nodeName else { return nil }
        if node.isCordoned { return "node \(place) is cordoned" }
        return node.isReady ? nil : "node \(place) is not ready, so what it says of its pods is old"
    }

    private var rollout: String? {
        guard let set, set.isRollingOut else { return nil }
        let new = set.status.updateRevision.map { " to revision \($0)" } ?? ""
        return "a rollout of StatefulSet \(set.metadata.name)\(new)"
    }
}
