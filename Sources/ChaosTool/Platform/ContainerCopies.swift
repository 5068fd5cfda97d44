import Foundation

/// Reads files of containers from copies of them. Each reading has a folder of its own, since the live judge reads while the
/// run does, and a copy that another one replaces halfway is a witness that says too little.
struct ContainerCopies: Sendable {
    /// Where the folders are.
    let directory: String
    /// Runs `docker ARGUMENT…`.
    let docker: @Sendable ([String]) async throws -> Void

    /// - Parameters:
    ///   - path: of a file or a folder in each of the containers.
    ///   - body: gets a folder that holds, by each container's name, its copy; it is gone afterwards.
    func read<Value>(
        _ path: String, of containers: [String], _ body: (_ folder: String) throws -> Value
    ) async throws -> Value {
        let folder = "\(self.directory)/copy-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for container in containers {
            try await self.docker(["cp", "-q", "\(container):\(path)", "\(folder)/\(container)"])
        }
        return try body(folder)
    }
}
