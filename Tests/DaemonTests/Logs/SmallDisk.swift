import Foundation
import Testing

/// A file system in memory of a few pages, mounted in a folder of its own: takes root. Gone with its owner.
final class SmallDisk {
    let directory = TemporaryDirectory()
    var path: String { "\(self.directory.path)/disk" }
    private var mounts = 0

    init(kilobytes: Int = 64) throws {
        try FileManager.default.createDirectory(
            atPath: "\(self.directory.path)/disk", withIntermediateDirectories: true)
        try self.mount("size=\(kilobytes)k")
    }

    deinit { for _ in 0..<self.mounts { try? Self.run("/bin/umount", ["-l", self.path]) } }

    /// From now on the folder is another file system, on which nothing can be written, whoever we are.
    func coverReadOnly() throws { try self.mount("ro") }
    func uncover() throws {
        try Self.run("/bin/umount", [self.path])
        self.mounts -= 1
    }

    private func mount(_ options: String) throws {
        try Self.run("/bin/mount", ["-t", "tmpfs", "-o", options, "healer-test", self.path])
        self.mounts += 1
    }

    /// Until not a byte more fits.
    func fill() throws {
        let file = open("\(self.path)/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        defer { close(file) }
        for size in [4096, 1] {
            let block = [UInt8](repeating: 1, count: size)
            while write(file, block, size) == size {}
        }
        #expect(errno == ENOSPC)
    }

    func empty() { unlink("\(self.path)/filler") }

    private static func run(_ program: String, _ arguments: [String]) throws {
        let process = try Process.run(URL(fileURLWithPath: program), arguments: arguments)
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "\(program) \(arguments): needs root")
    }
}
