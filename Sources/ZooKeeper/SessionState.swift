/// Where a session stands. Once final it stays so, and a new session is opened.
public enum SessionState: Hashable, Sendable {
    /// Not connected yet, or not any more; the session may still live.
    case connecting
    case connected(SessionID)
    /// Final: the ensemble has ended the session.
    case expired
    /// Final: no server for 4/3 of the session timeout by our own clock. The ensemble has ended the session, or will;
    /// the library would learn of it only on its next connection. Or there is no next connection, since a file that
    /// ``Session/TLS`` names can be used no more.
    case lost
    /// Final: the ensemble refuses these credentials.
    case authenticationFailed
    /// Final: closed by ourselves.
    case closed

    public var isFinal: Bool {
        switch self {
        case .connecting, .connected: false
        case .expired, .lost, .authenticationFailed, .closed: true
        }
    }

    /// What a call ends with that is made in this state; `nil` if it may be made.
    var refusal: ZooKeeperError.Code? {
        switch self {
        case .connecting, .connected: nil
        case .expired, .lost: .sessionExpired
        case .authenticationFailed: .authFailed
        case .closed: .closing
        }
    }
}

/// The number of a session, the same on every server.
public struct SessionID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public init(_ rawValue: Int64) { self.rawValue = rawValue }
    /// In hexadecimal digits, as ZooKeeper's own logs have it.
    public var description: String { "0x" + String(UInt64(bitPattern: self.rawValue), radix: 16) }
}

/// What a second handle needs to take part in a session. Whoever has it can end the session.
public struct SessionIdentity: Hashable, Sendable, CustomStringConvertible {
    public let id: SessionID
    /// 16 bytes.
    let password: [UInt8]
    /// Without the password.
    public var description: String { self.id.description }
}

/// What a watch says. It is called once.
public enum WatchEvent: Hashable, Sendable {
    case created, deleted, dataChanged, childrenChanged
    /// The connection or the session was lost or closed: what happened since is not known. Read again, with a watch.
    case disturbed
}
