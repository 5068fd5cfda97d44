import Cluster
import Testing

@testable import Election

@Suite("A leader without an audit trail")
struct UnwitnessedHandoverTests {
    @Test("Hands over when that has been so for a while without a break, and once in a long while only")
    func handsOver() {
        var handover = UnwitnessedHandover()
        func isDue(_ isUnwitnessed: Bool = true, at second: Int) -> Bool {
            handover.isDue(isUnwitnessed, at: .zero + .seconds(second))
        }
        #expect(!isDue(at: 0))
        #expect(!isDue(at: 2))
        #expect(!isDue(false, at: 3))
        #expect(!isDue(at: 4))
        #expect(!isDue(at: 6))
        #expect(isDue(at: 7))
        // It leads again, and still cannot write: so might anybody.
        #expect(!isDue(at: 8))
        #expect(!isDue(at: 300))
        #expect(!isDue(at: 606))
        #expect(isDue(at: 607))
    }
}
