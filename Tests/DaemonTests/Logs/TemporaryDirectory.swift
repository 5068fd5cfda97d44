import Foundation

/// A folder of its own, gone with its owner.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        var template = Array("\(NSTemporaryDirectory())/healer-test-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        self.path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.path) }

    /// Writes a file and gives its path.
    @discardableResult
    func file(_ name: String, _ text: String, mode: mode_t = 0o600) -> String {
        let path = "\(self.path)/\(name)"
        precondition(FileManager.default.createFile(atPath: path, contents: Data(text.utf8)))
        precondition(chmod(path, mode) == 0)
        return path
    }

    func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: "\(self.path)/\(name)").map { String(decoding: $0, as: UTF8.self) }
    }

    func lines(_ name: String) -> [String] {
        (self.text(name) ?? "").split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    }

    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: self.path)) ?? []).sorted() }
}
