import Cluster
import Foundation

/// A real cluster of local processes on loopback, with a folder each, to be hurt on purpose.
///
/// Its whole state stands in its directory, so any number of programs may hold one at once.
struct Sandbox: Sendable {
    /// Absolute.
    let directory: String
    let description: SandboxDescription

    var id: String { self.description.id }
    var requestLog: RequestLog { RequestLog(directory: self.directory) }

    /// - Throws: ``SandboxError`` if there is none in that directory.
    static func open(_ directory: String) throws -> Sandbox {
        let directory = SandboxDirectory.absolute(directory)
        let path = "\(directory)/sandbox.json"
        guard let description = AtomicFile.read(SandboxDescription.self, from: path) else {
            throw SandboxError("no sandbox in \(directory): `healer-chaos sandbox up` makes one")
        }
        return Sandbox(directory: directory, description: description)
    }

    /// - Throws: ``UsageError`` with the nearest known name.
    func node(_ name: String) throws -> SandboxNode {
        guard let node = self.description.nodes.first(where: { $0.name == name }) else {
            throw UsageError.unknown("node", name, among: self.description.nodes.map(\.name))
        }
        return node
    }

    func supervisor(of name: String) throws -> NodeSupervisor {
        NodeSupervisor(sandbox: self, node: try self.node(name))
    }

    /// From the beginning of ``down(keepingLogs:)``: nothing is started any more.
    var isClosing: Bool { access(self.closingMark, F_OK) == 0 || access("\(self.directory)/sandbox.json", F_OK) != 0 }
    var closingMark: String { "\(self.directory)/closing" }
}

/// Node commands for `async` code: the supervisor's calls block, so they leave Swift's own threads.
extension Sandbox {
    func status(of name: String) throws -> ProcessState { try self.supervisor(of: name).status() }

    @discardableResult
    func start(_ name: String, from origin: RequestOrigin = .anybody) async throws -> NodeSupervisor.Answer {
        let supervisor = try self.supervisor(of: name)
        return try await blocking { try supervisor.start(from: origin) }
    }
    @discardableResult
    func stop(_ name: String, from origin: RequestOrigin = .anybody) async throws -> NodeSupervisor.Answer {
        let supervisor = try self.supervisor(of: name)
        return try await blocking { try supervisor.stop(from: origin) }
    }
    @discardableResult
    func kill(_ name: String, from origin: RequestOrigin = .anybody) async throws -> NodeSupervisor.Answer {
        let supervisor = try self.supervisor(of: name)
        return try await blocking { try supervisor.kill(from: origin) }
    }
    @discardableResult
    func restart(_ name: String, from origin: RequestOrigin = .anybody) async throws -> NodeSupervisor.Answer {
        let supervisor = try self.supervisor(of: name)
        return try await blocking { try supervisor.restart(from: origin) }
    }
    @discardableResult
    func freeze(_ name: String) async throws -> NodeSupervisor.Answer {
        let supervisor = try self.supervisor(of: name)
        return try await blocking { try supervisor.freeze() }
    }
    @discardableResult
    func thaw(_ name: String) async throws -> NodeSupervisor.Answer {
        let supervisor = try self.supervisor(of: name)
        return try await blocking { try supervisor.thaw() }
    }
    func dump(_ name: String) async throws -> String {
        let supervisor = try self.supervisor(of: name)
        return try await blocking { try supervisor.dump().1 }
    }

    /// Every request to the supervisor so far, in the order they were decided.
    func requests() throws -> [NodeRequest] { try self.requestLog.requests() }
}

/// Runs a call that blocks on a thread of its own kind.
func blocking<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Result { try work() }) }
    }
}

/// Where sandboxes live, and which are known.
enum SandboxDirectory {
    /// `$HEALER_SANDBOX`, else `kafka-healer/sandbox` in the user's folder for state.
    static var standard: String {
        let environment = ProcessInfo.processInfo.environment
        if let directory = environment["HEALER_SANDBOX"], !directory.isEmpty { return self.absolute(directory) }
        return "\(self.state)/sandbox"
    }

    /// The user's folder for our state: of the sandbox, and of the list of sandboxes.
    static var state: String {
        let environment = ProcessInfo.processInfo.environment
        if let state = environment["XDG_STATE_HOME"], !state.isEmpty { return "\(self.absolute(state))/kafka-healer" }
        if let home = environment["HOME"], !home.isEmpty { return "\(home)/.local/state/kafka-healer" }
        return "\(NSTemporaryDirectory())kafka-healer-\(getuid())"
    }

    static func absolute(_ path: String) -> String {
        let whole = path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
        return URL(fileURLWithPath: whole).standardizedFileURL.path
    }
}
