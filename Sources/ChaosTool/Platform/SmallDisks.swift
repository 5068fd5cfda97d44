import Foundation

/// File systems in memory, so small that they can be filled in a moment.
struct SmallDisks: Sendable {
    /// Where they are mounted; each is there before, with what it keeps.
    let folders: [String]

    /// Room for what a server of a short run writes, and little more.
    private static let megabytes = 48
    private static let filler = "filler"

    /// Takes what is in the folders along.
    func mount() throws {
        for folder in self.folders {
            let files = FileManager.default
            let contents = try files.contentsOfDirectory(atPath: folder).reduce(into: [String: Data]()) {
                $0[$1] = files.contents(atPath: "\(folder)/\($1)")
            }
            try Tool.run("/bin/mount", ["-t", "tmpfs", "-o", "size=\(Self.megabytes)m", "healer-chaos", folder])
            for (name, data) in contents { try data.write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
        }
    }

    /// Of those that are mounted; what is in use goes when its user does.
    func unmount() {
        for folder in self.folders { try? Tool.run("/bin/umount", ["-l", folder]) }
    }

    /// Writes until nothing more fits, or takes away what was written.
    func fill(_ folder: String, _ isFull: Bool) throws {
        let path = "\(folder)/\(Self.filler)"
        guard isFull else {
            unlink(path)
            return
        }
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw SandboxError.system("cannot write \(path)") }
        defer { close(file) }
        for size in [1 << 20, 4096, 1] {
            let block = [UInt8](repeating: 1, count: size)
            // A bound of its own: on a disk that is not small this must not go on for ever.
            var rest = (Self.megabytes << 20) / size + 1
            while rest > 0, write(file, block, size) == size { rest -= 1 }
        }
        guard errno == ENOSPC else { throw SandboxError("\(folder) is not full") }
    }

    /// What a folder can be covered by, so that whoever opens something there finds another file system.
    enum Cover: Hashable, Sendable { case readOnly, full }

    static func cover(_ folder: String, _ kind: Cover) throws {
        let options = kind == .readOnly ? "ro" : "size=4k"
        try Tool.run("/bin/mount", ["-t", "tmpfs", "-o", options, "healer-chaos", folder])
        guard kind == .full else { return }
        let page = [UInt8](repeating: 1, count: 4096)
        guard FileManager.default.createFile(atPath: "\(folder)/\(Self.filler)", contents: Data(page)) else {
            throw SandboxError("\(folder) cannot be filled")
        }
    }

    static func uncover(_ folder: String) throws { try Tool.run("/bin/umount", ["-l", folder]) }
}
