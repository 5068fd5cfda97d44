internal import CYAML

/// What libyaml reports while it reads, copied into Swift values.
enum Event {
    case documentStart
    case end
    case alias(String)
    case scalar(Scalar, anchor: String?, tag: String?)
    case sequenceStart(anchor: String?, tag: String?)
    case sequenceEnd
    case mappingStart(anchor: String?, tag: String?)
    case mappingEnd
}

/// libyaml's parser over a text in memory. The text must outlive it.
///
/// A `yaml_parser_t` points into itself, so it is allocated and keeps one address.
final class EventParser {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeBufferPointer<UInt8>

    init(_ text: UnsafeBufferPointer<UInt8>) {
        self.text = text
        self.parser = .allocate(capacity: 1)
        // It fails for want of memory only, which ends a Swift program anyway.
        precondition(yaml_parser_initialize(self.parser) == 1)
        yaml_parser_set_input_string(self.parser, text.baseAddress, text.count)
    }

    deinit {
        yaml_parser_delete(self.parser)
        self.parser.deallocate()
    }

    /// The next event and where it begins. Stream starts and document ends are passed over.
    func next() throws(YAMLError) -> (Event, Mark) {
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(self.parser, &event) == 1 else { throw self.error }
            defer { yaml_event_delete(&event) }
            let mark = Mark(event.start_mark)
            switch event.type {
            case YAML_DOCUMENT_START_EVENT: return (.documentStart, mark)
            case YAML_STREAM_END_EVENT: return (.end, mark)
            case YAML_ALIAS_EVENT: return (.alias(string(event.data.alias.anchor) ?? ""), mark)
            case YAML_SCALAR_EVENT:
                let scalar = event.data.scalar
                // A scalar may hold NUL, so its length counts, not its end.
                let text = String(
                    decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
                return (
                    .scalar(
                        Scalar(text: text, isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE),
                        anchor: string(scalar.anchor), tag: string(scalar.tag)),
                    mark
                )
            case YAML_SEQUENCE_START_EVENT:
                let start = event.data.sequence_start
                return (.sequenceStart(anchor: string(start.anchor), tag: string(start.tag)), mark)
            case YAML_SEQUENCE_END_EVENT: return (.sequenceEnd, mark)
            case YAML_MAPPING_START_EVENT:
                let start = event.data.mapping_start
                return (.mappingStart(anchor: string(start.anchor), tag: string(start.tag)), mark)
            case YAML_MAPPING_END_EVENT: return (.mappingEnd, mark)
            default: continue
            }
        }
    }

    private var error: YAMLError {
        let parser = self.parser.pointee
        if parser.error == YAML_READER_ERROR {
            // The reader knows an offset in bytes only.
            return YAMLError(.notUTF8, at: self.mark(at: Int(parser.problem_offset)))
        }
        let mark = Mark(parser.problem_mark)
        let index = Int(parser.problem_mark.index)
        if index < self.text.count, self.text[index] == UInt8(ascii: "\t") { return YAMLError(.tab, at: mark) }
        let problem = parser.problem.map { String(cString: $0) } ?? "it cannot be read"
        let context = parser.context.map {
            " \(String(cString: $0)) that began in line \(parser.context_mark.line + 1)"
        }
        return YAMLError(.syntax(problem + (context ?? "")), at: mark)
    }

    private func mark(at offset: Int) -> Mark {
        let before = self.text.prefix(offset)
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        return Mark(line: line, column: String(decoding: before[lineStart...], as: UTF8.self).count + 1)
    }
}

/// Copies what C owns.
private func string(_ text: UnsafeMutablePointer<yaml_char_t>?) -> String? { text.map { String(cString: $0) } }

extension Mark {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }
}
