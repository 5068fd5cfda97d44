/// The data versions of both control nodes that a decision was made with: the guard of its intent checks them.
public struct ControlVersions: Hashable, Sendable, Codable {
    public var cluster: Int32
    public var global: Int32
    public init(cluster: Int32, global: Int32) {
        self.cluster = cluster
        self.global = global
    }
}

/// Both control nodes as they were read.
public struct ControlView: Hashable, Sendable {
    public var cluster: Control
    public var global: Control
    public var versions: ControlVersions
    public init(cluster: Control, global: Control, versions: ControlVersions) {
        self.cluster = cluster
        self.global = global
        self.versions = versions
    }
    /// The pause in force, the global one first.
    public func pause(at now: WallTime) -> Control.Hold? { self.global.pause(at: now) ?? self.cluster.pause(at: now) }
    public func maintenance(of node: NodeName, at now: WallTime) -> Control.Hold? {
        self.cluster.maintenance(of: node, at: now)
    }
}
