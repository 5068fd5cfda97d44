import Cluster
import FoundationEssentials
import Glibc

/// One verb of a supervisor, carried out by a small program of its own: `healer docker-step ORDER` and the like, started by
/// the runner that outlives the healer.
protocol SupervisorStep: Decodable {
    /// What of `healer` carries it out.
    static var program: String { get }
    /// Returns what to print.
    /// - Parameters:
    ///   - startBy: CLOCK_BOOTTIME; what has not begun by then is not begun.
    ///   - environment: what the runner tells.
    func carryOut(startBy: Moment?, environment: [String: String]) async throws -> String
    /// Whether no repetition will change this.
    static func isForbidden(_ error: any Error) -> Bool
    /// Whether nothing was done because somebody else goes first.
    static func yields(_ error: any Error) -> Bool
}

extension SupervisorStep {
    static func yields(_ error: any Error) -> Bool { false }

    /// Carries out what the order says, and prints what came of it. Ends with 0, with 1 if it failed, with 126 if it is not
    /// permitted, with 75 if somebody else goes first, with 2 if the order is none.
    static func run(_ order: String) async -> Int32 {
        guard let step = try? JSONDecoder().decode(Self.self, from: Data(order.utf8)) else {
            say("healer \(self.program) is started by healer, not by hand\n", to: STDERR_FILENO)
            return 2
        }
        let environment = ProcessInfo.processInfo.environment
        let startBy = environment["HEALER_START_BY"].flatMap { Int64($0) }.map { Moment(nanoseconds: $0) }
        do {
            say("\(try await step.carryOut(startBy: startBy, environment: environment))\n", to: STDOUT_FILENO)
            return 0
        } catch {
            say("\(error)\n", to: STDERR_FILENO)
            if self.yields(error) { return StepResult.yieldStatus }
            return self.isForbidden(error) ? 126 : 1
        }
    }
}
