import ZooKeeper

/// Whom an ensemble knows us as, and what protects the way to it.
struct EnsembleAccess: Hashable, Sendable {
    /// Of ZooKeeper's `digest` scheme.
    var digest: Credentials?
    var security = Session.Security.none

    static let open = EnsembleAccess()

    /// A name and its password.
    struct Credentials: Hashable, Sendable {
        var user: String
        var password: Secret
    }

    /// Who may change what we create, by access list; empty: everybody who reaches the ensemble. Two while healers move from
    /// the one to the other.
    var owners: [Owner] {
        var owners = self.digest.map { [Owner(scheme: "digest", user: $0.user)] } ?? []
        if case .sasl(let sasl) = self.security { owners.append(Owner(scheme: "sasl", user: sasl.user)) }
        return owners
    }

    struct Owner: Hashable, Sendable {
        var scheme: String
        var user: String
    }
}

extension Session.Configuration {
    init(_ servers: String, _ access: EnsembleAccess) {
        self.init(servers: servers)
        self.digest = access.digest.map { .init(user: $0.user, password: $0.password.revealed) }
        self.security = access.security
    }
}

extension EnsembleAccess {
    /// - Parameter prefix: of the keys' names in this section.
    init(_ section: Section, prefix: String = "") {
        self.digest = section.optionalSection("\(prefix)digest") { Credentials($0) } ?? nil
        let files = section.optionalSection("\(prefix)tls") { Session.TLS($0) } ?? nil
        let user = section.optionalSection("\(prefix)sasl") { Credentials($0) } ?? nil
        if let files { self.security = .tls(files) }
        if let user { self.security = .sasl(.init(user: user.user, password: user.password.revealed)) }

        guard !section.reader.isDescribing else { return }
        for key in ["digest", "tls", "sasl"].map({ "\(prefix)\($0)" }) where section.isNull(key) {
            section.complain(
                Complaint("has nothing after it, which would protect nothing", "write its keys, or leave it out"), key)
        }
        if section.has("\(prefix)sasl"), section.has("\(prefix)tls") {
            section.complain(
                Complaint(
                    "stands beside `\(prefix)tls`: ZooKeeper's library does not do both (ZOOKEEPER-3482)",
                    "leave one of them out"), "\(prefix)sasl")
        } else if let obstacle = section.reader.surroundings.obstacle(self.security) {
            section.complain(
                Complaint("cannot be used: \(obstacle)", "mend that, or leave it out"),
                files == nil ? "\(prefix)sasl" : "\(prefix)tls")
        }
    }
}

extension EnsembleAccess.Credentials {
    /// `nil` when either half is missing or wrong, which is reported.
    init?(_ section: Section) {
        let user = section.required(
            "username", .text("a user name without a colon") { !$0.isEmpty && !$0.contains(":") }, standIn: "")
        guard let password = section.secret("password") else { return nil }
        self.init(user: user, password: password)
    }
}

extension Session.TLS {
    /// `nil` when a file is missing, or something is wrong, which is reported.
    fileprivate init?(_ section: Section) {
        let authorities = section.required("ca_file", .absolutePath)
        let certificate = section.required("certificate_file", .absolutePath)
        let key = section.required("key_file", .absolutePath)
        section.know("key_password")
        let isLocked = section.has("key_password")
        let passphrase = isLocked ? section.secret("key_password") : nil
        guard let authorities, let certificate, let key, isLocked == (passphrase != nil) else { return nil }
        self.init(authorities: authorities, certificate: certificate, key: key, passphrase: passphrase?.revealed)
    }
}
