internal import CZooKeeper

/// How a secured connection comes about. The library waits for a handshake for ever, tries one whose files it cannot use
/// without any pause, and tells nobody that SASL has failed.
extension Connection {
    /// How long a handshake may take where no limit is configured.
    private static let patience = Duration.seconds(2)
    private var handshakeLimit: Duration { self.configuration.silenceLimit ?? Self.patience }

    func watchConnecting(_ shared: inout Shared, _ now: BootTime) {
        guard self.configuration.security != .none, shared.lookAt == nil else { return }
        shared.handshake = nil
        self.lookAgain(&shared, now)
    }

    private func lookAgain(_ shared: inout Shared, _ now: BootTime) {
        let next = now + self.handshakeLimit / 2
        shared.lookAt = next
        self.setAlarm(&shared, next)
    }

    /// Cuts a handshake that takes too long, so that the library goes on to the next server.
    ///
    /// - Returns: What the session has come to, if it cannot be connected any more.
    func lookAtConnecting(_ now: BootTime) -> SessionState? {
        // Reads files, so not under the lock.
        var isSpoiled = false
        if case .tls = self.configuration.security { isSpoiled = self.configuration.security.obstacle != nil }
        return self.shared.withLock { shared in
            shared.lookAt = nil
            guard case .connecting = shared.stream.state, let handle = shared.handle else { return nil }
            if handle.isRefused { return .authenticationFailed }
            if isSpoiled { return .lost }
            let socket = LibrarySocket(handle)
            if let address = socket.unconnected, address == shared.handshake?.socket {
                if let since = shared.handshake?.since, now - since >= self.handshakeLimit {
                    _ = socket.shutdownUnconnected(address)
                    shared.handshake = nil
                }
            } else {
                shared.handshake = socket.unconnected.map { ($0, since: now) }
            }
            self.lookAgain(&shared, now)
            return nil
        }
    }
}
