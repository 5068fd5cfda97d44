internal import CZooKeeper
internal import Glibc

extension Session {
    /// What protects a session beside its ``Digest``. A library that lacks the one or the other cannot use it
    /// (``LibraryFeatures``), and none does both on one session (ZOOKEEPER-3482).
    public enum Security: Hashable, Sendable, Codable {
        case none
        case tls(TLS)
        case sasl(SASL)

        /// Whether servers are reached at ports that understand nothing in the clear.
        public var isTLS: Bool { if case .tls = self { true } else { false } }

        /// Why no session can be opened with it, for people; `nil` if nothing stands against it. Reads the files.
        public var obstacle: String? {
            switch self {
            case .none: nil
            case .tls(let files): files.obstacle
            case .sasl:
                if !LibraryFeatures.loaded.sasl {
                    LibraryFeatures.lack("SASL", "Cyrus SASL")
                } else if !CyrusSASL.isReady {
                    "Cyrus SASL cannot be started"
                } else if !CyrusSASL.mechanisms.contains("DIGEST-MD5") {
                    "Cyrus SASL has no DIGEST-MD5 here (Debian's package libsasl2-modules)"
                } else {
                    nil
                }
            }
        }
    }

    /// PEM files for TLS.
    ///
    /// The library compares no names: it believes every server whose certificate was signed by one of `authorities`, or by
    /// one that the system trusts.
    public struct TLS: Hashable, Sendable, Codable, CustomStringConvertible {
        /// The certificates of those who sign the servers' certificates.
        public let authorities: String
        /// Our own with its chain: the library wants one, whether the servers ask for it or not.
        public let certificate: String
        public let key: String
        let passphrase: String?

        /// - Parameter passphrase: of the key, if it has one.
        public init(authorities: String, certificate: String, key: String, passphrase: String?) {
            self.authorities = authorities
            self.certificate = certificate
            self.key = key
            self.passphrase = passphrase
        }

        /// Without the passphrase.
        public var description: String { "\(self.authorities), \(self.certificate), \(self.key)" }

        fileprivate var obstacle: String? {
            guard LibraryFeatures.loaded.tls else { return LibraryFeatures.lack("TLS", "OpenSSL") }
            // The library is told all of it as one list with commas.
            guard !self.words.contains(where: { $0.contains(",") }) else {
                return "neither a path nor the passphrase may have a comma"
            }
            return OpenSSL.obstacle(self, passphrase: self.passphrase ?? "")
        }

        private var words: [String] {
            [self.authorities, self.certificate, self.key] + (self.passphrase.map { $0.isEmpty ? [] : [$0] } ?? [])
        }

        /// As the library wants to be told.
        var list: String { self.words.joined(separator: ",") }
    }

    /// A user and a password for SASL's mechanism DIGEST-MD5.
    public struct SASL: Hashable, Sendable, Codable, CustomStringConvertible {
        public let user: String
        let password: String
        public init(user: String, password: String) {
            self.user = user
            self.password = password
        }
        /// Without the password.
        public var description: String { "\(self.user):***" }
    }
}

/// A function that not every build of the library, or of those it brings, has; `nil` where this process has none.
func entryPoint<Function>(_ name: String, _ type: Function.Type) -> Function? {
    // RTLD_DEFAULT is a null pointer, which Swift does not import as a constant.
    dlsym(nil, name).map { unsafeBitCast($0, to: type) }
}
