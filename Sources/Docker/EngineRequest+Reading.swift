extension EngineRequest {
    /// The longest log that may be asked for.
    public static let mostLines = 10_000
    /// The longest time that a container may be given to end in order.
    public static let longestStop = 3600

    /// What a request means, if it is one of ours, written exactly as we write it; `nil` otherwise.
    ///
    /// A request is read into a value and written anew from it, so nothing that was not understood goes any further.
    /// - Parameters:
    ///   - path: percent-decoded, without the query.
    ///   - query: percent-decoded, in its order.
    public init?(isPost: Bool, path: String, query: [(name: String, value: String)]) {
        guard let request = Self.read(isPost: isPost, path, query), request.isPost == isPost else { return nil }
        self = request
    }

    private static func read(isPost: Bool, _ path: String, _ query: [(name: String, value: String)]) -> EngineRequest? {
        var values: [String: String] = [:]
        for (name, value) in query where values.updateValue(value, forKey: name) != nil { return nil }
        /// Whether exactly these are there.
        func has(_ names: Set<String>) -> Bool { Set(values.keys) == names }
        func number(_ name: String, upTo most: Int) -> Int? {
            guard let text = values[name], !text.isEmpty, text.utf8.count <= 6,
                text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
            else { return nil }
            return Int(text).flatMap { $0 <= most ? $0 : nil }
        }

        if path == "/_ping" { return has([]) ? .ping : nil }
        if path == "/events" {
            guard has(["since", "until", "filters"]), let since = EngineTime(query: values["since"]!),
                let until = EngineTime(query: values["until"]!), let container = Self.filtered(values["filters"]!)
            else { return nil }
            return .endings(container, since: since, until: until)
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0].isEmpty, parts[1] == "containers", let container = ContainerReference(parts[2])
        else { return nil }
        switch parts[3] {
        case "json": return has([]) ? .inspect(container) : nil
        case "start": return has([]) ? .start(container) : nil
        case "stop":
            guard has(["t"]), let seconds = number("t", upTo: Self.longestStop) else { return nil }
            return .stop(container, seconds: seconds)
        case "restart":
            guard has(["t"]), let seconds = number("t", upTo: Self.longestStop) else { return nil }
            return .restart(container, seconds: seconds)
        case "kill":
            guard has(["signal"]), let signal = KillSignal(rawValue: values["signal"]!) else { return nil }
            return .kill(container, signal)
        case "logs":
            guard let lines = number("tail", upTo: Self.mostLines), values["stdout"] == "1", values["stderr"] == "1"
            else { return nil }
            guard let text = values["since"] else {
                return has(["stdout", "stderr", "tail"]) ? .logs(container, lines: lines, since: nil) : nil
            }
            guard has(["stdout", "stderr", "tail", "since"]), let since = EngineTime(query: text) else { return nil }
            return .logs(container, lines: lines, since: since)
        default: return nil
        }
    }

    /// The one container of the one form in which we write filters.
    private static func filtered(_ text: String) -> ContainerReference? {
        let (before, after) = (#"{"type":["container"],"container":[""#, #""],"event":["kill","stop"]}"#)
        guard text.hasPrefix(before), text.hasSuffix(after), text.utf8.count > before.utf8.count + after.utf8.count
        else { return nil }
        return ContainerReference(text.dropFirst(before.count).dropLast(after.count))
    }
}
