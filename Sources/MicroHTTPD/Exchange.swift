internal import CMicroHTTPD
internal import Synchronization

/// One request and its answer, retained for C from the first call of the access handler until the library says that the
/// request is completed.
///
/// `@unchecked Sendable`: `request` is written by the library's thread only before the exchange is handed on, and
/// read afterwards; everything else is behind the lock of ``Traffic``.
final class Exchange: @unchecked Sendable {
    let connection: OpaquePointer
    private(set) var request: HTTPRequest
    /// Set before the connection is resumed.
    var response: HTTPResponse?

    init(connection: OpaquePointer, method: String, path: String) {
        self.connection = connection
        self.request = HTTPRequest(method: method, path: path)
        cmicrohttpd_headers(connection, headerField, Unmanaged.passUnretained(self).toOpaque())
        cmicrohttpd_query(connection, queryField, Unmanaged.passUnretained(self).toOpaque())
    }

    /// False, and nothing appended, if the body would exceed the limit.
    func append(_ bytes: UnsafeRawBufferPointer, limit: Int) -> Bool {
        guard self.request.body.count + bytes.count <= limit else { return false }
        self.request.body.append(contentsOf: bytes)
        return true
    }

    fileprivate func addHeader(_ field: HTTPRequest.Field) { self.request.headers.append(field) }
    fileprivate func addQuery(_ field: HTTPRequest.Field) { self.request.query.append(field) }

    var asPointer: UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }
    static func at(_ pointer: UnsafeMutableRawPointer) -> Exchange {
        Unmanaged<Exchange>.fromOpaque(pointer).takeUnretainedValue()
    }
    static func taken(from pointer: UnsafeMutableRawPointer) -> Exchange {
        Unmanaged<Exchange>.fromOpaque(pointer).takeRetainedValue()
    }
}

// These two run only inside the calls above.
private let headerField: MHD_KeyValueIterator = { context, _, name, value in
    Exchange.at(context!).addHeader(field(name, value))
    return .goOn
}
private let queryField: MHD_KeyValueIterator = { context, _, name, value in
    Exchange.at(context!).addQuery(field(name, value))
    return .goOn
}
private func field(_ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?) -> HTTPRequest.Field {
    HTTPRequest.Field(name.map { String(cString: $0) } ?? "", value.map { String(cString: $0) } ?? "")
}

extension HTTPResponse {
    /// Hands a copy of the answer to the library. Only from within the access handler.
    func queue(on connection: OpaquePointer, closing: Bool = false) -> MHD_Result {
        let response = self.body.withUnsafeBytes {
            MHD_create_response_from_buffer_copy($0.count, $0.baseAddress)
        }
        // Out of memory: the connection is closed without an answer.
        guard let response else { return .close }
        defer { MHD_destroy_response(response) }
        for field in self.headers { _ = MHD_add_response_header(response, field.name, field.value) }
        if closing { _ = MHD_add_response_header(response, "Connection", "close") }
        return MHD_queue_response(connection, UInt32(self.status), response)
    }
}

extension MHD_Result {
    // Macros of the same names hide MHD_YES and MHD_NO from Swift.
    static var goOn: MHD_Result { MHD_Result(rawValue: 1)! }
    /// Closes the connection when returned by the access handler.
    static var close: MHD_Result { MHD_Result(rawValue: 0)! }
}
