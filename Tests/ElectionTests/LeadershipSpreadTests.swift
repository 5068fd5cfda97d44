import Cluster
import Election
import Testing

@Suite("Leaderships of several clusters are spread over the healers")
struct LeadershipSpreadTests {
    private func names(_ count: Int) -> [ClusterName] { (0..<count).map { ClusterName("cluster-\($0)") } }
    private func healers(_ count: Int) -> [HealerID] { (1...count).map { HealerID("healer-\($0)") } }

    @Test("Every cluster has one, and none has more than its share", arguments: [1, 2, 3, 4, 7], [1, 2, 3, 10, 60])
    func balanced(healers: Int, clusters: Int) {
        let preferences = LeadershipSpread.preferences(of: self.names(clusters), among: self.healers(healers))
        #expect(preferences.count == clusters)
        let loads = Dictionary(grouping: preferences.values) { $0 }.mapValues(\.count)
        #expect(loads.values.allSatisfy { $0 <= (clusters + healers - 1) / healers })
    }

    @Test("The same names give the same answer, in whatever order and however often they come")
    func deterministic() {
        let (clusters, healers) = (self.names(12), self.healers(4))
        let first = LeadershipSpread.preferences(of: clusters, among: healers)
        for _ in 0..<20 {
            let again = LeadershipSpread.preferences(
                of: clusters.shuffled() + clusters, among: healers.shuffled() + healers)
            #expect(again == first)
        }
        #expect(LeadershipSpread.preferences(of: clusters, among: [HealerID]()).isEmpty)
    }

    @Test("When a healer is gone, most clusters of the others stay where they are")
    func fewMove() {
        let (clusters, healers) = (self.names(60), self.healers(6))
        let before = LeadershipSpread.preferences(of: clusters, among: healers)
        for gone in healers {
            let after = LeadershipSpread.preferences(of: clusters, among: healers.filter { $0 != gone })
            let stayed = clusters.count { before[$0] != gone && before[$0] == after[$0] }
            #expect(stayed >= 35, "\(stayed) of 50 stayed without \(gone)")
        }
    }

    /// Stands in line at this place; its configuration is ours unless told otherwise.
    private func place(
        _ healer: HealerID, _ number: Int, configuration: String = "c", isUnwitnessed: Bool? = nil
    ) -> (candidate: String, member: Member) {
        var member = Member(
            id: healer, incarnation: Incarnation("life-\(number)"), address: "h:1", version: "1",
            configuration: configuration)
        member.isUnwitnessed = isUnwitnessed
        return ("n_\(number)", member)
    }

    @Test("It goes to the present life of who should lead, who has our configuration and can write its audit trail")
    func heir() throws {
        let (clusters, healers) = (self.names(3), self.healers(3))
        let preferences = LeadershipSpread.preferences(of: clusters, among: healers)
        let own = healers[0]
        let cluster = try #require(clusters.first { preferences[$0] != own })
        let preferred = try #require(preferences[cluster])
        let third = try #require(healers.first { $0 != own && $0 != preferred })
        func heir(_ line: [(candidate: String, member: Member)]) -> String? {
            LeadershipSpread.heir(of: cluster, among: clusters, line: line, own: own, configuration: "c")?.candidate
        }
        let others = [self.place(own, 1), self.place(third, 2)]
        #expect(heir(others + [self.place(preferred, 3)]) == "n_3")
        #expect(heir([self.place(preferred, 0)] + others + [self.place(preferred, 3)]) == "n_3")
        #expect(heir(others + [self.place(preferred, 3, configuration: "d")]) != "n_3")
        #expect(heir(others + [self.place(preferred, 3, isUnwitnessed: true)]) != "n_3")
        #expect(heir([self.place(third, 2), self.place(preferred, 3)]) == nil)
    }

    @Test("It is handed over after the wait, which begins anew when something is wrong or another should have it")
    func gentle() {
        var plan = LeadershipReturn(after: .seconds(10))
        let (a, b) = (Incarnation("a"), Incarnation("b"))
        func isDue(_ preferred: Incarnation?, isQuiet: Bool = true, at second: Int) -> Bool {
            plan.isDue(preferred, isQuiet: isQuiet, at: .zero + .seconds(second))
        }
        #expect(!isDue(a, at: 0))
        #expect(!isDue(a, at: 9))
        #expect(!isDue(a, isQuiet: false, at: 10))
        #expect(!isDue(a, at: 11))
        #expect(!isDue(b, at: 21))
        #expect(!isDue(nil, at: 25))
        #expect(!isDue(b, at: 32))
        #expect(!isDue(b, at: 41))
        #expect(isDue(b, at: 42))
        #expect(!isDue(b, at: 43))
    }
}
