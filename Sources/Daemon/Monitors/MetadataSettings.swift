import Cluster
import RdKafka

/// The settings of topics that decide what a partition can bear, kept between looks, and when which are to be read.
struct MetadataSettings {
    struct Topic: Hashable, Sendable {
        /// `nil` if the broker does not tell.
        var minInSyncReplicas: Int?
        /// `nil` if the broker does not tell.
        var uncleanElection: Bool?
    }

    static let names = ["min.insync.replicas", "unclean.leader.election.enable"]

    private(set) var known: [String: Topic] = [:]
    /// All topics of the last view.
    private var topics: [String] = []
    private var isReading = false
    private var lastFullReading: Moment?
    private var notBefore: Moment = .zero
    private let maximumAge: Duration
    private let retry: Duration

    /// - Parameter retry: how long after a failure nothing is asked.
    init(maximumAge: Duration, retry: Duration) {
        self.maximumAge = maximumAge
        self.retry = retry
    }

    mutating func seen(_ view: MetadataView) {
        var topics: [String] = []
        // Partitions stand in order of topic.
        for partition in view.partitions where partition.id.topic != topics.last { topics.append(partition.id.topic) }
        self.topics = topics
    }

    /// The topics to be read now, which is then under way until ``read(_:at:)`` or ``failed(at:)``; `nil` for none.
    mutating func due(at now: Moment) -> [String]? {
        guard !self.isReading, now >= self.notBefore else { return nil }
        let isOld = self.lastFullReading.map { now - $0 >= self.maximumAge } ?? true
        let wanted = isOld ? self.topics : self.topics.filter { self.known[$0] == nil }
        guard !wanted.isEmpty else { return nil }
        if isOld { self.lastFullReading = now }
        self.isReading = true
        return wanted
    }

    /// True if something is known now that was not, or was different.
    mutating func read(_ answers: [String: Result<[String: String], KafkaError>], at now: Moment) -> Bool {
        self.isReading = false
        var changed = false
        var refused = false
        for (name, answer) in answers {
            guard case .success(let values) = answer else {
                refused = true
                continue
            }
            let topic = Topic(
                minInSyncReplicas: values["min.insync.replicas"].flatMap { Int($0) },
                uncleanElection: values["unclean.leader.election.enable"].flatMap { Bool($0) })
            if self.known.updateValue(topic, forKey: name) != topic { changed = true }
        }
        if refused { self.notBefore = now + self.retry }
        let present = Set(self.topics)
        self.known = self.known.filter { present.contains($0.key) }
        return changed
    }

    mutating func failed(at now: Moment) {
        self.isReading = false
        self.lastFullReading = nil
        self.notBefore = now + self.retry
    }
}
