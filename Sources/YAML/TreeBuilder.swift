/// Builds the tree from events. Goes on after errors that leave the events in order, so that all are found at once.
struct TreeBuilder {
    private let events: EventParser
    private let limits: YAMLDocument.Limits
    private var errors: [YAMLError] = []
    private var anchors: [String: Built] = [:]
    /// Anchors of values that are still being built.
    private var open: Set<String> = []
    private var nodes = 0

    /// A value with what it takes, since an alias takes it again.
    private struct Built {
        let node: YAMLNode
        var size = 1
        /// Levels, itself included.
        var height = 1
    }

    init(events: EventParser, limits: YAMLDocument.Limits) {
        self.events = events
        self.limits = limits
    }

    mutating func build() -> (YAMLNode?, [YAMLError]) {
        var root: YAMLNode?
        do throws(YAMLError) {
            if case (.documentStart, _) = try self.events.next() {
                root = try self.value(self.events.next(), level: 1).node
                let (event, mark) = try self.events.next()
                if case .documentStart = event { throw YAMLError(.secondDocument, at: mark) }
            }
        } catch {
            self.errors.append(error)
        }
        if root?.scalar?.isNull == true { root = nil }
        return (root, self.errors.sorted { $0.mark < $1.mark })
    }

    private mutating func value(_ next: (Event, Mark), level: Int) throws(YAMLError) -> Built {
        let (event, mark) = next
        guard level <= self.limits.levels else { throw YAMLError(.tooDeep(levels: self.limits.levels), at: mark) }
        switch event {
        case .alias(let name): return try self.alias(name, mark, level: level)
        case .scalar(let scalar, let anchor, let tag):
            try self.count(1, mark)
            var scalar = scalar
            if tag == "tag:yaml.org,2002:str" || tag == "!" {
                scalar = Scalar(text: scalar.text, isPlain: false)
            } else if let tag {
                self.errors.append(YAMLError(.tag(tag), at: mark))
            }
            return self.close(anchor, Built(node: YAMLNode(mark: mark, content: .scalar(scalar))))
        case .sequenceStart(let anchor, let tag):
            try self.begin(anchor, tag, mark)
            return self.close(anchor, try self.sequence(mark, level: level))
        case .mappingStart(let anchor, let tag):
            try self.begin(anchor, tag, mark)
            return self.close(anchor, try self.mapping(mark, level: level))
        case .documentStart, .end, .sequenceEnd, .mappingEnd:
            preconditionFailure("libyaml's events are well nested")
        }
    }

    private mutating func sequence(_ mark: Mark, level: Int) throws(YAMLError) -> Built {
        var items: [YAMLNode] = []
        var (size, height) = (1, 1)
        while true {
            let next = try self.events.next()
            if case .sequenceEnd = next.0 { break }
            let item = try self.value(next, level: level + 1)
            items.append(item.node)
            size += item.size
            height = max(height, item.height + 1)
        }
        return Built(node: YAMLNode(mark: mark, content: .sequence(items)), size: size, height: height)
    }

    private mutating func mapping(_ mark: Mark, level: Int) throws(YAMLError) -> Built {
        var entries: [YAMLNode.Entry] = []
        var places: [String: Mark] = [:]
        var (size, height) = (1, 1)
        while true {
            let next = try self.events.next()
            if case .mappingEnd = next.0 { break }
            let key = try self.value(next, level: level + 1)
            let value = try self.value(self.events.next(), level: level + 1)
            size += key.size + value.size
            height = max(height, key.height + 1, value.height + 1)
            // The place of the key in the text, also where the key is an alias.
            let place = next.1
            guard let name = key.node.scalar else {
                self.errors.append(YAMLError(.keyIsNotText, at: place))
                continue
            }
            if name.text == "<<", name.isPlain {
                self.errors.append(YAMLError(.mergeKey, at: place))
            } else if let first = places[name.text] {
                self.errors.append(YAMLError(.duplicateKey(name.text, first: first), at: place))
            } else {
                places[name.text] = place
                entries.append(YAMLNode.Entry(key: name.text, keyMark: place, value: value.node))
            }
        }
        return Built(node: YAMLNode(mark: mark, content: .mapping(entries)), size: size, height: height)
    }

    private mutating func alias(_ name: String, _ mark: Mark, level: Int) throws(YAMLError) -> Built {
        if self.open.contains(name) { throw YAMLError(.aliasWithinItself(name), at: mark) }
        guard let built = self.anchors[name] else {
            self.errors.append(YAMLError(.unknownAlias(name), at: mark))
            return Built(node: YAMLNode(mark: mark, content: .scalar(Scalar(text: "", isPlain: true))))
        }
        guard level + built.height - 1 <= self.limits.levels else {
            throw YAMLError(.tooDeep(levels: self.limits.levels), at: mark)
        }
        try self.count(built.size, mark)
        return built
    }

    private mutating func begin(_ anchor: String?, _ tag: String?, _ mark: Mark) throws(YAMLError) {
        try self.count(1, mark)
        if let tag, tag != "tag:yaml.org,2002:map", tag != "tag:yaml.org,2002:seq" {
            self.errors.append(YAMLError(.tag(tag), at: mark))
        }
        if let anchor { self.open.insert(anchor) }
    }

    private mutating func close(_ anchor: String?, _ built: Built) -> Built {
        if let anchor {
            self.open.remove(anchor)
            self.anchors[anchor] = built
        }
        return built
    }

    private mutating func count(_ more: Int, _ mark: Mark) throws(YAMLError) {
        self.nodes += more
        guard self.nodes <= self.limits.nodes else {
            throw YAMLError(.tooManyNodes(count: self.limits.nodes), at: mark)
        }
    }
}
