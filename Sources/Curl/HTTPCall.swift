/// What is asked of a server, and by which way it is reached.
public struct HTTPCall: Hashable, Sendable {
    public enum Method: Hashable, Sendable { case get, post, patch }

    public struct Field: Hashable, Sendable {
        public var name: String
        public var value: String
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Files in PEM form. The server's certificate and its name are verified in any case.
    public struct TLS: Hashable, Sendable {
        /// Whose signatures are trusted; `nil` takes the system's list.
        public var authorities: String?
        /// What we show of ourselves; `nil` shows nothing.
        public var certificate: String?
        /// Belongs to ``certificate``; without a pass phrase.
        public var key: String?
        public init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
            self.authorities = authorities
            self.certificate = certificate
            self.key = key
        }
    }

    public var method: Method
    /// `http` or `https`.
    public var url: String
    /// The socket's path; the URL's host is then only a name in the request.
    public var unixSocket: String?
    public var headers: [Field]
    /// Of ``Method/post`` and ``Method/patch`` only.
    public var body: [UInt8]
    /// `nil` takes the system's list of authorities and shows nothing.
    public var tls: TLS?

    public init(
        _ method: Method, _ url: String, unixSocket: String? = nil, headers: [Field] = [], body: [UInt8] = [],
        tls: TLS? = nil
    ) {
        self.method = method
        self.url = url
        self.unixSocket = unixSocket
        self.headers = headers
        self.body = body
        self.tls = tls
    }
}
