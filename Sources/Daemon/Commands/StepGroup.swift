import FoundationEssentials
import Glibc

/// A control group (cgroup v2) for what one step starts, below the healer's own: none of it leaves the group by leaving
/// its process group, its session or its environment, so all of it is ended at once.
struct StepGroup: Hashable, Sendable {
    /// Why there is none.
    struct Absence: Error, Hashable, Sendable, CustomStringConvertible {
        let description: String
    }

    let path: String

    private static let prefix = "healer-step-"
    /// What is left of a group once what a start has left behind has ended; younger ones may be about to be used.
    private static let leftoverAge = 60
    private static let endingLimit = 2.0

    /// A new one, with nobody in it.
    init() throws(Absence) {
        let own = try Self.own
        Self.removeLeftovers(in: own)
        self.path = "\(own)/\(Self.prefix)\(UUID().uuidString.lowercased())"
        guard mkdir(self.path, 0o755) == 0 else { throw Absence(failing: own) }
        // Since Linux 5.14.
        guard access("\(self.path)/cgroup.kill", W_OK) == 0 else {
            let absence = Absence(failing: "\(self.path)/cgroup.kill")
            rmdir(self.path)
            throw absence
        }
    }

    /// One that is there already.
    init(path: String) { self.path = path }

    /// Takes this process in, and with it whatever it starts from then on.
    func take(_ pid: pid_t) throws(Absence) { try Self.write("\(pid)", to: "\(self.path)/cgroup.procs") }

    /// Takes this process out: what it has started stays. Only from outside can the rest be ended.
    func leave() throws(Absence) {
        guard let slash = self.path.lastIndex(of: "/") else { throw Absence(description: "no group: \(self.path)") }
        try Self.write("\(getpid())", to: "\(self.path[..<slash])/cgroup.procs")
    }

    /// Ends all that is in it, groups below it included, and waits until that is so.
    func end() {
        try? Self.write("1", to: "\(self.path)/cgroup.kill")
        for _ in 0..<Int(Self.endingLimit * 1000) {
            if rmdir(self.path) == 0 || errno == ENOENT { return }
            usleep(1_000)
        }
    }

    /// If nobody is in it.
    func remove() { rmdir(self.path) }

    private static func write(_ text: String, to path: String) throws(Absence) {
        let file = open(path, O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { throw Absence(failing: path) }
        defer { close(file) }
        guard Glibc.write(file, text, text.utf8.count) >= 0 else { throw Absence(failing: path) }
    }

    private static func removeLeftovers(in own: String) {
        guard let folder = opendir(own) else { return }
        defer { closedir(folder) }
        let now = time(nil)
        while let entry = readdir(folder) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            var status = stat()
            guard name.hasPrefix(Self.prefix), stat("\(own)/\(name)", &status) == 0,
                now - status.st_mtim.tv_sec > Self.leftoverAge
            else { continue }
            // One that is used is not removed: it is busy.
            rmdir("\(own)/\(name)")
        }
    }

    /// The folder of the group that this process is in.
    private static var own: String {
        get throws(Absence) {
            guard let groups = try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8),
                let mounts = try? String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8),
                let folder = Self.folder(groups: groups, mounts: mounts)
            else { throw Absence(description: "no cgroup v2 is mounted that shows the healer's own group") }
            return folder
        }
    }

    /// - Parameters:
    ///   - groups: `/proc/self/cgroup`, where version 2 has the line `0::PATH`.
    ///   - mounts: `/proc/self/mountinfo`: of each mount the part of the hierarchy that it shows, its place, and its type.
    static func folder(groups: String, mounts: String) -> String? {
        guard let line = groups.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return nil }
        let path = line.dropFirst(3)
        for mount in mounts.split(separator: "\n") {
            guard let dash = mount.firstRange(of: " - cgroup2 ") else { continue }
            let fields = mount[..<dash.lowerBound].split(separator: " ")
            guard fields.count >= 6 else { continue }
            let (root, place) = (fields[3] == "/" ? "" : String(fields[3]), fields[4])
            // A group above the namespace's begins with `/..`; an escaped space in the place is nobody's.
            guard path.hasPrefix(root), !path.contains("/.."), !place.contains("\\") else { continue }
            let rest = path.dropFirst(root.count)
            guard rest.isEmpty || rest.hasPrefix("/") else { continue }
            return rest == "/" ? String(place) : String(place) + rest
        }
        return nil
    }
}

extension StepGroup.Absence {
    fileprivate init(failing path: String) {
        self.init(description: "\(path): \(String(cString: strerror(errno)))")
    }
}
