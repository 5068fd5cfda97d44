import Glibc

/// The folder of the sockets by which ssh uses a connection again: below the run-time directory that systemd gives a
/// service, or a temporary one. Its owner's alone, since whoever reaches a socket has the connection.
final class SSHSockets: Sendable {
    let directory: String
    private let isTemporary: Bool

    /// - Parameter environment: the healer's own.
    /// - Returns: `nil` if the folder cannot be made.
    init?(environment: [String: String]) {
        // The first of them is the unit's main one (systemd.exec(5)).
        if let runtime = environment["RUNTIME_DIRECTORY"]?.split(separator: ":").first, runtime.hasPrefix("/") {
            (self.directory, self.isTemporary) = ("\(runtime)/ssh", false)
            guard mkdir(self.directory, 0o700) == 0 || errno == EEXIST else { return nil }
        } else {
            var template = Array("/tmp/kafka-healer-ssh.XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { return nil }
            self.directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            self.isTemporary = true
        }
    }

    /// Takes a temporary folder away. Connections that stand end by themselves once they are not used.
    func remove() {
        guard self.isTemporary, let folder = opendir(self.directory) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { unlink("\(self.directory)/\(name)") }
        }
        closedir(folder)
        rmdir(self.directory)
    }
}
