/// The version of this source, which all its programs have.
public enum HealerVersion {
    public static let current = "0.1.0"
}
