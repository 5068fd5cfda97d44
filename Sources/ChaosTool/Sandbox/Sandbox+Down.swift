import Cluster
import Foundation

extension Sandbox {
    /// Brings one up, hands it over, and takes it down again, however the body ends.
    ///
    /// - Parameter directory: absent, or empty. After an error of the body the logs are beside it, under its name and
    ///   `-failed`; after a cancellation nothing is.
    static func during<Value: Sendable>(
        _ options: SandboxOptions = SandboxOptions(), in directory: String,
        progress: @escaping @Sendable (String) -> Void = { _ in },
        _ body: (Sandbox) async throws -> Value
    ) async throws -> Value {
        let sandbox = try await self.up(options, in: directory, progress: progress)
        do {
            let value = try await body(sandbox)
            try await sandbox.down()
            return value
        } catch {
            try? await sandbox.down(keepingLogs: error is CancellationError ? nil : "\(sandbox.directory)-failed")
            throw error
        }
    }

    /// Ends every process that carries this sandbox's id and removes its directory. Nothing is lost by doing it again,
    /// whatever an earlier try has left.
    ///
    /// - Parameter folder: logs, configuration and the request log go there first, those of healers as well.
    func down(keepingLogs folder: String? = nil) async throws {
        try await blocking { try self.takeDown(keepingLogs: folder) }
    }

    /// What is left of sandboxes whose directory somebody has removed by hand: their processes, and their ports in the
    /// list. Returns their ids.
    static func downLost(in directory: String) async throws -> [String] {
        try await blocking {
            let list = SandboxList()
            let lost = list.entries.filter { $0.directory == directory }.map(\.id)
            for id in lost {
                try self.endProcesses(of: id)
                list.leave(id: id)
            }
            return lost
        }
    }

    private func takeDown(keepingLogs folder: String?) throws {
        try AtomicFile.write(Data(), to: self.closingMark)
        // A start that was admitted before the mark stood is through when its lock is free.
        for node in self.description.nodes where FileManager.default.fileExists(atPath: node.folder) {
            _ = try? LockedFile(node.startLock, limit: .seconds(30))
        }
        try Self.endProcesses(of: self.id)
        if let folder { try self.moveLogs(to: folder) }
        SandboxList().leave(id: self.id)
        // `sandbox.json` goes last, so that an interrupted removal can be finished.
        let names = try FileManager.default.contentsOfDirectory(atPath: self.directory)
        for name in names where name != "sandbox.json" {
            try FileManager.default.removeItem(atPath: "\(self.directory)/\(name)")
        }
        try FileManager.default.removeItem(atPath: self.directory)
    }

    /// Nodes by SIGKILL; keepers end by themselves when they have reaped; others, such as healers, get SIGTERM first.
    private static func endProcesses(of id: String) throws {
        let begin = HostClock.now
        var asked: Set<LocalProcess> = []
        let done = poll(for: .seconds(30), every: .milliseconds(20)) { () -> Bool? in
            let patience = HostClock.now - begin < .seconds(4)
            let found = Leftovers.processes { $0["HEALER_SANDBOX_ID"] == id }
            for (process, kind) in found {
                switch kind {
                case .node: _ = Glibc.kill(process.pid, SIGKILL)
                case .keeper where patience: break
                case .other where patience:
                    if asked.insert(process).inserted { _ = Glibc.kill(process.pid, SIGTERM) }
                case .keeper, .other: _ = Glibc.kill(process.pid, SIGKILL)
                }
            }
            return found.isEmpty ? true : nil
        }
        if done == nil { throw SandboxError("some processes do not end: `healer-chaos leftovers --id \(id)`") }
    }

    private func moveLogs(to folder: String) throws {
        let files = FileManager.default
        let folder = SandboxDirectory.absolute(folder)
        func move(_ from: String, _ to: String) throws {
            guard files.fileExists(atPath: from) else { return }
            try? files.removeItem(atPath: to)
            try files.moveItem(atPath: from, toPath: to)
        }
        try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try move("\(self.directory)/requests.log", "\(folder)/requests.log")
        try move("\(self.directory)/requests.log.ends", "\(folder)/requests.log.ends")
        try move("\(self.directory)/healers", "\(folder)/healers")
        try? files.removeItem(atPath: "\(folder)/sandbox.json")
        try files.copyItem(atPath: "\(self.directory)/sandbox.json", toPath: "\(folder)/sandbox.json")
        for node in self.description.nodes {
            guard let names = try? files.contentsOfDirectory(atPath: node.folder) else { continue }
            try files.createDirectory(atPath: "\(folder)/\(node.name)", withIntermediateDirectories: true)
            for name in names where name.contains(".log") || name.hasSuffix(".properties") || name.hasSuffix(".json") {
                try move("\(node.folder)/\(name)", "\(folder)/\(node.name)/\(name)")
            }
        }
    }
}
