/// What the API says of a pod, as far as a healer reads it.
public struct Pod: Hashable, Sendable, Decodable {
    public struct Metadata: Hashable, Sendable, Decodable {
        public var name: String
        public var uid: String
        /// Changes with every write to the object.
        public var resourceVersion: String
        /// Set once its deletion was asked for; it is gone when its containers have ended.
        public var deletionTimestamp: String?
        public var ownerReferences: [Owner]?
    }
    public struct Owner: Hashable, Sendable, Decodable {
        public var kind: String
        public var name: String
        public var controller: Bool?
    }
    public struct Specification: Hashable, Sendable, Decodable {
        public struct Container: Hashable, Sendable, Decodable {
            public var name: String
        }
        /// `nil` until a place is found for it.
        public var nodeName: String?
        /// `Always`, `OnFailure`, `Never`; `nil` means `Always`.
        public var restartPolicy: String?
        public var containers: [Container]
    }
    public struct Status: Hashable, Sendable, Decodable {
        /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
        public var phase: String?
        public var reason: String?
        public var message: String?
        public var conditions: [Condition]?
        /// None before the kubelet has seen the pod.
        public var containerStatuses: [ContainerStatus]?
    }
    public struct Condition: Hashable, Sendable, Decodable {
        public var type: String
        /// `True`, `False`, `Unknown`.
        public var status: String
        public var reason: String?
        public var message: String?
    }

    public var metadata: Metadata
    public var spec: Specification
    public var status: Status

    /// Who makes it anew when it is gone; `nil` if nobody does.
    public var controller: Owner? { self.metadata.ownerReferences?.first { $0.controller == true } }

    /// - Parameter name: `nil` means the first of its specification.
    public func container(_ name: String?) -> ContainerStatus? {
        let wanted = name ?? self.spec.containers.first?.name
        return self.status.containerStatuses?.first { $0.name == wanted }
    }

    /// The condition that tells why it is being ended, such as by an eviction; since 1.26.
    public var disruption: Condition? {
        self.status.conditions?.first { $0.type == "DisruptionTarget" && $0.status == "True" }
    }
}

/// What the kubelet says of one container of a pod.
public struct ContainerStatus: Hashable, Sendable, Decodable {
    /// One of the three is there; none means waiting.
    public struct State: Hashable, Sendable, Decodable {
        public var waiting: Waiting?
        public var running: Running?
        public var terminated: Terminated?
    }
    public struct Waiting: Hashable, Sendable, Decodable {
        /// Such as `ContainerCreating`, `CrashLoopBackOff`, `ImagePullBackOff`.
        public var reason: String?
        public var message: String?
    }
    public struct Running: Hashable, Sendable, Decodable {
        public var startedAt: String?
    }
    public struct Terminated: Hashable, Sendable, Decodable {
        /// 128 and the signal's number where a signal ended it.
        public var exitCode: Int32
        public var signal: Int32?
        /// Such as `Error`, `Completed`, `OOMKilled`.
        public var reason: String?
        public var containerID: String?
    }

    public var name: String
    public var state: State
    /// The end of the container before this one.
    public var lastState: State
    public var ready: Bool
    public var restartCount: Int
    /// With its runtime before it, `containerd://…`; the last one's while the next is waited for.
    public var containerID: String?

    /// Without the runtime's name; `nil` before there was one.
    public var id: String? { Self.plain(self.containerID) }
    /// The latest container that is known to have ended. What the kubelet has lost track of is not known to.
    public var ended: Terminated? {
        for state in [self.state, self.lastState] {
            if let end = state.terminated, end.id != nil, end.reason != "ContainerStatusUnknown" { return end }
        }
        return nil
    }

    fileprivate static func plain(_ text: String?) -> String? {
        guard let text, !text.isEmpty else { return nil }
        return text.firstRange(of: "://").map { String(text[$0.upperBound...]) } ?? text
    }
}

extension ContainerStatus.Terminated {
    /// Without the runtime's name.
    public var id: String? { ContainerStatus.plain(self.containerID) }
}
