import FoundationEssentials
import Glibc

/// A file that holds one secret and nothing else.
enum SecretFile {
    static let maximumSize = 64 << 10

    /// The text without the line end after it. Only its owner may be able to read the file, and the owner must be this
    /// process's user or root.
    static func read(_ path: String) throws(Complaint) -> Secret {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw Complaint(
                "names the secret file \(path), which cannot be read: \(String(cString: strerror(errno)))",
                "create it with `install -m 600`, owned by the user that runs the healer")
        }
        defer { close(descriptor) }
        var status = stat()
        // Asked of the open file, so that what is checked is what is read.
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw Complaint("names \(path), which is not a file", "name a file that holds the secret alone")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw Complaint(
                "names \(path), which others than its owner may use (mode \(String(status.st_mode & 0o777, radix: 8)))",
                "`chmod 600 \(path)`")
        }
        guard status.st_uid == geteuid() || status.st_uid == 0 else {
            throw Complaint(
                "names \(path), which belongs to user \(status.st_uid)", "`chown \(geteuid()) \(path)`")
        }
        var bytes = [UInt8](repeating: 0, count: Self.maximumSize + 1)
        var count = 0
        while count < bytes.count {
            let got = bytes[count...].withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else {
                throw Complaint(
                    "names \(path), which cannot be read: \(String(cString: strerror(errno)))", "check the disk")
            }
            if got == 0 { break }
            count += got
        }
        guard count <= Self.maximumSize else {
            throw Complaint("names \(path), which is longer than \(Self.maximumSize) bytes", "keep one secret in it")
        }
        guard var text = String(validating: bytes[..<count], as: UTF8.self) else {
            throw Complaint("names \(path), which is not UTF-8", "save the secret as text")
        }
        if text.hasSuffix("\r\n") || text.hasSuffix("\n") { text.removeLast() }
        guard !text.isEmpty else { throw Complaint("names \(path), which is empty", "put the secret in it") }
        guard !text.contains(where: \.isNewline) else {
            throw Complaint("names \(path), which has more than one line", "keep the secret alone on one line")
        }
        return Secret(text)
    }
}
