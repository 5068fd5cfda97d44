import ZooKeeper

/// What a ZooKeeper server says of itself (`srvr`): it tells an ensemble without quorum from one that is not there.
enum ServerWord: Hashable, Sendable {
    case serving
    /// It runs, and belongs to no quorum.
    case notServing
    /// It takes connections, and says nothing that helps: frozen, or the word is not allowed.
    case unclear
    /// No connection.
    case silent

    init(_ answer: FourLetterWord.Answer) {
        switch answer {
        case .silence: self = .silent
        case .text(let text) where text.contains("not currently serving"): self = .notServing
        case .text(let text): self = text.contains("Mode: ") ? .serving : .unclear
        }
    }

    /// All at once; in the order of the connect string.
    static func all(of connectString: String, within limit: Duration) async -> [(server: String, word: ServerWord)] {
        let servers = connectString.split(separator: ",").map { String($0) }
        return await withTaskGroup(of: (Int, ServerWord).self) { group in
            for (place, server) in servers.enumerated() {
                group.addTask { (place, ServerWord(await FourLetterWord.ask("srvr", server, within: limit))) }
            }
            var words = servers.map { ($0, ServerWord.silent) }
            for await (place, word) in group { words[place].1 = word }
            return words
        }
    }
}
