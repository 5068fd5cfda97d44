import Foundation
import Testing

/// How often the tests that do something again and again do it: as often as `scripts/endure` asks in
/// HEALER_TEST_ROUNDS, or as each of them finds enough.
enum Rounds {
    private static let asked = ProcessInfo.processInfo.environment["HEALER_TEST_ROUNDS"].flatMap { Int($0) }

    static func asked(or enough: Int) -> Int { self.asked ?? enough }

    /// How many of them are under way at the same time, each with sessions of its own: a round mostly waits.
    static var lanes: Int { self.asked == nil ? 1 : 16 }

    static var patience: TimeLimitTrait.Duration { .minutes(self.asked == nil ? 5 : 240) }
}
