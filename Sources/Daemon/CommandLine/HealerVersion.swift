/// The version of this source.
enum HealerVersion {
    static let current = "0.1.0"
}
