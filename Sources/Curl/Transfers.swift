internal import CCurl
internal import Dispatch
internal import Synchronization

/// The one thread that carries all transfers of a client, over a multi handle.
///
/// `@unchecked Sendable`: `multi` is used by that thread only, but for `curl_multi_wakeup`, which any thread may call
/// until ``close()`` has returned; everything else is behind the lock.
final class Transfers: @unchecked Sendable {
    private let multi: UnsafeMutableRawPointer
    private let state = Mutex(State())

    private struct State {
        var added: [Transfer] = []
        var cancelled: [Transfer] = []
        var isClosing = false
        var hasEnded = false
        var closers: [CheckedContinuation<Void, Never>] = []
    }

    init() {
        _ = Self.library
        self.multi = curl_multi_init()!  // Fails only for want of memory.
        // A queue of its own for a loop that does not return before the client is closed.
        DispatchQueue(label: "Curl").async { self.run() }
    }

    /// Not thread-safe in older versions: once, before anything else.
    private static let library: CURLcode = ccurl_global_init()

    func start(_ transfer: Transfer) {
        let accepted = self.state.withLock { state in
            guard !state.isClosing else { return false }
            state.added.append(transfer)
            curl_multi_wakeup(self.multi)
            return true
        }
        if !accepted { transfer.fail(.closed, "the client is closed") }
    }

    /// Ends the transfer if it is still under way.
    func cancel(_ transfer: Transfer) {
        self.state.withLock { state in
            guard !state.isClosing else { return }
            state.cancelled.append(transfer)
            curl_multi_wakeup(self.multi)
        }
    }

    /// Ends everything that is under way; returns when the thread has ended. May be called again.
    func close() async {
        await withCheckedContinuation { continuation in
            let ended = self.state.withLock { state in
                if state.hasEnded { return true }
                state.closers.append(continuation)
                if !state.isClosing {
                    state.isClosing = true
                    curl_multi_wakeup(self.multi)
                }
                return false
            }
            if ended { continuation.resume() }
        }
    }

    var isClosed: Bool { self.state.withLock { $0.hasEnded } }

    private func run() {
        var active: [UnsafeMutableRawPointer: Transfer] = [:]
        func remove(_ transfer: Transfer) -> Bool {
            guard active.removeValue(forKey: transfer.easy) != nil else { return false }
            curl_multi_remove_handle(self.multi, transfer.easy)
            return true
        }
        while true {
            let (added, cancelled, isClosing) = self.state.withLock { state in
                defer { (state.added, state.cancelled) = ([], []) }
                return (state.added, state.cancelled, state.isClosing)
            }
            for transfer in added {
                active[transfer.easy] = transfer
                curl_multi_add_handle(self.multi, transfer.easy)
            }
            for transfer in cancelled where remove(transfer) { transfer.fail(.cancelled, "cancelled") }
            if isClosing { break }
            var running: Int32 = 0
            curl_multi_perform(self.multi, &running)
            var left: Int32 = 0
            while let message = curl_multi_info_read(self.multi, &left) {
                let result = ccurl_message_result(message)
                // The message is the library's, and gone once its handle is removed.
                if let transfer = active[message.pointee.easy_handle], remove(transfer) { transfer.finish(result) }
            }
            curl_multi_poll(self.multi, nil, 0, 1000, nil)
        }
        for transfer in Array(active.values) where remove(transfer) { transfer.fail(.closed, "the client is closed") }
        let closers = self.state.withLock { state in
            state.hasEnded = true
            curl_multi_cleanup(self.multi)
            return state.closers
        }
        for closer in closers { closer.resume() }
    }
}
