internal import CZooKeeper

/// The SASL library that ZooKeeper's was built with, if it was.
public enum CyrusSASL {
    /// Makes it safe for several sessions at once: out of the box its locks lock nothing, and all DIGEST-MD5 clients of a
    /// process share one cache. It takes locks until somebody has begun to use it, as librdkafka may: to be called before
    /// anything else, in every program that opens sessions. May be called again.
    public static func prepare() { _ = Self.prepared }

    private static let prepared: Void = {
        entryPoint("sasl_set_mutex", czookeeper_sasl_set_mutex.self)?(
            czookeeper_mutex_make, czookeeper_mutex_lock, czookeeper_mutex_unlock, czookeeper_mutex_free)
    }()

    /// Whether it is there and has been told to begin, which it has to be once.
    static let isReady: Bool = {
        Self.prepare()
        return entryPoint("sasl_client_init", czookeeper_sasl_client_init.self).map { $0(nil) == 0 } ?? false
    }()

    /// By its modules, such as `DIGEST-MD5`.
    static var mechanisms: [String] {
        guard var next = entryPoint("sasl_global_listmech", czookeeper_sasl_mechanisms.self)?() else { return [] }
        var names: [String] = []
        while let name = next.pointee {
            names.append(String(cString: name))
            next += 1
        }
        return names
    }
}
