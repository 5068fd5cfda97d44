internal import Synchronization

/// Where a cancellation finds the transfer, which is made after the cancellation handler.
final class TransferBox: Sendable {
    private let held = Mutex<Transfer?>(nil)
    var transfer: Transfer? { self.held.withLock { $0 } }
    func put(_ transfer: Transfer) { self.held.withLock { $0 = transfer } }
}
