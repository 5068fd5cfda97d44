import Cluster
import RdKafka

/// Asks a cluster's brokers what they say of the whole cluster, in turn and whenever somebody wants to know now.
///
/// Each look publishes one observation that holds since it was asked for: the view of the broker that answered, or that
/// none did. A refusal of our credentials ends the asking, for repeating it may lock an account; every turn says so
/// until ``retry()``.
actor MetadataMonitor {
    private let client: KafkaClient
    private let interval: Duration
    private let timeout: Duration
    private let time: any TimeSource
    private let log: Logger
    private let report: @Sendable (Observation) -> Void
    private let wishes: AsyncStream<Void>
    private let wish: AsyncStream<Void>.Continuation

    private var settings: MetadataSettings
    /// Why our credentials were refused; `nil` while they were not.
    private var refusal: String?

    /// How often a broker is asked within one look. Whoever asks a broker at the moment of its death waits for it until
    /// its time is over; the next one to be asked is another broker.
    private static let tries = 2

    /// - Parameters:
    ///   - properties: librdkafka's, `bootstrap.servers` at least. What is not given is set so that a dead broker does
    ///     not hold up the others, and nothing that is asked for creates a topic.
    ///   - interval: between looks.
    ///   - timeout: of one look.
    ///   - settingsAge: how old a topic's settings may get. Those of a new topic are asked for at once.
    /// - Throws: for a property that librdkafka does not accept.
    init(
        _ properties: [String: String], interval: Duration, timeout: Duration,
        settingsAge: Duration = .seconds(180), time: any TimeSource, log: Logger,
        report: @escaping @Sendable (Observation) -> Void
    ) throws(KafkaError) {
        let milliseconds = String(max(1000, timeout.wholeMilliseconds))
        let defaults = [
            "client.id": "kafka-healer", "allow.auto.create.topics": "false", "socket.keepalive.enable": "true",
            "socket.timeout.ms": milliseconds, "socket.connection.setup.timeout.ms": milliseconds,
            "reconnect.backoff.max.ms": "1000",
        ]
        self.client = try KafkaClient(defaults.merging(properties) { $1 }) { line in
            log.log(
                line.severity <= 5 ? .info : .debug, "kafka client",
                ["kafka.facility": .string(line.facility), "kafka.line": .string(line.message)])
        }
        self.interval = interval
        self.timeout = timeout
        self.time = time
        self.log = log
        self.report = report
        self.settings = MetadataSettings(maximumAge: settingsAge, retry: interval)
        // Wishes during a look are one wish: a look that begins after all of them.
        (self.wishes, self.wish) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    /// Look again now.
    nonisolated func look() { self.wish.yield() }

    /// Ask again although our credentials were refused.
    func retry() {
        self.refusal = nil
        self.look()
    }

    /// Until cancelled.
    func run() async {
        LargeBlocks.returnToSystem()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.takeTurns() }
            for await _ in self.wishes {
                await self.askAndReport()
                guard let topics = self.settings.due(at: self.time.now()) else { continue }
                // Settings come later rather than hold up the view: it is published again with them.
                group.addTask { await self.readSettings(of: topics) }
            }
            group.cancelAll()
        }
    }

    private func takeTurns() async {
        while !Task.isCancelled {
            self.look()
            try? await self.time.sleep(for: self.interval)
        }
    }

    private func askAndReport() async {
        guard self.refusal == nil else { return self.failed(self.refusal!, since: self.time.now()) }
        var asked = self.time.now()
        do throws(KafkaError) {
            let view = try await self.ask(&asked)
            self.settings.seen(view)
            self.report(
                Observation(at: asked, took: self.time.now() - asked, method: .metadata, fact: .metadata(view)))
        } catch {
            guard !Task.isCancelled else { return }
            if error.isAuthenticationFailure {
                self.refusal = "the brokers refuse our credentials: \(error)"
                self.log.error("kafka refuses our credentials", ["kafka.error": .string(error.description)])
            }
            self.failed(self.refusal ?? error.description, since: asked)
        }
    }

    /// - Parameter asked: becomes the time of the try that was answered.
    private func ask(_ asked: inout Moment) async throws(KafkaError) -> MetadataView {
        let known = self.settings.known
        for left in (0..<Self.tries).reversed() {
            asked = self.time.now()
            do throws(KafkaError) {
                return try await self.client.metadata(timeout: self.timeout / Self.tries) { reply in
                    MetadataView(reply, settings: known)
                }
            } catch {
                if left == 0 || error.isAuthenticationFailure { throw error }
            }
        }
        preconditionFailure("a look has at least one try")
    }

    private func failed(_ reason: String, since asked: Moment) {
        self.report(
            Observation(
                at: asked, took: self.time.now() - asked, method: .metadata,
                fact: .monitorFailed(nil, reason: reason)))
    }

    private func readSettings(of topics: [String]) async {
        do throws(KafkaError) {
            let answers = try await self.client.configurations(
                of: topics, settings: MetadataSettings.names, timeout: self.timeout)
            if self.settings.read(answers, at: self.time.now()) { self.look() }
        } catch {
            guard !Task.isCancelled else { return }
            self.settings.failed(at: self.time.now())
            self.log.warning("topic settings not read", ["kafka.error": .string(error.description)])
        }
    }
}
