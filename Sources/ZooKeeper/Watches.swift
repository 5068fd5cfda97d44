/// The watches that a session has set, and nobody has been told of yet.
///
/// The library keeps one registration per path and kind, always with the same function and context, so that reading again
/// after every reconnect adds nothing to it; who is to be called stands here.
struct Watches {
    enum Kind: Hashable, Sendable { case data, children }

    private struct Key: Hashable {
        let path: String
        let kind: Kind
    }
    private var table: [Key: [Watch]] = [:]

    mutating func add(_ watch: @escaping Watch, _ path: String, _ kind: Kind) {
        self.table[Key(path: path, kind: kind), default: []].append(watch)
    }

    /// Takes out whom an event concerns.
    mutating func take(_ event: WatchEvent, _ path: String) -> [Watch] {
        let kinds: [Kind] =
            switch event {
            case .created, .dataChanged: [.data]
            case .childrenChanged: [.children]
            case .deleted, .disturbed: [.data, .children]
            }
        return kinds.flatMap { self.table.removeValue(forKey: Key(path: path, kind: $0)) ?? [] }
    }

    mutating func takeAll() -> [Watch] {
        defer { self.table = [:] }
        return self.table.values.flatMap { $0 }
    }
}
