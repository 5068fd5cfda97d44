import ZooKeeper

/// Whom the ensemble is to know this tool as, and what protects the way to it. It stands in the environment, as command lines
/// are there for everybody to see.
struct EnsembleAccess {
    let digest: Session.Digest?
    let security: Session.Security

    static let hint =
        "HEALER_ZOOKEEPER_TLS is CA,CERTIFICATE,KEY, three PEM files; HEALER_ZOOKEEPER_SASL is user:password. "
        + "`scripts/zookeeper-library` in a checkout makes a library that has both; what reads can ask a healer: "
        + "--healer HOST:PORT."

    init(_ environment: [String: String]) throws(ToolFailure) {
        self.digest = try Self.login("HEALER_ZOOKEEPER_AUTH", environment).map {
            Session.Digest(user: $0, password: $1)
        }
        let sasl = try Self.login("HEALER_ZOOKEEPER_SASL", environment).map { Session.SASL(user: $0, password: $1) }
        let tls = try Self.files(environment)
        switch (tls, sasl) {
        case (nil, nil): self.security = .none
        case (let tls?, nil): self.security = .tls(tls)
        case (nil, let sasl?): self.security = .sasl(sasl)
        case (_?, _?):
            throw ToolFailure(
                "HEALER_ZOOKEEPER_TLS and HEALER_ZOOKEEPER_SASL are both set, and ZooKeeper's library does not do both",
                hint: "Unset one of them.")
        }
    }

    private static func files(_ environment: [String: String]) throws(ToolFailure) -> Session.TLS? {
        guard let text = environment["HEALER_ZOOKEEPER_TLS"], !text.isEmpty else { return nil }
        let paths = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard paths.count == 3, !paths.contains("") else {
            throw ToolFailure("HEALER_ZOOKEEPER_TLS does not name three files", hint: "Set it to CA,CERTIFICATE,KEY.")
        }
        return Session.TLS(
            authorities: paths[0], certificate: paths[1], key: paths[2],
            passphrase: environment["HEALER_ZOOKEEPER_KEY_PASSWORD"])
    }

    private static func login(
        _ name: String, _ environment: [String: String]
    ) throws(ToolFailure) -> (user: String, password: String)? {
        guard let text = environment[name], !text.isEmpty else { return nil }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty else {
            throw ToolFailure("\(name) has no colon", hint: "Set it to user:password.")
        }
        return (String(parts[0]), String(parts[1]))
    }
}
