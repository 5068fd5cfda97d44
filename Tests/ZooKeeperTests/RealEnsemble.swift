import Foundation
import struct Synchronization.Mutex
import Testing

@testable import ZooKeeper

/// All tests that need servers, one at a time: some kill and freeze them.
@Suite(.serialized, .timeLimit(Rounds.patience)) enum RealEnsemble {}

/// Opens a session, waits for its connection, and closes it on both ways out.
@discardableResult
func withSession<Result>(
    _ configure: (inout Session.Configuration) -> Void = { _ in },
    _ body: (Session) async throws -> Result
) async throws -> Result {
    var configuration = Session.Configuration(servers: try await Ensemble.shared.connectString)
    configuration.callLimit = .seconds(30)
    configure(&configuration)
    let session = try await Session.open(configuration)
    do {
        try await session.connected(within: .seconds(60))
        let result = try await body(session)
        await session.close()
        return result
    } catch {
        await session.close()
        throw error
    }
}

/// A path that no other test uses.
func newPath() -> String { "/test-\(UUID().uuidString)" }

/// What callbacks have said, in their order.
final class Heard<Value: Sendable & Equatable>: Sendable {
    private let list = Mutex<[Value]>([])
    var values: [Value] { self.list.withLock { $0 } }
    func add(_ value: Value) { self.list.withLock { $0.append(value) } }
    func reach(_ count: Int) async throws {
        try await until("\(count) heard, \(self.values) so far") { self.values.count >= count }
    }
}

extension Heard where Value == WatchEvent {
    var watch: Watch { { self.add($0) } }
}

/// The states of a session, collected from now on.
func collectStates(_ session: Session) -> Heard<SessionState> {
    let heard = Heard<SessionState>()
    let states = session.states()
    Task { for await state in states { heard.add(state) } }
    return heard
}

/// What a call fails with; `nil` if it succeeds.
func errorOf(_ body: () async throws -> Void) async -> ZooKeeperError? {
    do {
        try await body()
        return nil
    } catch let error as ZooKeeperError {
        return error
    } catch {
        Issue.record(error)
        return nil
    }
}

func codeOf(_ body: () async throws -> Void) async -> ZooKeeperError.Code? { await errorOf(body)?.code }

/// Breaks the ensemble, and mends it on both ways out.
@discardableResult
func withBrokenEnsemble<Result>(_ body: (Ensemble) async throws -> Result) async throws -> Result {
    let ensemble = try await Ensemble.shared
    try await ensemble.everybodyServes()
    do {
        let result = try await body(ensemble)
        try await ensemble.restore()
        return result
    } catch {
        try? await ensemble.restore()
        throw error
    }
}

extension Ensemble {
    /// Those that can be broken without the rest having to elect a new leader.
    var followers: [Server] {
        get async throws {
            try await self.everybodyServes()
            return self.servers.filter { modeOf($0.port) == "follower" }
        }
    }
}

/// Ends a session as its ensemble would, through a second handle. Several times if need be: the first handle takes the
/// session back whenever its connection is lost to the second, and a close that comes at such a time closes nothing.
func expire(_ victim: Session) async throws {
    var configuration = Session.Configuration(servers: try await Ensemble.shared.connectString)
    configuration.joining = try #require(victim.identity)
    try await until("the session has ended") {
        let second = try await Session.open(configuration)
        _ = try? await second.connected(within: .seconds(60))
        await second.close()
        // Told on its next connection, which it seeks at once.
        try? await until("it is told", within: .seconds(2)) { victim.state.isFinal }
        return victim.state.isFinal
    }
}

/// How long something takes.
func timed(_ body: () async throws -> Void) async rethrows -> Duration {
    let begin = ContinuousClock.now
    try await body()
    return ContinuousClock.now - begin
}
