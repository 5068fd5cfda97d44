import Cluster
import RdKafka

/// Whether a topic holds what was acknowledged: a comparison by value, never by count.
struct LoadCheck: Hashable, Sendable, Codable {
    /// Distinct values that were acknowledged.
    var acked = 0
    /// Distinct values of these runs that were read.
    var consumed = 0
    /// Acknowledged, but not there: lost.
    var missing = 0
    /// There more than once, counted without the first.
    var duplicates = 0
    /// Read after a later one of the same key.
    var reordered = 0
    /// Numbers that are not there although higher ones of the same run are; what was never acknowledged included.
    var gaps = 0
    /// Values of nobody's run, or of another one.
    var foreign = 0
    /// A few of the missing values, for people.
    var examples: [String] = []

    /// False if anything was lost, written twice or put out of order.
    var isIntact: Bool { self.missing == 0 && self.duplicates == 0 && self.reordered == 0 }

    /// One line that a script can read.
    var line: String {
        "acked=\(self.acked) consumed=\(self.consumed) missing=\(self.missing) duplicates=\(self.duplicates) "
            + "reordered=\(self.reordered) gaps=\(self.gaps)"
    }

    /// A fault in the check itself, to show that it can fail.
    enum Sabotage: String, Hashable, Sendable, CaseIterable {
        /// One acknowledged value that was read is forgotten.
        case loseOne = "lose-one"
    }

    /// Compares what was acknowledged with what was read, in the order read.
    init(acked: some Sequence<[UInt8]>, consumed records: [Record], sabotage: Sabotage? = nil) {
        let acked = Set(acked)
        let runs = Set(acked.compactMap { LoadValue($0)?.run })
        var seen: Set<[UInt8]> = []
        var latest: [LoadKey: Int] = [:]
        var highest: [String: Int] = [:]
        var numbers: [String: Set<Int>] = [:]
        for record in records {
            guard let value = LoadValue(record.value), runs.contains(value.run) else {
                self.foreign += 1
                continue
            }
            guard seen.insert(record.value).inserted else {
                self.duplicates += 1
                continue
            }
            let key = LoadKey(run: value.run, key: record.key)
            if let last = latest[key], last > value.sequence { self.reordered += 1 }
            latest[key] = max(latest[key] ?? -1, value.sequence)
            highest[value.run] = max(highest[value.run] ?? -1, value.sequence)
            numbers[value.run, default: []].insert(value.sequence)
        }
        if sabotage == .loseOne, let victim = acked.intersection(seen).first { seen.remove(victim) }
        self.acked = acked.count
        self.consumed = seen.count
        let missing = acked.subtracting(seen)
        self.missing = missing.count
        self.gaps = highest.reduce(0) { $0 + $1.value + 1 - (numbers[$1.key]?.count ?? 0) }
        self.examples = missing.prefix(5).map { String(decoding: $0.prefix(60), as: UTF8.self) }
    }

    private struct LoadKey: Hashable {
        let run: String
        let key: [UInt8]?
    }
}

extension LoadCheck {
    /// Reads the topic from its beginning to its end and compares.
    ///
    /// - Parameters:
    ///   - ends: read at least up to these offsets, which were acknowledged; a topic that ends before them after
    ///     `idle` has lost something, and the comparison says what.
    ///   - idle: how long nothing may come, and within which the topic must be found.
    static func read(
        _ properties: [String: String], topic: String, acked: some Sequence<[UInt8]>, ends: [Int32: Int64] = [:],
        idle: Duration = .seconds(30), sabotage: Sabotage? = nil
    ) async throws -> LoadCheck {
        let consumer = try await self.open(properties, topic: topic, limit: idle)
        var records: [Record] = []
        do throws(KafkaError) {
            try await consumer.readToEnd(atLeast: ends, idle: idle) { records += $0 }
        } catch {
            // What was acknowledged is not all there: for the comparison to say.
            guard error.code == .timedOut, !ends.isEmpty else { throw error }
        }
        return LoadCheck(acked: acked, consumed: records, sabotage: sabotage)
    }

    /// As ``read(_:topic:acked:ends:idle:sabotage:)`` for what a generator has written; it is stopped before.
    static func read(
        _ generator: LoadGenerator, idle: Duration = .seconds(30), sabotage: Sabotage? = nil
    ) async throws -> LoadCheck {
        let ledger = generator.ledger
        return try await self.read(
            generator.plan.properties, topic: generator.plan.topic, acked: ledger.entries.map(\.value),
            ends: ledger.ends, idle: idle, sabotage: sabotage)
    }

    /// A partition may be without a leader for a moment, or a broker just be back.
    private static func open(
        _ properties: [String: String], topic: String, limit: Duration
    ) async throws -> Consumer {
        let end = HostClock.now + limit
        let standard = ["socket.timeout.ms": "10000", "reconnect.backoff.max.ms": "500"]
        while true {
            do throws(KafkaError) {
                return try await Consumer(
                    standard.merging(properties) { $1 }, topic: topic, timeout: .seconds(10))
            } catch {
                guard HostClock.now < end, error.code != .invalidArgument else { throw error }
            }
            try await Task.sleep(for: .milliseconds(200))
        }
    }
}
