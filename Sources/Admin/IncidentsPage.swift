public import Cluster

/// The incidents that a healer remembers, newest first.
public struct IncidentsPage: Hashable, Sendable, Codable {
    public var source: Source
    /// Each with its explanation.
    public var incidents: [IncidentPage]

    public init(source: Source, incidents: [IncidentPage]) {
        self.source = source
        self.incidents = incidents
    }
}

/// One incident with its explanation: evidence, rule, permission, step, result; also why nothing was done.
public struct IncidentPage: Hashable, Sendable, Codable {
    public var incident: IncidentEntry
    /// In order of time.
    public var timeline: [TimelineEntry]

    public init(incident: IncidentEntry, timeline: [TimelineEntry]) {
        self.incident = incident
        self.timeline = timeline
    }
}

/// One failure of one thing, from first suspicion to close.
public struct IncidentEntry: Hashable, Sendable, Codable {
    public var id: String
    /// The name of the failure, such as `brokerDead`.
    public var code: String
    /// What it is about: a node's name, or a partition or topic.
    public var subject: String
    public var since: WallTime
    /// `nil` while it is open.
    public var closedAt: WallTime?
    /// In one line: what is seen, what is done about it.
    public var summary: String
    /// `nil` if an older healer answered.
    public var toldBy: Teller?

    /// Whose word it is.
    public enum Teller: String, Hashable, Sendable, Codable {
        /// The leader's record, which has the steps. It has an id, and every healer tells the same.
        case leader
        /// The view of the healer that answers, of what the leader has put down nothing about.
        case observer
    }

    public init(
        id: String, code: String, subject: String, since: WallTime, closedAt: WallTime? = nil, summary: String,
        toldBy: Teller? = nil
    ) {
        self.id = id
        self.code = code
        self.subject = subject
        self.since = since
        self.closedAt = closedAt
        self.summary = summary
        self.toldBy = toldBy
    }

    public var isOpen: Bool { self.closedAt == nil }
}

/// One line of an explanation.
public struct TimelineEntry: Hashable, Sendable, Codable {
    public var time: WallTime
    /// Milliseconds since the incident began; what was seen before it counts is negative.
    public var offsetMs: Int64
    public var kind: Kind
    public var text: String

    /// What sort of thing happened, in one word. Open: readers show a word they do not know as it is.
    public struct Kind: Name {
        public let rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }

        public static let suspected = Kind("suspected")
        public static let detected = Kind("detected")
        public static let evidence = Kind("evidence")
        public static let permitted = Kind("permitted")
        public static let refused = Kind("refused")
        public static let intent = Kind("intent")
        public static let started = Kind("started")
        public static let outcome = Kind("outcome")
        /// A fact of the world that belongs to the incident: registered, new leaders, in sync again.
        public static let seen = Kind("seen")
        public static let verified = Kind("verified")
        public static let closed = Kind("closed")
    }

    public init(time: WallTime, offsetMs: Int64, kind: Kind, text: String) {
        self.time = time
        self.offsetMs = offsetMs
        self.kind = kind
        self.text = text
    }
}
