import Foundation

/// The sandboxes of this user that are up, so that two never share a port, not even that of a node that is down just
/// now, and so that leftovers can be looked for.
///
/// A file for each, `ID.json` in the folder `sandboxes`, from before its first process until after its last.
struct SandboxList: Sendable {
    struct Entry: Hashable, Sendable, Codable {
        let id: String
        let directory: String
        let ports: [UInt16]
    }

    let folder: String

    init(folder: String = "\(SandboxDirectory.state)/sandboxes") { self.folder = folder }

    var entries: [Entry] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: self.folder)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted()
            .compactMap { AtomicFile.read(Entry.self, from: "\(self.folder)/\($0)") }
    }

    /// Chooses ports that nobody listens on and no other sandbox has, and writes the entry.
    func enter(id: String, directory: String, ports count: Int) throws -> [UInt16] {
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        let lock = try LockedFile("\(self.folder)/lock")
        let taken = Set(self.entries.flatMap(\.ports))
        var ports: [UInt16] = []
        // Below the range from which the kernel takes ports for outgoing connections: from there it could give away
        // the port of a node that is down for a moment.
        var candidates = Array(UInt16(10_000)..<UInt16(max(10_100, min(Self.firstEphemeralPort, 32_768))))
        candidates.shuffle()
        while ports.count < count, let port = candidates.popLast() {
            if !taken.contains(port), Self.isFree(port) { ports.append(port) }
        }
        guard ports.count == count else { throw SandboxError("no \(count) free ports on 127.0.0.1") }
        try AtomicFile.write(
            Entry(id: id, directory: directory, ports: ports), to: "\(self.folder)/\(id).json")
        _ = consume lock
        return ports
    }

    func leave(id: String) { unlink("\(self.folder)/\(id).json") }

    private static var firstEphemeralPort: Int {
        let range = ProcFile.text("/proc/sys/net/ipv4/ip_local_port_range")
        return range?.split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) } ?? 32_768
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard file >= 0 else { return false }
        defer { close(file) }
        var address = LoopbackConnection.address(port)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
