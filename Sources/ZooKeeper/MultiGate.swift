internal import CZooKeeper
import Synchronization

/// Keeps the library from learning that a session has ended while a multi is being made.
///
/// It learns it from a server, before it tells us; from then on it refuses the first operation of a multi, and frees what it
/// never allocated for those that follow (`zoo_amulti` of 3.8). A session that is connected has to connect anew for that,
/// and on this way the library always says "initiated connection", after it has left the connected state and before it
/// reads the server's word, while it holds none of its locks. It is made to wait there until no multi is being made.
///
/// What this does not cover is a server that refuses credentials, which ends a session without connecting anew: a server
/// takes every digest.
enum MultiGate {
    /// One for all sessions: the library does not say of which session a line is. It is held for microseconds.
    private static let gate = Mutex(())

    /// - Returns: What `make` returns; that the connection is lost if there is none.
    static func whileConnected(_ handle: OpaquePointer, _ make: () -> Int32) -> Int32 {
        self.gate.withLock { _ in zoo_state(handle) == ZOO_CONNECTED_STATE ? make() : ZCONNECTIONLOSS.rawValue }
    }

    /// On the library's thread, with each of its lines.
    static func heard(_ line: LibraryLog.Line) {
        guard line.function == "check_events", line.message.hasPrefix("initiated connection") else { return }
        self.gate.withLock { _ in }
    }
}
