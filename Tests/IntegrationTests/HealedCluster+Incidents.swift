import Cluster

@testable import ChaosTool

/// What the healers put down about a node. It is never taken for what happened to it.
extension HealedCluster {
    /// The last one; `nil` if there is none, and while ZooKeeper does not answer.
    func incident(of node: String) async -> IncidentRecord? {
        guard let incidents = try? await self.tree.incidents() else { return nil }
        return incidents.last { $0.subject == .node(NodeName(node)) }
    }

    /// Waits until the last incident of a node is closed, and returns it.
    func awaitClosed(_ node: String) async throws -> IncidentRecord {
        var last: IncidentRecord?
        try await self.until("the incident of \(node) is closed") {
            last = await self.incident(of: node)
            return last?.phase == .closed
        }
        return last!
    }

    /// Waits until somebody is woken because a failure has outlived its grace.
    func awaitPage(_ code: FindingCode, of node: String) async throws {
        try await self.until("a page for \(code) of \(node)") {
            let incident = await self.incident(of: node)
            return incident?.code == code && incident?.paged.contains(.lasts) == true
        }
    }

    /// The present life of every node, or its last.
    func identities() throws -> [String: ProcessIdentity] {
        try self.sandbox.description.nodes.reduce(into: [:]) { lives, node in
            lives[node.name] = try self.sandbox.status(of: node.name).identity
        }
    }
}

extension IncidentRecord {
    /// How each step of this kind ended, oldest first.
    func results(of step: Step) -> [StepResult] {
        self.timeline.compactMap { item in
            if case .ended(_, step, let result) = item.what { result } else { nil }
        }
    }

    /// What was confirmed, in order.
    var confirmed: [FindingCode] {
        self.timeline.compactMap { if case .confirmed(let code, _) = $0.what { code } else { nil } }
    }
}
