import Admin
import Cluster
import Curl
import Foundation
import Testing

@testable import ChaosTool

@Suite("The pages of a follower", .serialized)
struct FollowerPagesTests {
    @Test("It shows every member, and the leader's incident with its id and its steps, as the leader does")
    func everything() async throws {
        try await HealedCluster.during(
            SandboxOptions(brokers: 0, topics: []), healers: 2, settings: ["SANDBOX_BOOTSTRAP": "127.0.0.1:9"]
        ) { cluster in
            try await HTTPClient.during { client in try await self.look(cluster, client) }
        }
    }

    private func look(_ cluster: HealedCluster, _ client: HTTPClient) async throws {
        let leader = try #require(try await cluster.tree.leader()?.holder)
        let line = try await cluster.tree.members()
        let follower = try #require(line.first { $0.incarnation != leader.incarnation })
        try await cluster.until("all members on the follower's page") {
            let page: StatusPage? = try await self.page("status", follower.address, client)
            return page?.members.map(\.member) == line.map(\.id)
        }
        let page = try #require(try await self.page("status", follower.address, client) as StatusPage?)
        #expect(page.members.map(\.role) == line.map { $0.incarnation == leader.incarnation ? .leader : .follower })
        #expect(page.members.allSatisfy { $0.observedAgeMs != nil })

        try await cluster.sandbox.kill("zookeeper-3")
        let closed = try await cluster.awaitClosed("zookeeper-3")
        let id = try #require(closed.id).description
        try await cluster.until("the follower tells it as closed") {
            let page: IncidentsPage? = try await self.page("incidents", follower.address, client)
            return page?.incidents.contains { $0.incident.id == id && !$0.incident.isOpen } == true
        }
        let told = try #require(
            try await self.page("incidents/\(id)", follower.address, client) as IncidentPage?)
        let own: IncidentPage? = try await self.page("incidents/\(id)", leader.address, client)
        #expect(told == own)
        #expect(told.incident.toldBy == .leader)
        for kind in [TimelineEntry.Kind.permitted, .intent, .started, .outcome] {
            #expect(told.timeline.contains { $0.kind == kind }, "\(kind.rawValue)")
        }
        try await cluster.until("it is told once, when its own view of it is closed too") {
            let all: IncidentsPage? = try await self.page("incidents", follower.address, client)
            return all?.incidents.filter { $0.incident.subject == "zookeeper-3" }.map(\.incident.id) == [id]
        }
    }

    /// `nil` while it does not answer so.
    private func page<Page: Decodable>(
        _ path: String, _ address: String, _ client: HTTPClient
    ) async throws -> Page? {
        let answer = try? await client.get("http://\(address)/api/v1/\(path)", timeout: .seconds(20))
        return answer.flatMap { $0.status == 200 ? try? AdminJSON.decode(Page.self, from: $0.body) : nil }
    }
}
