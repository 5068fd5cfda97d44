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

    /// When the broker that was killed was first seen to be replaced everywhere, and back in sync everywhere; `nil` for
    /// what did not come until the deadline. Both are seen by the same other broker, whose view does not go back.
    func recovery(of victim: SandboxNode, until end: Moment) async throws -> (led: WallTime?, inSync: WallTime?) {
        let broker = BrokerID(victim.broker!)
        guard let led = try await self.when(except: victim.name, until: end, { $0.isLed(without: broker) }) else {
            return (nil, nil)
        }
        let inSync = try await self.when(except: victim.name, until: end) {
            $0.brokers[broker] != nil && $0.isInSync
        }
        return (led, inSync)
    }

    private func when(
        except victim: String, until end: Moment, _ holds: @escaping @Sendable (KafkaWire.Metadata) -> Bool
    ) async throws -> WallTime? {
        while HostClock.now < end {
            if let metadata = await self.look(except: victim), !metadata.partitions.isEmpty, holds(metadata) {
                return HostClock.wall
            }
            try await Task.sleep(for: Self.interval)
        }
        return nil
    }
}

extension KafkaWire.Metadata {
    /// Whether every partition is led, and none counts on this broker: so it cannot hold before its death was noticed.
    func isLed(without broker: BrokerID) -> Bool {
        self.partitions.allSatisfy { $0.leader != nil && $0.leader != broker && !$0.inSyncReplicas.contains(broker) }
    }
    var isInSync: Bool { self.partitions.allSatisfy { !$0.isOffline && !$0.isUnderReplicated } }
    var underReplicated: Int { self.partitions.filter { $0.isOffline || $0.isUnderReplicated }.count }
}
