internal import CZooKeeper

/// What the loaded library can do. Debian builds it with neither; digest authentication always works.
public struct LibraryFeatures: Hashable, Sendable, CustomStringConvertible {
    public let tls: Bool
    public let sasl: Bool

    /// Of the library that this process has loaded.
    public static var loaded: LibraryFeatures {
        LibraryFeatures(
            tls: entryPoint("zookeeper_init_ssl", czookeeper_init_ssl.self) != nil,
            sasl: entryPoint("zookeeper_init_sasl", czookeeper_init_sasl.self) != nil)
    }

    /// `libzookeeper_mt: TLS no, SASL no, digest yes`.
    public var description: String {
        "libzookeeper_mt: TLS \(self.tls ? "yes" : "no"), SASL \(self.sasl ? "yes" : "no"), digest yes"
    }

    /// For people: what the loaded library was built without.
    static func lack(_ feature: String, _ library: String) -> String {
        "the loaded libzookeeper_mt has no \(feature): it was built without \(library), as Debian's is"
    }
}
