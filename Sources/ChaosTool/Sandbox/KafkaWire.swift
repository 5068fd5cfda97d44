import Cluster
import Foundation

/// The three requests that setting up a cluster takes, in their oldest forms that Kafka 3.x knows.
struct KafkaWire: ~Copyable {
    private let connection: LoopbackConnection

    init(port: UInt16, limit: Duration = .seconds(10)) throws {
        self.connection = try LoopbackConnection(port: port, limit: limit)
    }

    /// Whether a broker answers ApiVersions at this port.
    static func answers(port: UInt16) -> Bool {
        guard let wire = try? KafkaWire(port: port, limit: .seconds(2)) else { return false }
        guard var answer = try? wire.request(key: 18, version: 0, []) else { return false }
        return (try? answer.int16()) == 0
    }

    struct Metadata: Sendable {
        var brokers: [BrokerID: UInt16] = [:]
        var controller: BrokerID?
        var partitions: [PartitionState] = []
    }

    /// Metadata, version 1: of all topics.
    func metadata() throws -> Metadata {
        var answer = try self.request(key: 3, version: 1, WireBytes.int32(-1))
        var metadata = Metadata()
        for _ in 0..<(try answer.int32()) {
            let id = BrokerID(try answer.int32())
            _ = try answer.string()
            metadata.brokers[id] = UInt16(truncatingIfNeeded: try answer.int32())
            _ = try answer.string()
        }
        let controller = try answer.int32()
        metadata.controller = controller >= 0 ? BrokerID(controller) : nil
        for _ in 0..<(try answer.int32()) {
            _ = try answer.int16()
            let topic = try answer.string() ?? ""
            _ = try answer.bytes(1)
            for _ in 0..<(try answer.int32()) {
                _ = try answer.int16()
                let partition = try answer.int32()
                let leader = try answer.int32()
                let replicas = try answer.int32s().map { BrokerID($0) }
                let inSync = try answer.int32s().map { BrokerID($0) }
                metadata.partitions.append(
                    PartitionState(
                        TopicPartition(topic, partition), leader: leader >= 0 ? BrokerID(leader) : nil,
                        replicas: replicas, inSyncReplicas: inSync))
            }
        }
        return metadata
    }

    /// CreateTopics, version 1; only the controller carries it out. Returns what failed, by topic.
    func createTopics(
        _ topics: [SandboxTopic], replicationFactor: Int16, minInSyncReplicas: Int
    ) throws -> [(topic: String, code: Int16, message: String)] {
        var body = WireBytes.int32(Int32(topics.count))
        for topic in topics {
            body += WireBytes.string(topic.name) + WireBytes.int32(topic.partitions)
            body += WireBytes.int16(replicationFactor) + WireBytes.int32(0) + WireBytes.int32(1)
            body += WireBytes.string("min.insync.replicas") + WireBytes.string(String(minInSyncReplicas))
        }
        body += WireBytes.int32(10_000) + [0]
        var answer = try self.request(key: 19, version: 1, body)
        var failed: [(topic: String, code: Int16, message: String)] = []
        for _ in 0..<(try answer.int32()) {
            let topic = try answer.string() ?? ""
            let code = try answer.int16()
            let message = try answer.string() ?? ""
            if code != 0 { failed.append((topic, code, message)) }
        }
        return failed
    }

    private func request(key: Int16, version: Int16, _ body: [UInt8]) throws -> WireBytes {
        let frame =
            WireBytes.int16(key) + WireBytes.int16(version) + WireBytes.int32(1) + WireBytes.string("healer-chaos")
            + body
        try self.connection.send(WireBytes.int32(Int32(frame.count)) + frame)
        var size = WireBytes(try self.connection.receive(4))
        let length = Int(try size.int32())
        guard (4...(16 << 20)).contains(length) else { throw SandboxError("an answer of \(length) bytes") }
        var answer = WireBytes(try self.connection.receive(length))
        guard try answer.int32() == 1 else { throw SandboxError("the answer to another request") }
        return answer
    }
}

/// Numbers and strings as Kafka writes them: big-endian, length first.
struct WireBytes {
    private var rest: ArraySlice<UInt8>
    init(_ bytes: [UInt8]) { self.rest = bytes[...] }

    mutating func bytes(_ count: Int) throws -> ArraySlice<UInt8> {
        guard count >= 0, self.rest.count >= count else { throw SandboxError("an answer that ends too soon") }
        defer { self.rest = self.rest.dropFirst(count) }
        return self.rest.prefix(count)
    }
    mutating func int16() throws -> Int16 {
        Int16(bitPattern: try self.bytes(2).reduce(0) { $0 << 8 | UInt16($1) })
    }
    mutating func int32() throws -> Int32 {
        Int32(bitPattern: try self.bytes(4).reduce(0) { $0 << 8 | UInt32($1) })
    }
    mutating func int32s() throws -> [Int32] {
        var numbers: [Int32] = []
        for _ in 0..<(try self.int32()) { numbers.append(try self.int32()) }
        return numbers
    }
    /// `nil` for Kafka's null.
    mutating func string() throws -> String? {
        let count = Int(try self.int16())
        return count < 0 ? nil : String(decoding: try self.bytes(count), as: UTF8.self)
    }

    static func int16(_ number: Int16) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
    static func int32(_ number: Int32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
    static func string(_ text: String) -> [UInt8] { self.int16(Int16(text.utf8.count)) + Array(text.utf8) }
}
