import Glibc

/// Where the kubelet puts what a pod needs to speak to the API server.
public struct ServiceAccount: Hashable, Sendable, Codable {
    /// The kubelet writes a new token there before the old one expires, so it is read for every request.
    public var tokenFile: String
    /// PEM. The authority that signed the API server's certificate; `nil` takes the system's list.
    public var authorityFile: String?

    public static let folder = "/var/run/secrets/kubernetes.io/serviceaccount"
    public static let standardTokenFile = "\(folder)/token"
    public static let standardAuthorityFile = "\(folder)/ca.crt"

    public init(tokenFile: String = Self.standardTokenFile, authorityFile: String? = Self.standardAuthorityFile) {
        self.tokenFile = tokenFile
        self.authorityFile = authorityFile
    }

    /// The namespace that this process's own pod is in; `nil` outside of a pod.
    public static func ownNamespace() -> ObjectName? {
        (try? Self.line(of: "\(Self.folder)/namespace")).flatMap { ObjectName($0) }
    }

    func token() throws(APIFailure) -> String {
        let text = try Self.line(of: self.tokenFile)
        // It goes into a header as it is.
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else {
            throw APIFailure(.noToken, "\(self.tokenFile) holds no token")
        }
        return text
    }

    private static let longest = 64 << 10

    private static func line(of path: String) throws(APIFailure) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw APIFailure(.noToken, "\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.longest)
        let count = read(descriptor, &bytes, bytes.count)
        guard count >= 0 else {
            throw APIFailure(.noToken, "\(path) cannot be read: \(String(cString: strerror(errno)))")
        }
        var text = String(decoding: bytes[..<count], as: UTF8.self)
        while text.last?.isNewline == true { text.removeLast() }
        return text
    }
}
