/// Makes one array of equal lists of brokers: a cluster has far fewer different lists than partitions.
///
/// A list met again is usually found, never surely: the places are few, and the last list to want one has it.
public struct SharedLists<Broker> {
    @usableFromInline var recent: [[Broker]]
    @usableFromInline let broker: (Int32) -> Broker
    @usableFromInline let number: (Broker) -> Int32

    /// - Parameters:
    ///   - broker: makes an element.
    ///   - number: makes it back.
    @inlinable
    public init(broker: @escaping (Int32) -> Broker, number: @escaping (Broker) -> Int32) {
        self.recent = [[Broker]](repeating: [], count: 4096)
        self.broker = broker
        self.number = number
    }

    @inlinable
    public mutating func list(_ brokers: UnsafeBufferPointer<Int32>) -> [Broker] {
        // FNV-1a over whole numbers.
        var hash: UInt32 = 2_166_136_261
        for broker in brokers { hash = (hash ^ UInt32(bitPattern: broker)) &* 16_777_619 }
        let place = Int((hash ^ hash >> 16) % UInt32(self.recent.count))
        let found = self.recent[place]
        if found.count == brokers.count, zip(found, brokers).allSatisfy({ self.number($0) == $1 }) { return found }
        let list = brokers.map(self.broker)
        self.recent[place] = list
        return list
    }
}
