/// What people were told: the pages in a healer's own log, which is where they go until there is somebody to send them to.
struct HeardPage: Hashable, Sendable, Codable {
    let healer: String
    /// `-` for what has no number yet.
    let incident: String
    /// As it was said.
    let reason: String

    /// Those of one `application.log`.
    static func all(in log: String, of healer: String) -> [HeardPage] {
        log.split(separator: "\n").compactMap { line in
            guard let start = line.range(of: " ERROR page ")?.upperBound else { return nil }
            let fields = line[start...]
            guard let incident = fields.firstMatch(of: /(?:^| )incident\.id=(\S+)/)?.output.1,
                let reason = fields.firstMatch(of: /(?:^| )page\.reason=("[^"]*"|\S+)/)?.output.1
            else { return nil }
            return HeardPage(healer: healer, incident: String(incident), reason: String(reason))
        }
    }
}
