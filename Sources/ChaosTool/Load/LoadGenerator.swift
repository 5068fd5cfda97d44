import Cluster
import RdKafka

/// What is written, and how fast.
struct LoadPlan: Hashable, Sendable {
    /// librdkafka's properties beyond the generator's own.
    var properties: [String: String]
    var topic: String
    /// Records in a second; 0 means as fast as they are acknowledged.
    var rate = 1000
    /// `nil` means until something else ends it.
    var messages: Int?
    /// `nil` means until something else ends it.
    var duration: Duration?
    /// Records of one key stay in order, so reordering shows among them.
    var keys = 100
    /// In bytes, of one value.
    var size = 100
    /// How many records may be under way; no more are sent while there are.
    var pendingLimit = 20_000

    init(bootstrap: String, topic: String) {
        self.properties = ["bootstrap.servers": bootstrap]
        self.topic = topic
    }
}

/// Writes numbered records at an even pace and keeps account of what was acknowledged.
///
/// Brokers may die meanwhile: librdkafka repeats until `message.timeout.ms` (two minutes) is over, idempotently.
actor LoadGenerator {
    nonisolated let plan: LoadPlan
    /// New with every generator; part of every value.
    nonisolated let run: String
    nonisolated let ledger = LoadLedger()
    private let producer: Producer
    private var feeding: Task<Void, Never>?

    /// How often the pace is kept up.
    private static let beat = Duration.milliseconds(5)

    /// - Throws: ``KafkaError`` for a property that librdkafka does not accept.
    init(_ plan: LoadPlan) throws {
        self.plan = plan
        self.run = String(UInt64.random(in: .min ... .max), radix: 36)
        let standard = [
            "client.id": "healer-chaos-load", "message.timeout.ms": "120000", "linger.ms": "5",
            "socket.timeout.ms": "10000", "socket.connection.setup.timeout.ms": "5000", "reconnect.backoff.ms": "50",
            "reconnect.backoff.max.ms": "500", "retry.backoff.ms": "50", "retry.backoff.max.ms": "500",
            "topic.metadata.refresh.fast.interval.ms": "100", "queue.buffering.max.messages": "100000",
        ]
        self.producer = try Producer(standard.merging(plan.properties) { $1 })
    }

    nonisolated var acked: Int { self.ledger.counts.acked }
    nonisolated var failed: Int { self.ledger.counts.failed }

    /// Begins to write, and goes on until the plan's end or ``stop(within:)``. May be called once.
    func start() {
        precondition(self.feeding == nil, "a generator is started once")
        self.feeding = Task { await self.feed() }
    }

    /// Returns when the plan's end is reached; some records may still be under way.
    func planDone() async { await self.feeding?.value }

    /// Sends nothing more and waits for what is under way; what is not acknowledged by then has failed.
    func stop(within limit: Duration = .seconds(120)) async {
        self.feeding?.cancel()
        await self.feeding?.value
        await self.producer.close(within: limit)
    }

    private func feed() async {
        let begin = HostClock.now
        var next = 0
        while !Task.isCancelled {
            let elapsed = HostClock.now - begin
            if let duration = self.plan.duration, elapsed >= duration { return }
            let target = self.plan.rate == 0 ? Int.max : Int(elapsed.inSeconds * Double(self.plan.rate))
            let end = min(target, self.plan.messages ?? .max)
            let room = self.plan.pendingLimit - self.ledger.counts.pending
            let last = min(end, next + max(0, room))
            while next < last, self.send(next) { next += 1 }
            if next == self.plan.messages { return }
            try? await Task.sleep(for: Self.beat)
        }
    }

    /// False if there is no room for it now.
    private func send(_ sequence: Int) -> Bool {
        let value = LoadValue(run: self.run, sequence: sequence).bytes(padded: self.plan.size)
        let message = Message(key: Array("key-\(sequence % self.plan.keys)".utf8), value: value)
        let sentAt = HostClock.now
        let ledger = self.ledger
        ledger.sent()
        do throws(KafkaError) {
            try self.producer.enqueue(message, to: self.plan.topic) { result in
                switch result {
                case .success(let position):
                    ledger.acked(
                        .init(value: value, position: position, sentAt: sentAt, ackedAt: HostClock.now))
                case .failure(let error): ledger.failed(error.description)
                }
            }
            return true
        } catch {
            if error.code == .queueFull {
                ledger.unsent()
                return false
            }
            ledger.failed(error.description)
            return true
        }
    }
}
