/// Rows of cells under headings, aligned, without spaces at the ends of lines.
public struct Table: Hashable, Sendable {
    public struct Cell: Hashable, Sendable, ExpressibleByStringInterpolation {
        public var text: String
        public var tone: Tone
        public init(_ text: String, _ tone: Tone = .plain) {
            // One cell is one line, whatever is in it.
            self.text = text.contains { $0.isNewline } ? text.split { $0.isNewline }.joined(separator: " ") : text
            self.tone = tone
        }
        public init(stringLiteral text: String) { self.init(text) }
    }

    /// What a colour may add on a terminal; the words say it all without.
    public enum Tone: Hashable, Sendable {
        case plain, good, doubtful, bad, heading

        /// The terminal's code (ECMA-48, Select Graphic Rendition).
        fileprivate var code: String? {
            switch self {
            case .plain: nil
            case .good: "32"
            case .doubtful: "33"
            case .bad: "31"
            case .heading: "1"
            }
        }

        public func paint(_ text: String, colours: Bool) -> String {
            guard colours, let code = self.code, !text.isEmpty else { return text }
            return "\u{1B}[\(code)m\(text)\u{1B}[0m"
        }
    }

    public enum Alignment: Hashable, Sendable {
        case left, right
    }

    public struct Column: Hashable, Sendable, ExpressibleByStringLiteral {
        public var heading: String
        public var alignment: Alignment
        public init(_ heading: String, _ alignment: Alignment = .left) {
            self.heading = heading
            self.alignment = alignment
        }
        public init(stringLiteral heading: String) { self.init(heading) }
    }

    public var columns: [Column]
    /// Each as long as ``columns``.
    public private(set) var rows: [[Cell]] = []

    public init(_ columns: [Column]) { self.columns = columns }

    public mutating func add(_ row: [Cell]) {
        precondition(row.count == self.columns.count)
        self.rows.append(row)
    }

    /// With an end of line after each; empty if there are no rows.
    /// - Parameter indent: spaces before each line.
    public func text(colours: Bool, indent: Int = 0) -> String {
        guard !self.rows.isEmpty else { return "" }
        let headings = self.columns.map { Cell($0.heading, .heading) }
        let lines = [headings] + self.rows
        let widths = self.columns.indices.map { column in lines.map { $0[column].text.count }.max()! }
        return lines.map { line in
            // Nothing is padded after the last cell that has text.
            let last = line.lastIndex { !$0.text.isEmpty } ?? 0
            let cells = line[...last].enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.text.count)
                let painted = cell.tone.paint(cell.text, colours: colours)
                return switch self.columns[column].alignment {
                case .right: space + painted
                case .left: column == last ? painted : painted + space
                }
            }
            return String(repeating: " ", count: indent) + cells.joined(separator: "  ") + "\n"
        }.joined()
    }
}
