/// An HTTP client. Follows no redirect, uses no proxy, keeps connections open between requests.
///
/// To be closed: it has a thread until then.
public final class HTTPClient: Sendable {
    private let transfers = Transfers()

    public init() {}

    deinit { assert(self.transfers.isClosed, "an HTTPClient is closed before it is let go") }

    /// - Parameters:
    ///   - url: `http` or `https`.
    ///   - timeout: for the whole request, from the name's resolution to the last byte.
    ///   - limit: the largest body that is taken, in bytes.
    public func get(_ url: String, timeout: Duration, limit: Int = 16 << 20) async throws(CurlError) -> HTTPAnswer {
        try await self.send(HTTPCall(.get, url), timeout: timeout, limit: limit)
    }

    /// Sends it once. Unless the connection was refused, a ``CurlError`` does not tell whether it arrived.
    /// - Parameters:
    ///   - timeout: for the whole request, from the name's resolution to the last byte.
    ///   - limit: the largest body that is taken, in bytes.
    public func send(
        _ call: HTTPCall, timeout: Duration, limit: Int = 16 << 20
    ) async throws(CurlError) -> HTTPAnswer {
        let box = TransferBox()
        return try await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let transfer = Transfer(call, timeout: timeout, limit: limit) { continuation.resume(returning: $0) }
                box.put(transfer)
                self.transfers.start(transfer)
                // Cancelled before there was anything to cancel.
                if Task.isCancelled { self.transfers.cancel(transfer) }
            }
        } onCancel: {
            if let transfer = box.transfer { self.transfers.cancel(transfer) }
        }.get()
    }

    /// Requests under way fail with ``CurlError/Code/closed``. May be called again.
    public func close() async { await self.transfers.close() }

    /// Lends a client, and closes it however the body ends.
    public static func during<Result>(
        _ body: (HTTPClient) async throws -> Result
    ) async rethrows -> Result {
        let client = HTTPClient()
        do {
            let result = try await body(client)
            await client.close()
            return result
        } catch {
            await client.close()
            throw error
        }
    }
}

/// What a server answered.
public struct HTTPAnswer: Hashable, Sendable {
    public var status: Int
    public var body: [UInt8]
    /// The header `Date`: the server's clock, in seconds since 1970. `nil` without one.
    public var date: Int64?
    /// The header `Retry-After`, in seconds. `nil` without one, or where it is a date.
    public var retryAfter: Int?
    public init(status: Int, body: [UInt8], date: Int64? = nil, retryAfter: Int? = nil) {
        self.status = status
        self.body = body
        self.date = date
        self.retryAfter = retryAfter
    }
}
