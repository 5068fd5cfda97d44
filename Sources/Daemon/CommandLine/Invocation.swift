/// What `healer` was asked to do.
enum Invocation: Hashable, Sendable {
    /// Watch and heal until stopped. With `dryRun` nothing in the world is changed, whatever the file allows.
    case run(configuration: String, dryRun: Bool)
    /// Check the configuration; with `print`, show what is in effect and where each value comes from.
    case validate(configuration: String, print: Bool)
    /// One cycle of looking, a report, and out. Nothing is changed.
    case test(configuration: String)
    case help
    case version
}
