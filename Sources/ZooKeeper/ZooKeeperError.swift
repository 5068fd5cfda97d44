/// Why a call failed, and where.
public struct ZooKeeperError: Error, Hashable, Sendable, CustomStringConvertible {
    public let code: Code
    /// The name of the call: `create`, `multi`, `open`.
    public let operation: String
    /// The path of the call; for a multi whose answer names the operation that failed, the path of that operation; for
    /// `open`, the servers.
    public let path: String
    /// For a multi whose answer names the operation that failed: its place.
    public let failedOperation: Int?

    public init(_ code: Code, operation: String, path: String, failedOperation: Int? = nil) {
        self.code = code
        self.operation = operation
        self.path = path
        self.failedOperation = failedOperation
    }

    /// Whether a write that ended so may have been committed all the same.
    public var isAmbiguous: Bool {
        switch self.code {
        case .connectionLoss, .operationTimeout, .sessionExpired, .closing, .runtimeInconsistency: true
        default: false
        }
    }

    public var description: String {
        let place = self.failedOperation.map { " (operation \($0))" } ?? ""
        return "\(self.operation) \(self.path): \(self.code)\(place)"
    }

    /// A value of the library's `ZOO_ERRORS`. Any other value is possible: a newer server may know more.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: Int32
        public init(rawValue: Int32) { self.rawValue = rawValue }

        public static let ok = Code(rawValue: 0)
        /// The system refused something: memory, a thread, a socket, a name that cannot be resolved.
        public static let systemError = Code(rawValue: -1)
        /// Within a multi: not carried out because another operation failed.
        public static let runtimeInconsistency = Code(rawValue: -2)
        /// The connection broke while the call was under way, or there was none.
        public static let connectionLoss = Code(rawValue: -4)
        public static let marshallingError = Code(rawValue: -5)
        public static let unimplemented = Code(rawValue: -6)
        /// No answer within the limit, ours or the library's.
        public static let operationTimeout = Code(rawValue: -7)
        public static let badArguments = Code(rawValue: -8)
        public static let invalidState = Code(rawValue: -9)
        public static let apiError = Code(rawValue: -100)
        public static let noNode = Code(rawValue: -101)
        public static let noAuth = Code(rawValue: -102)
        public static let badVersion = Code(rawValue: -103)
        public static let noChildrenForEphemerals = Code(rawValue: -108)
        public static let nodeExists = Code(rawValue: -110)
        public static let notEmpty = Code(rawValue: -111)
        public static let sessionExpired = Code(rawValue: -112)
        public static let invalidACL = Code(rawValue: -114)
        public static let authFailed = Code(rawValue: -115)
        /// The session is being closed, or is closed, by ourselves.
        public static let closing = Code(rawValue: -116)
        public static let sessionMoved = Code(rawValue: -118)
        public static let notReadOnly = Code(rawValue: -119)
        public static let ephemeralOnLocalSession = Code(rawValue: -120)
        /// The server had too much to do, and did not execute the request at all.
        public static let throttled = Code(rawValue: -127)
    }
}

extension ZooKeeperError.Code: CustomStringConvertible {
    public var description: String {
        switch self {
        case .ok: "ok"
        case .systemError: "system error"
        case .runtimeInconsistency: "not carried out"
        case .connectionLoss: "connection lost"
        case .marshallingError: "marshalling error"
        case .unimplemented: "unimplemented"
        case .operationTimeout: "timed out"
        case .badArguments: "bad arguments"
        case .invalidState: "invalid state"
        case .apiError: "API error"
        case .noNode: "no node"
        case .noAuth: "not authorized"
        case .badVersion: "bad version"
        case .noChildrenForEphemerals: "ephemeral nodes have no children"
        case .nodeExists: "node exists"
        case .notEmpty: "not empty"
        case .sessionExpired: "session expired"
        case .invalidACL: "invalid ACL"
        case .authFailed: "authentication failed"
        case .closing: "session closed"
        case .sessionMoved: "session moved"
        case .notReadOnly: "read-only server"
        case .ephemeralOnLocalSession: "no ephemeral nodes on a local session"
        case .throttled: "throttled"
        default: "code \(self.rawValue)"
        }
    }
}
