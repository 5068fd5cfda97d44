import Dispatch
import Testing

@testable import ZooKeeper

/// What needs no server.
@Suite struct WithoutServerTests {
    /// A call that nobody waits for.
    private final class Nobody: PendingCall {
        let operation = "get"
        let path = "/"
        func fail(_ error: ZooKeeperError) {}
    }

    private func shared(calls sentAt: [Int64], lastHeard: Int64, state: SessionState) -> Connection.Shared {
        var shared = Connection.Shared(owesCredentials: false, lastHeard: BootTime(nanoseconds: lastHeard))
        shared.stream.become(state)
        for time in sentAt {
            let call = Nobody()
            shared.calls[ObjectIdentifier(call)] = Connection.Call(
                pending: call, sentAt: BootTime(nanoseconds: time), deadline: nil, watch: nil)
        }
        return shared
    }

    @Test("A server is silent only while an answer is owed, from the last sign of life or the oldest request on")
    func silence() {
        var configuration = Session.Configuration(servers: "a:1")
        configuration.silenceLimit = .nanoseconds(100)
        let connected = SessionState.connected(SessionID(1))
        let owed = self.shared(calls: [30, 20, 40], lastHeard: 10, state: connected)
        #expect(owed.silentAt(configuration) == BootTime(nanoseconds: 120))
        let answering = self.shared(calls: [30, 20, 40], lastHeard: 500, state: connected)
        #expect(answering.silentAt(configuration) == BootTime(nanoseconds: 600))
        #expect(self.shared(calls: [], lastHeard: 10, state: connected).silentAt(configuration) == nil)
        #expect(self.shared(calls: [20], lastHeard: 10, state: .connecting).silentAt(configuration) == nil)
        configuration.silenceLimit = nil
        #expect(owed.silentAt(configuration) == nil)
    }

    @Test("Whoever reads the states can be cancelled while the connection's lock is held: to be told needs both")
    func cancelledReader() async throws {
        let session = try await Session.open(Session.Configuration(servers: "127.0.0.1:1"))
        let heard = Heard<SessionState>()
        let reader = Task { for await state in session.states() { heard.add(state) } }
        try await heard.reach(1)
        #expect(self.isCancelled(reader, holdingLockOf: session.connection))
        await reader.value
        await session.close()
    }

    private func isCancelled(_ task: Task<Void, Never>, holdingLockOf connection: Connection) -> Bool {
        let isDone = DispatchSemaphore(value: 0)
        return connection.shared.withLock { _ in
            DispatchQueue.global().async {
                task.cancel()
                isDone.signal()
            }
            return isDone.wait(timeout: .now() + 60) == .success
        }
    }

    @Test(
        "A path is one that a server would take",
        arguments: [
            ("/", true), ("/a", true), ("/a/b", true), ("/a.b/..c", true), ("/\u{e4}", true), ("", false), ("a", false),
            ("/a/", false), ("//a", false), ("/.", false), ("/a/..", false), ("/a\u{0}", false), ("/a\u{9f}", false),
        ])
    func paths(path: String, isGood: Bool) {
        #expect(isPath(path) == isGood)
    }

    @Test("A sequential node's name may be its number alone")
    func sequentialPaths() {
        #expect(isPath("/a/", sequential: true))
        #expect(!isPath("/a//", sequential: true))
        #expect(!isPath("", sequential: true))
    }

    @Test("A line of the library's log is taken apart; one that looks otherwise is kept whole")
    func logLines() {
        let line = LibraryLog.Line("2026-11-21 15:00:00,123:42(0x7f):ZOO_WARN@get_it@17: no: answer @ all\n")
        #expect(line.level == .warning && line.function == "get_it" && line.message == "no: answer @ all")
        let error = LibraryLog.Line("x:ZOO_ERROR@f@1: text")
        #expect(error.level == .error && error.message == "text")
        let other = LibraryLog.Line("something else")
        #expect(other.level == .info && other.function == "" && other.message == "something else")
    }

    @Test("Only what leaves a write's outcome open is ambiguous")
    func ambiguity() {
        let ambiguous: [ZooKeeperError.Code] = [.connectionLoss, .operationTimeout, .sessionExpired, .closing]
        let definite: [ZooKeeperError.Code] = [.noNode, .badVersion, .nodeExists, .noAuth, .badArguments, .notEmpty]
        for code in ambiguous { #expect(ZooKeeperError(code, operation: "set", path: "/").isAmbiguous) }
        for code in definite { #expect(!ZooKeeperError(code, operation: "set", path: "/").isAmbiguous) }
    }

    @Test("An error says what was done where, and an unknown code keeps its number")
    func descriptions() {
        let error = ZooKeeperError(.badVersion, operation: "multi", path: "/a", failedOperation: 2)
        #expect("\(error)" == "multi /a: bad version (operation 2)")
        #expect("\(ZooKeeperError.Code(rawValue: -4711))" == "code -4711")
    }
}
