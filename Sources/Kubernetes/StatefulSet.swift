/// What the API says of a StatefulSet, as far as a healer reads it.
public struct StatefulSet: Hashable, Sendable, Decodable {
    public struct Metadata: Hashable, Sendable, Decodable {
        public var name: String
        /// Grows with every change of what is wanted.
        public var generation: Int64?
        public var deletionTimestamp: String?
    }
    public struct Specification: Hashable, Sendable, Decodable {
        public struct Ordinals: Hashable, Sendable, Decodable {
            public var start: Int
        }
        public struct UpdateStrategy: Hashable, Sendable, Decodable {
            public struct RollingUpdate: Hashable, Sendable, Decodable {
                /// Only pods of this place and later are replaced.
                public var partition: Int?
            }
            /// `RollingUpdate`, or `OnDelete`: pods are replaced when somebody deletes them.
            public var type: String?
            public var rollingUpdate: RollingUpdate?
        }
        public var replicas: Int?
        /// Where counting begins; `nil` means 0.
        public var ordinals: Ordinals?
        public var updateStrategy: UpdateStrategy?
    }
    public struct Status: Hashable, Sendable, Decodable {
        /// The generation that its controller has seen.
        public var observedGeneration: Int64?
        public var currentRevision: String?
        public var updateRevision: String?
        /// Pods of the new revision.
        public var updatedReplicas: Int?
    }

    public var metadata: Metadata
    public var spec: Specification
    public var status: Status

    public var replicas: Int { self.spec.replicas ?? 1 }

    /// Whether a pod is wanted in this place.
    public func wants(_ ordinal: Int) -> Bool {
        let start = self.spec.ordinals?.start ?? 0
        return (start..<start + self.replicas).contains(ordinal)
    }

    /// Whether its controller replaces pods by those of a new revision, now or as soon as it has read that it should.
    ///
    /// The controller sets `currentRevision` to `updateRevision` when all pods are new and ready. With a partition it
    /// never does, and with `OnDelete` it replaces nothing by itself.
    public var isRollingOut: Bool {
        guard self.spec.updateStrategy?.type ?? "RollingUpdate" == "RollingUpdate" else { return false }
        if let seen = self.status.observedGeneration, let wanted = self.metadata.generation, seen < wanted {
            return true
        }
        guard let new = self.status.updateRevision, let current = self.status.currentRevision, new != current else {
            return false
        }
        guard let partition = self.spec.updateStrategy?.rollingUpdate?.partition, partition > 0 else { return true }
        let start = self.spec.ordinals?.start ?? 0
        return self.status.updatedReplicas ?? 0 < start + self.replicas - max(partition, start)
    }
}

/// What the API says of a node of its cluster, as far as a healer reads it.
public struct ClusterNode: Hashable, Sendable, Decodable {
    public struct Specification: Hashable, Sendable, Decodable {
        /// Cordoned: nothing new is placed there.
        public var unschedulable: Bool?
    }
    public struct Status: Hashable, Sendable, Decodable {
        public var conditions: [Pod.Condition]?
    }
    public var spec: Specification
    public var status: Status

    public var isCordoned: Bool { self.spec.unschedulable ?? false }
    /// While it is not, what is said of its pods is old.
    public var isReady: Bool {
        self.status.conditions?.first { $0.type == "Ready" }.map { $0.status == "True" } ?? true
    }
}
