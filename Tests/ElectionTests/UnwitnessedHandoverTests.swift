import Cluster
import Testing

@testable import Election

@Suite("A leader without an audit trail")
struct UnwitnessedHandoverTests {
    /// A leader's question at each of these seconds, and what entry had been refused last.
    private final class Leader {
        private var handover = UnwitnessedHandover()
        func isDue(failedAt failure: Int?, at second: Int) -> Bool {
            self.handover.isDue(failure.map { .zero + .seconds($0) }, at: .zero + .seconds(second))
        }
    }
    private let leader = Leader()

    @Test("Hands over when entries have been refused for a while, and once in a long while only")
    func handsOver() {
        #expect(!self.leader.isDue(failedAt: 0, at: 0))
        #expect(!self.leader.isDue(failedAt: 2, at: 2))
        #expect(self.leader.isDue(failedAt: 3, at: 3))
        // It leads again, and still cannot write: so might anybody.
        #expect(!self.leader.isDue(failedAt: 4, at: 4))
        for second in stride(from: 6, to: 603, by: 2) { #expect(!self.leader.isDue(failedAt: second, at: second)) }
        #expect(self.leader.isDue(failedAt: 603, at: 603))
    }

    @Test("A refusal is forgotten; one that comes before that counts from the first, whatever was taken between")
    func forgets() {
        for second in 0..<5 { #expect(!self.leader.isDue(failedAt: 0, at: second)) }
        #expect(!self.leader.isDue(failedAt: 0, at: 5))
        #expect(!self.leader.isDue(failedAt: 6, at: 6))
        #expect(!self.leader.isDue(failedAt: 6, at: 8))
        #expect(self.leader.isDue(failedAt: 9, at: 9))
    }

    @Test("Whoever does not lead, or stands in line alone, counts nothing")
    func nobodyElse() {
        #expect(!self.leader.isDue(failedAt: 0, at: 0))
        #expect(!self.leader.isDue(failedAt: nil, at: 2))
        #expect(!self.leader.isDue(failedAt: 4, at: 4))
        #expect(!self.leader.isDue(failedAt: 6, at: 6))
        #expect(self.leader.isDue(failedAt: 7, at: 7))
    }
}
