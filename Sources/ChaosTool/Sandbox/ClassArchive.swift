import Cluster
import Foundation

/// The classes of a broker and of a ZooKeeper server in the form in which the JVM maps them into memory (class data
/// sharing): with it a broker starts on half the processor time.
///
/// Made once for each Java and Kafka, by starting one of each and stopping them, and kept in the cache. The JVM itself
/// checks that an archive fits, and goes on without it if not.
struct ClassArchive: Hashable, Sendable, Codable {
    let folder: String
    /// True in the one sandbox that makes it.
    var isRecording = false

    /// What a JVM for such a node is told.
    func flags(for role: SandboxNode.Role) -> [String] {
        let file = self.file(role)
        if self.isRecording { return ["-XX:ArchiveClassesAtExit=\(file)"] }
        return FileManager.default.fileExists(atPath: file) ? ["-XX:SharedArchiveFile=\(file)"] : []
    }

    private func file(_ role: SandboxNode.Role) -> String { "\(self.folder)/\(role.rawValue).jsa" }

    /// The archive for this Java and these jars, which is made first if nobody has. `nil` if it cannot be made, or
    /// somebody is making it right now: then one does without.
    static func prepared(
        jars: String, java: String, progress: @Sendable (String) -> Void
    ) async throws -> ClassArchive? {
        let folder = "\(KafkaHome.cache())/classes-\(self.key(jars: jars, java: java))"
        let archive = ClassArchive(folder: folder)
        if FileManager.default.fileExists(atPath: folder) { return archive }
        try? FileManager.default.createDirectory(atPath: KafkaHome.cache(), withIntermediateDirectories: true)
        guard let lock = try? LockedFile("\(KafkaHome.cache())/classes.lock", limit: .zero) else { return nil }
        if FileManager.default.fileExists(atPath: folder) { return archive }
        progress("preparing Java's classes, once: later starts take half the time")
        do {
            try await self.record(into: folder, training: "\(folder).training")
        } catch let error as CancellationError {
            throw error
        } catch {
            try? FileManager.default.removeItem(atPath: "\(folder).training-failed")
            progress("going on without prepared classes: \(error)")
            return nil
        }
        _ = consume lock
        return archive
    }

    /// One ZooKeeper server and one broker do what they always do, and write down which classes that took when they end.
    private static func record(into folder: String, training: String) async throws {
        let files = FileManager.default
        let archive = ClassArchive(folder: "\(folder).partial", isRecording: true)
        if let abandoned = try? Sandbox.open(training) { try await abandoned.down() }
        for path in [archive.folder, training, "\(training)-failed"] { try? files.removeItem(atPath: path) }
        try files.createDirectory(atPath: archive.folder, withIntermediateDirectories: true)
        defer { try? files.removeItem(atPath: archive.folder) }

        var options = SandboxOptions(zookeepers: 1, brokers: 1)
        options.topics = [SandboxTopic(name: "training", partitions: 1)]
        options.archive = archive
        try await Sandbox.during(options, in: training) { sandbox in
            for node in sandbox.description.nodes.reversed() {
                try await sandbox.stop(node.name)
                // Killed because it took too long: what it has written may be half an archive.
                if case .signal = try sandbox.status(of: node.name).exit {
                    try? files.removeItem(atPath: archive.file(node.role))
                }
            }
        }
        guard rename(archive.folder, folder) == 0 else { throw SandboxError.system("cannot make \(folder)") }
    }

    /// Differs for another Java, an updated one, and other jars. FNV-1a, 64 bits.
    private static func key(jars: String, java: String) -> String {
        let program = URL(fileURLWithPath: java).resolvingSymlinksInPath()
        let modules = program.deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent(
            "lib/modules")
        let attributes = try? FileManager.default.attributesOfItem(atPath: modules.path)
        let changed = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        let names = (try? FileManager.default.contentsOfDirectory(atPath: jars))?.sorted() ?? []
        let text = "\(program.path) \(changed) \(jars) \(names.joined(separator: " "))"
        let hash = text.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}
