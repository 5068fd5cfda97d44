/// A request with its whole body.
public struct HTTPRequest: Hashable, Sendable {
    /// `GET`, `HEAD`, …, as it was sent.
    public var method: String
    /// Percent-decoded, without the query.
    public var path: String
    /// Percent-decoded, in the order in which they were sent.
    public var query: [Field]
    public var headers: [Field]
    /// At most ``HTTPServer/Limits/bodyBytes``.
    public var body: [UInt8]

    public struct Field: Hashable, Sendable {
        public var name: String
        /// Empty where only a name was sent.
        public var value: String
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public init(method: String, path: String, query: [Field] = [], headers: [Field] = [], body: [UInt8] = []) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// The first value under this name.
    public func query(_ name: String) -> String? { self.query.first { $0.name == name }?.value }

    /// The first value under this name, in any case.
    public func header(_ name: String) -> String? {
        let name = name.lowercased()
        return self.headers.first { $0.name.lowercased() == name }?.value
    }
}

/// An answer, ready to be sent. The server adds `Date`, `Connection` and `Content-Length`, and leaves the body out when
/// it was asked by `HEAD`.
public struct HTTPResponse: Hashable, Sendable {
    public var status: Int
    public var headers: [HTTPRequest.Field]
    public var body: [UInt8]

    /// - Parameter status: from 200 to 599.
    public init(status: Int, headers: [HTTPRequest.Field] = [], body: [UInt8] = []) {
        precondition(200...599 ~= status)
        self.status = status
        self.headers = headers
        self.body = body
    }

    public init(status: Int, type: String, _ text: String) {
        self.init(status: status, headers: [HTTPRequest.Field("Content-Type", type)], body: Array(text.utf8))
    }
}
