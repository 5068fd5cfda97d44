import Cluster
import Foundation

/// Watches what the brokers themselves say of the partitions, so that nobody needs to believe a healer.
actor PartitionWitness {
    private let sandbox: Sandbox
    private static let interval = Duration.milliseconds(40)

    init(_ sandbox: Sandbox) { self.sandbox = sandbox }

    /// What the first broker that answers says now, of the sandbox's own topics.
    func look(except victim: String? = nil) async -> KafkaWire.Metadata? {
        let sandbox = self.sandbox
        return try? await blocking {
            for broker in sandbox.description.brokers where broker.name != victim {
                if let metadata = sandbox.metadata(from: broker) { return metadata }
            }
            return nil
        }
    }

    /// When all partitions were first seen so; `nil` at the deadline.
    func when(
        except victim: String? = nil, until end: Moment, _ holds: @escaping @Sendable (KafkaWire.Metadata) -> Bool
    ) async throws -> WallTime? {
        while HostClock.now < end {
            if let metadata = await self.look(except: victim), !metadata.partitions.isEmpty, holds(metadata) {
                return WallTime(Int64(Date().timeIntervalSince1970 * 1000))
            }
            try await Task.sleep(for: Self.interval)
        }
        return nil
    }
}

extension KafkaWire.Metadata {
    /// Whether every partition is led, by somebody else.
    func isLed(without broker: BrokerID) -> Bool {
        self.partitions.allSatisfy { $0.leader != nil && $0.leader != broker }
    }
    var isInSync: Bool { self.partitions.allSatisfy { !$0.isOffline && !$0.isUnderReplicated } }
    var underReplicated: Int { self.partitions.filter { $0.isOffline || $0.isUnderReplicated }.count }
}
