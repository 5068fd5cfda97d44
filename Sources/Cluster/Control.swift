internal import FoundationEssentials

/// What operators have asked of the healers: the content of `control`, per cluster and at the root for all clusters.
///
/// Written by `healerctl` only, conditional on its version; read by every healer; its version is checked by every
/// guarded write, so a step permitted before a pause cannot be written after it. A missing or empty node means
/// ``init()``; one that cannot be read means ``Unreadable``, and then no step may start.
public struct Control: Hashable, Sendable {
    /// While set and not over, no step starts.
    public var paused: Hold?
    /// Nodes that somebody works on: no step is started on them. Without meaning at the root.
    public var maintenance: [NodeName: Hold]
    /// Asks one incarnation to hand over its leadership; without effect on every other. Without meaning at the root.
    public var resign: Resignation?

    public init(
        paused: Hold? = nil, maintenance: [NodeName: Hold] = [:], resign: Resignation? = nil
    ) {
        self.paused = paused
        self.maintenance = maintenance
        self.resign = resign
    }

    /// Who holds something back, why, and for how long.
    public struct Hold: Hashable, Sendable, Codable {
        public var by: String
        /// Empty if no reason was given.
        public var why: String
        /// When it was asked for; `nil` if it was written by hand.
        public var since: WallTime?
        /// When it ends by itself, by the reader's wall clock; `nil`: when somebody ends it.
        public var until: WallTime?

        public init(by: String, why: String, since: WallTime? = nil, until: WallTime? = nil) {
            self.by = by
            self.why = why
            self.since = since
            self.until = until
        }

        public func holds(at now: WallTime) -> Bool { self.until.map { now < $0 } ?? true }
    }

    public struct Resignation: Hashable, Sendable, Codable {
        public var incarnation: Incarnation
        public var by: String
        /// The name of the candidate that is to lead next; `nil`: the first in line.
        public var successor: String?

        public init(incarnation: Incarnation, by: String, successor: String? = nil) {
            self.incarnation = incarnation
            self.by = by
            self.successor = successor
        }
    }

    /// The pause in force, if any.
    public func pause(at now: WallTime) -> Hold? { self.paused.flatMap { $0.holds(at: now) ? $0 : nil } }

    /// The maintenance of this node in force, if any.
    public func maintenance(of node: NodeName, at now: WallTime) -> Hold? {
        self.maintenance[node].flatMap { $0.holds(at: now) ? $0 : nil }
    }
}

extension NodeName: CodingKeyRepresentable {}

extension Control: Codable {
    private enum CodingKeys: String, CodingKey {
        case paused, maintenance, resign
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.paused = try values.decodeIfPresent(Hold.self, forKey: .paused)
        self.maintenance = try values.decodeIfPresent([NodeName: Hold].self, forKey: .maintenance) ?? [:]
        self.resign = try values.decodeIfPresent(Resignation.self, forKey: .resign)
    }

    /// The content of a `control` node that is not what ``Control`` writes.
    public struct Unreadable: Error, Hashable, Sendable {
        public let reason: String
    }

    /// The content of a `control` node; empty content is an empty control.
    public init(json: [UInt8]) throws(Unreadable) {
        guard !json.isEmpty else {
            self.init()
            return
        }
        do {
            self = try JSONDecoder().decode(Control.self, from: Data(json))
        } catch {
            throw Unreadable(reason: String(describing: error))
        }
    }

    /// JSON with sorted keys.
    public var json: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Nothing in it can fail to encode: strings, and integers.
        return [UInt8](try! encoder.encode(self))
    }
}
