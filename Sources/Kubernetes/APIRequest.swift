/// All that we ever ask of an API server.
public enum APIRequest: Hashable, Sendable {
    case pod(ObjectName, namespace: ObjectName)
    case statefulSet(ObjectName, namespace: ObjectName)
    case node(ObjectName)
    /// The last lines of a container's output; of the container before it with `previous`.
    case logs(ObjectName, namespace: ObjectName, container: ObjectName?, previous: Bool, lines: Int)
    /// A deletion that asks the budgets first. Of exactly this pod, and only as long as nothing about it has changed.
    case evict(PodVersion, namespace: ObjectName, graceSeconds: Int?)
    /// Writes the annotation that makes the controller replace all pods, one after the other.
    case restartRollout(ObjectName, namespace: ObjectName, at: String)

    /// One state of one pod: what a conditional deletion names.
    public struct PodVersion: Hashable, Sendable {
        public var name: ObjectName
        public var uid: String
        public var resourceVersion: String
        public init(name: ObjectName, uid: String, resourceVersion: String) {
            self.name = name
            self.uid = uid
            self.resourceVersion = resourceVersion
        }
    }

    /// Path and query, beginning with a slash.
    public var target: String {
        switch self {
        case .pod(let name, let space): return "/api/v1/namespaces/\(space)/pods/\(name)"
        case .statefulSet(let name, let space), .restartRollout(let name, let space, _):
            return "/apis/apps/v1/namespaces/\(space)/statefulsets/\(name)"
        case .node(let name): return "/api/v1/nodes/\(name)"
        case .logs(let name, let space, let container, let previous, let lines):
            let which = container.map { "&container=\($0)" } ?? ""
            return "/api/v1/namespaces/\(space)/pods/\(name)/log?tailLines=\(lines)\(previous ? "&previous=true" : "")"
                + which
        case .evict(let pod, let space, _): return "/api/v1/namespaces/\(space)/pods/\(pod.name)/eviction"
        }
    }

    /// `nil` for what only reads.
    var body: [UInt8]? {
        switch self {
        case .pod, .statefulSet, .node, .logs: return nil
        case .evict(let pod, let space, let grace):
            // No value has a character that JSON would take for its own: names are checked, the others are the server's.
            let seconds = grace.map { ",\"gracePeriodSeconds\":\($0)" } ?? ""
            return Array(
                ("{\"apiVersion\":\"policy/v1\",\"kind\":\"Eviction\",\"metadata\":{\"name\":\"\(pod.name)\","
                    + "\"namespace\":\"\(space)\"},\"deleteOptions\":{\"preconditions\":{\"uid\":\"\(Self.plain(pod.uid))\","
                    + "\"resourceVersion\":\"\(Self.plain(pod.resourceVersion))\"}\(seconds)}}").utf8)
        case .restartRollout(_, _, let time):
            return Array(
                ("{\"spec\":{\"template\":{\"metadata\":{\"annotations\":"
                    + "{\"kubectl.kubernetes.io/restartedAt\":\"\(Self.plain(time))\"}}}}}").utf8)
        }
    }

    private static func plain(_ text: String) -> String {
        String(
            decoding: text.utf8.filter { $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") },
            as: UTF8.self)
    }
}
