internal import Cluster

/// The time of a simulated world, and everything that is still to happen in it.
///
/// What is due at the same moment happens in the order in which it was planned, so a seed has one history.
final class Scheduler {
    private(set) var now = Moment(.seconds(1000))
    var random: SeededGenerator
    /// A binary heap, the next one first.
    private var heap: [Entry] = []
    private var planned: UInt64 = 0

    private struct Entry {
        let at: Moment
        let order: UInt64
        let action: () -> Void
        static func < (a: Entry, b: Entry) -> Bool { a.at == b.at ? a.order < b.order : a.at < b.at }
    }

    init(seed: UInt64) { self.random = SeededGenerator(seed: seed) }

    func after(_ delay: Duration, _ action: @escaping () -> Void) { self.at(self.now + delay, action) }

    func at(_ moment: Moment, _ action: @escaping () -> Void) {
        self.planned += 1
        self.heap.append(Entry(at: max(moment, self.now), order: self.planned, action: action))
        var child = self.heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard self.heap[child] < self.heap[parent] else { break }
            self.heap.swapAt(child, parent)
            child = parent
        }
    }

    /// Nothing more happens: what is planned holds those whom it would happen to, and they hold this.
    func end() { self.heap = [] }

    /// Does the next thing, unless it lies after `end`.
    func step(until end: Moment) -> Bool {
        guard let next = self.heap.first, next.at <= end else {
            self.now = max(self.now, end)
            return false
        }
        let last = self.heap.removeLast()
        if !self.heap.isEmpty {
            self.heap[0] = last
            self.sink()
        }
        self.now = next.at
        next.action()
        return true
    }

    private func sink() {
        var parent = 0
        while true {
            let (left, right) = (2 * parent + 1, 2 * parent + 2)
            var first = parent
            if left < self.heap.count, self.heap[left] < self.heap[first] { first = left }
            if right < self.heap.count, self.heap[right] < self.heap[first] { first = right }
            guard first != parent else { return }
            self.heap.swapAt(parent, first)
            parent = first
        }
    }
}
