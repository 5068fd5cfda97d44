internal import CZooKeeper
internal import Glibc

/// What the loaded library can do. Debian builds it with neither; digest authentication always works.
public struct LibraryFeatures: Hashable, Sendable, CustomStringConvertible {
    public let tls: Bool
    public let sasl: Bool

    /// Of the library that this process has loaded.
    public static var loaded: LibraryFeatures {
        LibraryFeatures(tls: isExported("zookeeper_init_ssl"), sasl: isExported("zookeeper_init_sasl"))
    }

    /// `libzookeeper_mt: TLS no, SASL no, digest yes`.
    public var description: String {
        "libzookeeper_mt: TLS \(self.tls ? "yes" : "no"), SASL \(self.sasl ? "yes" : "no"), digest yes"
    }
}

/// Whether any library of this process has this entry point.
private func isExported(_ name: String) -> Bool {
    // RTLD_DEFAULT is a null pointer, which Swift does not import as a constant.
    dlsym(nil, name) != nil
}
