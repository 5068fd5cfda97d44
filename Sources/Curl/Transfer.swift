internal import CCurl

/// One request under way: an easy handle, and what came in so far.
///
/// `@unchecked Sendable`: made by the caller, then touched by the thread of ``Transfers`` only, handed over under its
/// lock.
final class Transfer: @unchecked Sendable {
    typealias Outcome = Result<HTTPAnswer, CurlError>

    let easy: UnsafeMutableRawPointer
    private let url: String
    private let limit: Int
    private var body: [UInt8] = []
    private var overflowed = false
    private let errorText: UnsafeMutablePointer<CChar>
    private var headers: UnsafeMutablePointer<curl_slist>?
    private let complete: @Sendable (Outcome) -> Void

    /// - Parameter complete: called once, on any thread.
    init(_ call: HTTPCall, timeout: Duration, limit: Int, complete: @escaping @Sendable (Outcome) -> Void) {
        self.url = call.url
        self.limit = limit
        self.complete = complete
        self.easy = curl_easy_init()!  // Fails only for want of memory.
        self.errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        self.errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        let (seconds, attoseconds) = timeout.components
        let milliseconds = max(1, Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_string(self.easy, CURLOPT_URL, call.url)
        ccurl_set_string(self.easy, CURLOPT_PROTOCOLS_STR, "http,https")
        // Healers are asked directly, whatever the environment says.
        ccurl_set_string(self.easy, CURLOPT_NOPROXY, "*")
        ccurl_set_string(self.easy, CURLOPT_USERAGENT, "kafka-healer")
        ccurl_set_long(self.easy, CURLOPT_TIMEOUT_MS, milliseconds)
        ccurl_set_long(self.easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_pointer(self.easy, CURLOPT_ERRORBUFFER, self.errorText)
        ccurl_set_write(self.easy, writeCallback, context)
        if let path = call.unixSocket { ccurl_set_string(self.easy, CURLOPT_UNIX_SOCKET_PATH, path) }
        if let tls = call.tls { self.set(tls) }
        for field in call.headers { self.headers = curl_slist_append(self.headers, "\(field.name): \(field.value)") }
        if let headers = self.headers { ccurl_set_pointer(self.easy, CURLOPT_HTTPHEADER, headers) }
        if call.method != .get {
            // The size comes first: the library then copies that many bytes, NULs included.
            ccurl_set_long(self.easy, CURLOPT_POSTFIELDSIZE, call.body.count)
            call.body.withUnsafeBytes { bytes in
                var none: UInt8 = 0
                withUnsafeMutablePointer(to: &none) {
                    let start = bytes.baseAddress.map { UnsafeMutableRawPointer(mutating: $0) } ?? .init($0)
                    ccurl_set_pointer(self.easy, CURLOPT_COPYPOSTFIELDS, start)
                }
            }
            if call.method == .patch { ccurl_set_string(self.easy, CURLOPT_CUSTOMREQUEST, "PATCH") }
        }
    }

    /// The other side is always verified: there is no way to say otherwise.
    private func set(_ tls: HTTPCall.TLS) {
        if let path = tls.authorities {
            ccurl_set_string(self.easy, CURLOPT_CAINFO, path)
            // Otherwise the system's folder of authorities is trusted as well.
            ccurl_set_pointer(self.easy, CURLOPT_CAPATH, nil)
        }
        if let path = tls.certificate { ccurl_set_string(self.easy, CURLOPT_SSLCERT, path) }
        if let path = tls.key { ccurl_set_string(self.easy, CURLOPT_SSLKEY, path) }
    }

    deinit {
        curl_easy_cleanup(self.easy)
        curl_slist_free_all(self.headers)
        self.errorText.deallocate()
    }

    /// Ends it by what the library says.
    func finish(_ code: CURLcode) {
        guard code != CURLE_OK else {
            var status = 0
            ccurl_get_long(self.easy, CURLINFO_RESPONSE_CODE, &status)
            return self.complete(
                .success(
                    HTTPAnswer(status: status, body: self.body, date: self.date, retryAfter: self.retryAfter)))
        }
        if self.overflowed { return self.fail(.tooLarge, "the answer is larger than \(self.limit) bytes") }
        let text = String(cString: self.errorText)
        self.fail(
            CurlError.Code(rawValue: Int32(code.rawValue)),
            text.isEmpty ? String(cString: curl_easy_strerror(code)) : text)
    }

    private var date: Int64? {
        let seconds = self.header("Date").map { curl_getdate($0, nil) } ?? -1
        return seconds < 0 ? nil : Int64(seconds)
    }

    /// In seconds; the form with a date is not read.
    private var retryAfter: Int? {
        self.header("Retry-After").flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }

    private func header(_ name: String) -> String? {
        var header: UnsafeMutablePointer<curl_header>?
        guard curl_easy_header(self.easy, name, 0, UInt32(CURLH_HEADER), -1, &header) == CURLHE_OK, let header else {
            return nil
        }
        return String(cString: header.pointee.value)
    }

    /// Ends it for a reason of our own.
    func fail(_ code: CurlError.Code, _ detail: String) {
        self.complete(.failure(CurlError(code: code, url: Self.shown(self.url), detail: detail)))
    }

    /// Returns how many bytes were taken: fewer than there were stops the transfer.
    fileprivate func append(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard self.body.count + bytes.count <= self.limit else {
            self.overflowed = true
            return 0
        }
        self.body.append(contentsOf: bytes)
        return bytes.count
    }

    /// A URL as it may stand in an error: no credentials, no query.
    static func shown(_ url: String) -> String {
        let plain = url.prefix { $0 != "?" && $0 != "#" }
        guard let scheme = plain.firstRange(of: "://") else { return String(plain) }
        let rest = plain[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@") else { return String(plain) }
        return String(plain[..<scheme.upperBound] + rest[rest.index(after: at)...])
    }
}

/// Called only while the thread of ``Transfers``, which holds the transfer, is inside the library.
private let writeCallback: ccurl_write = { bytes, size, count, context in
    Unmanaged<Transfer>.fromOpaque(context!).takeUnretainedValue()
        .append(UnsafeRawBufferPointer(start: bytes, count: size * count))
}
