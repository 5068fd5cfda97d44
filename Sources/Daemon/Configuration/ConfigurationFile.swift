import FoundationEssentials
import Glibc
import YAML

/// The file that a configuration stands in.
enum ConfigurationFile {
    /// Reads and checks the file at `path`, with what this process was started with around it.
    static func load(
        _ path: String, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(ConfigurationProblems) -> LoadedConfiguration {
        let (text, mode) = try Self.read(path)
        // Commands stand in this file: who may write it commands the healer.
        guard mode & 0o002 == 0 else {
            throw Self.problem(path, "everybody may write this file; `chmod o-w \(path)`")
        }
        let surroundings = Surroundings(
            environment: environment, hostName: Self.hostName,
            directory: URL(fileURLWithPath: path).deletingLastPathComponent().path,
            isReadableByOthers: mode & 0o044 != 0)
        return try Configuration.load(text, file: path, surroundings: surroundings)
    }

    static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
        return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func problem(_ path: String, _ message: String) -> ConfigurationProblems {
        ConfigurationProblems(problems: [ConfigurationProblem(file: path, mark: nil, message: message)])
    }

    private static func read(_ path: String) throws(ConfigurationProblems) -> ([UInt8], mode_t) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw Self.problem(path, "the file cannot be read: \(String(cString: strerror(errno))); name one that can")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
            throw Self.problem(path, "this is a folder; name the file")
        }
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        // One byte more than is allowed, so that the parser can say so.
        while text.count <= YAMLDocument.Limits().bytes {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else {
                throw Self.problem(path, "the file cannot be read: \(String(cString: strerror(errno))); check the disk")
            }
            if count == 0 { break }
            text += buffer[..<count]
        }
        return (text, status.st_mode)
    }
}
