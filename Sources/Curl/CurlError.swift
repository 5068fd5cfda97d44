internal import CCurl

/// Why a request brought no answer. An answer with any HTTP status is no error.
public struct CurlError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A number of libcurl's `CURLcode`, or one of our own, which are negative.
    public struct Code: RawRepresentable, Hashable, Sendable {
        public let rawValue: Int32
        public init(rawValue: Int32) { self.rawValue = rawValue }

        public static let badURL = Code(rawValue: Int32(CURLE_URL_MALFORMAT.rawValue))
        public static let badProtocol = Code(rawValue: Int32(CURLE_UNSUPPORTED_PROTOCOL.rawValue))
        public static let unknownHost = Code(rawValue: Int32(CURLE_COULDNT_RESOLVE_HOST.rawValue))
        /// Nobody listens there, or there is no way to it.
        public static let cannotConnect = Code(rawValue: Int32(CURLE_COULDNT_CONNECT.rawValue))
        public static let timedOut = Code(rawValue: Int32(CURLE_OPERATION_TIMEDOUT.rawValue))
        /// The other side's certificate is not signed by an authority that is trusted, or is another host's. Nothing was sent.
        public static let untrusted = Code(rawValue: Int32(CURLE_PEER_FAILED_VERIFICATION.rawValue))
        /// The file with the trusted authorities cannot be read. Nothing was sent.
        public static let badAuthorities = Code(rawValue: Int32(CURLE_SSL_CACERT_BADFILE.rawValue))
        /// The other side closed without an answer.
        public static let noAnswer = Code(rawValue: Int32(CURLE_GOT_NOTHING.rawValue))
        /// The answer's body is larger than the limit.
        public static let tooLarge = Code(rawValue: -1)
        public static let cancelled = Code(rawValue: -2)
        /// The client was closed before the answer came.
        public static let closed = Code(rawValue: -3)
    }
    public let code: Code
    /// Without user name, password and query.
    public let url: String
    /// libcurl's own words.
    public let detail: String

    public var description: String { "\(self.url): \(self.detail)" }
}
