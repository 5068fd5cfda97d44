internal import Glibc

/// The OpenSSL that the library brings where it was built with it.
enum OpenSSL {
    /// Why the files cannot be used, for people; `nil` if they can. The library itself learns it only once it has a
    /// connection, and then tries again without any pause, for ever.
    static func obstacle(_ files: Session.TLS, passphrase: String) -> String? {
        typealias Pointer = OpaquePointer?
        guard let method = entryPoint("TLS_client_method", (@convention(c) () -> Pointer).self),
            let new = entryPoint("SSL_CTX_new", (@convention(c) (Pointer) -> Pointer).self),
            let free = entryPoint("SSL_CTX_free", (@convention(c) (Pointer) -> Void).self),
            let trust = entryPoint(
                "SSL_CTX_load_verify_locations",
                (@convention(c) (Pointer, UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> Int32).self),
            let show = entryPoint(
                "SSL_CTX_use_certificate_chain_file", (@convention(c) (Pointer, UnsafePointer<CChar>?) -> Int32).self),
            let unlock = entryPoint(
                "SSL_CTX_set_default_passwd_cb_userdata",
                (@convention(c) (Pointer, UnsafePointer<CChar>?) -> Void).self),
            let prove = entryPoint(
                "SSL_CTX_use_PrivateKey_file",
                (@convention(c) (Pointer, UnsafePointer<CChar>?, Int32) -> Int32).self),
            let match = entryPoint("SSL_CTX_check_private_key", (@convention(c) (Pointer) -> Int32).self),
            let context = new(method())
        else { return "OpenSSL cannot be found in this process" }
        defer { free(context) }
        func refused(_ path: String) -> String { "\(path): \(Self.lastError ?? "not a file that OpenSSL can use")" }
        _ = self.lastError
        if trust(context, files.authorities, nil) != 1 { return refused(files.authorities) }
        if show(context, files.certificate) != 1 { return refused(files.certificate) }
        return passphrase.withCString { passphrase in
            // Without one it would ask at the terminal.
            unlock(context, passphrase)
            if prove(context, files.key, Self.pem) != 1 { return refused(files.key) }
            if match(context) != 1 { return "\(files.key): not the key of \(files.certificate)" }
            return nil
        }
    }

    /// What went wrong first on this thread since this was asked last.
    static var lastError: String? {
        guard let peek = entryPoint("ERR_peek_error", (@convention(c) () -> UInt).self),
            let reason = entryPoint(
                "ERR_reason_error_string", (@convention(c) (UInt) -> UnsafePointer<CChar>?).self),
            let forget = entryPoint("ERR_clear_error", (@convention(c) () -> Void).self)
        else { return nil }
        defer { forget() }
        let error = peek()
        // An error of the system has no words of OpenSSL's: its lowest 31 bits are `errno`.
        if error & Self.system != 0 { return String(cString: strerror(Int32(error & (Self.system - 1)))) }
        return error == 0 ? nil : reason(error).map { String(cString: $0) }
    }

    private static let pem: Int32 = 1
    private static let system: UInt = 1 << 31
}
