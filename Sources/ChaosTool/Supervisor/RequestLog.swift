import Cluster
import Foundation

/// Who asks for a node command, and under which permission: what a healer puts into the environment.
struct RequestOrigin: Hashable, Sendable {
    /// `HEALER_EPOCH`. `nil`: an operator, or chaos, who is always served.
    var epoch: Epoch?
    /// `HEALER_INTENT`.
    var intent: String?
    /// `HEALER_INCIDENT`.
    var incident: String?
    /// `HEALER_ID`.
    var healer: String?
    /// `--identity`, else `HEALER_IDENTITY`: the life that is meant.
    var identity: ProcessIdentity?
    /// `HEALER_START_BY`: CLOCK_BOOTTIME; the permission is good until then. Recorded here, kept by the caller.
    var startBy: Moment?

    /// An operator, or chaos.
    static let anybody = RequestOrigin()

    init(epoch: Epoch? = nil, intent: String? = nil, healer: String? = nil, identity: ProcessIdentity? = nil) {
        self.epoch = epoch
        self.intent = intent
        self.healer = healer
        self.identity = identity
    }

    /// - Throws: ``UsageError`` when a number is none.
    init(environment: [String: String], identity: String?) throws {
        func text(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        func number(_ name: String) throws -> Int64? {
            guard let text = text(name) else { return nil }
            guard let number = Int64(text) else { throw UsageError("\(name) is not a whole number: '\(text)'") }
            return number
        }
        self.epoch = try number("HEALER_EPOCH").map { Epoch($0) }
        self.intent = text("HEALER_INTENT")
        self.incident = text("HEALER_INCIDENT")
        self.healer = text("HEALER_ID")
        self.identity = (identity ?? text("HEALER_IDENTITY")).map { ProcessIdentity($0) }
        self.startBy = try number("HEALER_START_BY").map { Moment(nanoseconds: $0) }
    }
}

enum NodeVerb: String, Hashable, Sendable, Codable, CaseIterable {
    case status, logs, start, stop, kill, restart, dump, freeze, thaw

    /// Whether a request that carries an epoch older than the newest one served is refused.
    var isFenced: Bool {
        switch self {
        case .start, .stop, .kill, .restart: true
        case .status, .logs, .dump, .freeze, .thaw: false
        }
    }
}

/// What was decided on a request.
enum NodeResult: String, Hashable, Sendable, Codable {
    case answered
    case started, stopped, killed, restarted, dumped, frozen, thawed
    /// Nothing to start: it runs.
    case running
    /// Nothing to stop, kill, freeze or dump: it does not run.
    case notRunning
    /// Refused: another life runs, or ran last, than the one that was named.
    case otherIdentity
    /// Refused: a request of a higher epoch was served before.
    case staleEpoch
    /// Refused: the sandbox is being taken down.
    case closing
    /// A second line on a start or restart whose process could not be launched.
    case launchFailed

    /// The exit status of the command.
    var code: Int32 {
        switch self {
        case .answered, .started, .stopped, .killed, .restarted, .dumped, .frozen, .thawed, .running: ExitCode.success
        case .notRunning, .closing, .launchFailed: ExitCode.failure
        case .otherIdentity: ExitCode.otherIdentity
        case .staleEpoch: ExitCode.staleEpoch
        }
    }
}

/// One line of `requests.log`.
struct NodeRequest: Hashable, Sendable, Codable {
    /// ISO 8601, UTC, with milliseconds.
    let time: String
    /// CLOCK_BOOTTIME in nanoseconds.
    let boottime: Int64
    let node: String
    let verb: NodeVerb
    /// The life that was asked for.
    let identity: String?
    /// The life that was found running; `nil` if none was.
    let found: String?
    let intent: String?
    let incident: String?
    let epoch: Int64?
    let healer: String?
    /// CLOCK_BOOTTIME in nanoseconds.
    let startBy: Int64?
    let result: NodeResult
    let code: Int32
}

/// One line of `requests.log.ends`: what was decided has been done, and whoever asked is about to be told.
struct NodeEnd: Hashable, Sendable, Codable {
    /// As ``NodeRequest/time``.
    let time: String
    let node: String
    let verb: NodeVerb
    let intent: String?
}

/// The witness: every request to the supervisor of a sandbox, one JSON line each, in the order they were decided.
///
/// A line is written under the lock and before the effect, so that no effect is without a line, whatever becomes of the
/// process that asked.
struct RequestLog: Sendable {
    let path: String

    init(directory: String) { self.path = "\(directory)/requests.log" }
    /// Holds the highest epoch that was served, so that no one has to read the whole log to know it.
    private var epochPath: String { "\(self.path).epoch" }
    private var endsPath: String { "\(self.path).ends" }

    /// Writes the line and returns what was decided: `wanted`, unless the epoch is older than one served before.
    func admit(
        _ verb: NodeVerb, node: String, origin: RequestOrigin, found: ProcessIdentity?, wanted: NodeResult
    ) throws -> NodeResult {
        let log = try LockedFile(self.path)
        let highest = AtomicFile.read(Int64.self, from: self.epochPath)
        var result = wanted
        if let epoch = origin.epoch?.rawValue {
            if verb.isFenced, let highest, epoch < highest {
                result = .staleEpoch
            } else if epoch > highest ?? Int64.min {
                try AtomicFile.write(epoch, to: self.epochPath)
            }
        }
        let request = NodeRequest(
            time: HostClock.iso8601, boottime: HostClock.now.nanoseconds, node: node, verb: verb,
            identity: origin.identity?.rawValue, found: found?.rawValue, intent: origin.intent,
            incident: origin.incident, epoch: origin.epoch?.rawValue, healer: origin.healer,
            startBy: origin.startBy?.nanoseconds, result: result, code: result.code)
        try log.append(StatusLine.json(request))
        return result
    }

    /// To be called when a step has been carried out, before whoever asked for it is answered.
    func carriedOut(_ verb: NodeVerb, node: String, origin: RequestOrigin) throws {
        try LockedFile(self.endsPath).append(
            StatusLine.json(NodeEnd(time: HostClock.iso8601, node: node, verb: verb, intent: origin.intent)))
    }

    /// All lines so far.
    /// - Throws: if a line is none of ours.
    func requests() throws -> [NodeRequest] { try Self.lines(of: self.path) }

    /// What was carried out so far, in the order of its end.
    /// - Throws: if a line is none of ours.
    func ends() throws -> [NodeEnd] { try Self.lines(of: self.endsPath) }

    private static func lines<Line: Decodable>(of path: String) throws -> [Line] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return try data.split(separator: UInt8(ascii: "\n")).map {
            try JSONDecoder().decode(Line.self, from: $0)
        }
    }

    /// Epochs of another coordination root begin at 1 again: forget the highest one served. The log stays.
    func forgetEpochs() throws {
        let log = try LockedFile(self.path)
        unlink(self.epochPath)
        _ = consume log
    }
}
