import Foundation

/// The end of a file that somebody else is writing.
enum LogTail {
    /// Enough for some thousand lines.
    private static let limit = 1 << 20

    static func size(of path: String) -> UInt64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? UInt64) ?? 0
    }

    /// From that byte to the end, at most 1 MiB of it.
    static func text(of path: String, from offset: UInt64) -> String {
        guard let file = FileHandle(forReadingAtPath: path) else { return "" }
        defer { try? file.close() }
        guard (try? file.seek(toOffset: offset)) != nil, let data = try? file.read(upToCount: self.limit) else {
            return ""
        }
        return String(decoding: data, as: UTF8.self)
    }

    /// The last lines, as far as they lie within the last 1 MiB; `nil` if the file is empty or not there.
    static func lines(_ count: Int, of path: String) -> String? {
        let size = self.size(of: path)
        let text = self.text(of: path, from: size > UInt64(self.limit) ? size - UInt64(self.limit) : 0)
        if text.isEmpty { return nil }
        return text.split(separator: "\n", omittingEmptySubsequences: true).suffix(count).joined(separator: "\n")
    }
}
