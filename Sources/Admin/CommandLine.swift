public import Cluster

/// What `healerctl` was asked to do.
public struct AdminInvocation: Hashable, Sendable {
    public var command: AdminCommand
    /// `host:port`, with commas between; the root is complete, a path after the servers already put before it. `nil`:
    /// ``healers`` are asked alone, which only commands that read may be.
    public var zooKeeper: String?
    public var root: String
    /// `host:port` each: who is asked without ZooKeeper, or when ZooKeeper does not answer.
    public var healers: [String]
    /// `nil`: the only one there is.
    public var cluster: ClusterName?
    public var format: OutputFormat
    /// For each call to ZooKeeper, and each request to a healer.
    public var timeout: Duration

    public init(
        command: AdminCommand, zooKeeper: String?, root: String = "/kafka-healer", healers: [String] = [],
        cluster: ClusterName? = nil, format: OutputFormat = .table, timeout: Duration = .seconds(5)
    ) {
        self.command = command
        self.zooKeeper = zooKeeper
        self.root = root
        self.healers = healers
        self.cluster = cluster
        self.format = format
        self.timeout = timeout
    }
}

public enum AdminCommand: Hashable, Sendable {
    case status, leader, members, nodes, partitions, incidents
    case check(NodeName)
    /// The incident's id.
    case explain(String)
    /// `everywhere`: for all clusters of the root. `lasting: nil`: until somebody resumes.
    case pause(why: String, lasting: Duration?, everywhere: Bool)
    case resume(everywhere: Bool)
    case beginMaintenance(NodeName, why: String, lasting: Duration?)
    case endMaintenance(NodeName)
    case resign
    /// To whom.
    case transfer(HealerID)

    /// Whether a healer alone can answer it. The others write to ZooKeeper, so that they hold whoever leads.
    public var reads: Bool {
        switch self {
        case .status, .leader, .members, .nodes, .partitions, .incidents, .check, .explain: true
        case .pause, .resume, .beginMaintenance, .endMaintenance, .resign, .transfer: false
        }
    }
}

/// A command line of `healerctl`, read.
public enum AdminRequest: Hashable, Sendable {
    case perform(AdminInvocation)
    /// The text to print: help, or the version.
    case help(String)

    /// - Parameters:
    ///   - arguments: without the program's name.
    ///   - environment: `HEALER_ZOOKEEPER` and `HEALER_ROOT` stand in for the options of the same meaning; `HEALER_API` is
    ///     who is asked when ZooKeeper does not answer.
    public init(arguments: [String], environment: [String: String]) throws(UsageError) {
        var line = try ArgumentList(arguments)
        if line.takeFlag("help") || line.words.first == "help" {
            let topic = line.words.first { $0 != "help" }
            self = .help(
                try topic.map { (topic) throws(UsageError) in try CommandSpecification.named(topic).help }
                    ?? CommandSpecification.overview)
            return
        }
        if line.words.isEmpty, line.takeFlag("version") {
            self = .help("healerctl \(HealerVersion.current)\n")
            return
        }
        guard let word = line.words.first else {
            throw UsageError("which command?", hint: "Try `healerctl status`; `healerctl --help` lists all.")
        }
        let specification = try CommandSpecification.named(word)
        let operands = Array(line.words.dropFirst())
        guard operands.count == specification.operands.count else {
            throw UsageError(
                operands.count < specification.operands.count
                    ? "\(word) needs \(specification.operands[operands.count])"
                    : "\(word) does not take \(operands[specification.operands.count])",
                hint: "Usage: \(specification.usage)")
        }
        let command = try specification.command(operands, &line)
        var invocation = try AdminInvocation(command, &line, environment)
        if let format = try line.take("output") {
            guard let known = OutputFormat(rawValue: format) else {
                throw UsageError("there is no output format \(format)", hint: "Say -o table or -o json.")
            }
            invocation.format = known
        }
        try line.finish(knownTo: specification)
        self = .perform(invocation)
    }
}

extension AdminInvocation {
    fileprivate init(
        _ command: AdminCommand, _ line: inout ArgumentList, _ environment: [String: String]
    ) throws(UsageError) {
        func nonEmpty(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let named = command.reads ? try line.take("healer") : nil
        let healers = try (named ?? (command.reads ? nonEmpty("HEALER_API") : nil)).map(Self.addresses) ?? []
        let servers = try line.take("zookeeper") ?? nonEmpty("HEALER_ZOOKEEPER")
        guard servers != nil || !healers.isEmpty else {
            throw UsageError(
                "which ZooKeeper?",
                hint: "Say --zookeeper HOST:PORT,… or set HEALER_ZOOKEEPER to what the healers' `coordination` has."
                    + (command.reads ? " Or ask a healer alone: --healer HOST:PORT." : ""))
        }
        let root = try line.take("root") ?? nonEmpty("HEALER_ROOT") ?? "/kafka-healer"
        guard root.hasPrefix("/"), root.count > 1, !root.contains("//") else {
            throw UsageError("\(root) is no path in ZooKeeper", hint: "A root looks like /kafka-healer.")
        }
        // A healer that is named on the line is asked alone.
        let ensemble = named == nil ? servers : nil
        let slash = ensemble?.firstIndex(of: "/") ?? ensemble?.endIndex
        var prefix = ensemble.map { $0[slash!...] } ?? ""
        while prefix.last == "/" { prefix.removeLast() }
        self.init(
            command: command, zooKeeper: ensemble.map { String($0[..<slash!]) }, root: prefix + root, healers: healers)
        self.cluster = try line.take("cluster").map { ClusterName($0) }
        if let text = try line.take("timeout") { self.timeout = try SpanText.duration(text, option: "timeout") }
    }
}

extension AdminInvocation {
    /// `host:port`, with commas between; a URL's beginning and end are forgiven.
    private static func addresses(_ text: String) throws(UsageError) -> [String] {
        var addresses: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            var address = part
            if address.hasPrefix("http://") { address = address.dropFirst("http://".count) }
            if address.last == "/" { address.removeLast() }
            let colon = address.lastIndex(of: ":") ?? address.endIndex
            guard colon > address.startIndex, let port = UInt16(address[colon...].dropFirst()), port > 0,
                !address.contains("/"), !address.contains(" ")
            else {
                throw UsageError(
                    "\(part) is no healer's address",
                    hint: "Say HOST:PORT; a healer's log names its own as healer.api.")
            }
            addresses.append(String(address))
        }
        return addresses
    }
}

/// The command line makes no sense.
public struct UsageError: Error, Hashable, Sendable {
    public let error: String
    /// What to do instead.
    public let hint: String
    init(_ error: String, hint: String) {
        self.error = error
        self.hint = hint
    }
}
