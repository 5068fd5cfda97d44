import Admin
import Cluster

/// The commands that read, answered by a healer alone: for the hour in which ZooKeeper says nothing.
struct DirectQuestions: Sendable {
    let healers: HealerAPI

    /// `healer-1:8080,healer-2:8080` as it was given.
    init(_ invocation: AdminInvocation) {
        self.healers = HealerAPI(
            addresses: invocation.healers, cluster: invocation.cluster, timeout: invocation.timeout,
            hint: "Check the address: a healer's log names it as healer.api. --timeout waits longer.")
    }

    /// - Parameter command: one that reads.
    func page(_ command: AdminCommand) async throws(ToolFailure) -> any ShownPage {
        switch command {
        case .leader:
            let status = try await self.status
            return LeaderPage(
                source: status.source, leader: status.leader, verdict: Verdict(reasons: Self.reasons(status)))
        case .members:
            let status = try await self.status
            return MembersPage(source: status.source, members: status.members)
        case .nodes: return try await self.healers.page(NodesPage.self, "nodes")
        case .partitions: return try await self.healers.page(PartitionsPage.self, "partitions")
        case .incidents: return try await self.healers.page(IncidentsPage.self, "incidents")
        case .check(let node):
            return try await self.healers.page(CheckPage.self, "check", query: [("node", node.rawValue)])
        case .explain(let id):
            return try await self.healers.page(
                IncidentPage.self, "incidents/\(HealerAPI.escaped(id))", everybody: true)
        default: return try await self.status
        }
    }

    private var status: StatusPage {
        get async throws(ToolFailure) { try await self.healers.page(StatusPage.self, "status") }
    }

    /// What is wrong with the leadership, as the healer that answers sees it.
    private static func reasons(_ status: StatusPage) -> [String] {
        if status.source.quorum == .lost {
            return [
                "\(status.source.answeredBy) has no connection to the coordination ensemble: nobody may act, "
                    + "and who led last may lead no more"
            ]
        }
        return status.leader == nil ? ["nobody leads, as far as \(status.source.answeredBy) knows"] : []
    }
}
