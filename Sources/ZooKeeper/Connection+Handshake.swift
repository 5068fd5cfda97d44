internal import CZooKeeper

/// How a secured connection comes about. With TLS the library waits for a server's address and for its handshake for ever,
/// also while it is being closed, and tries one whose files it cannot use without any pause. That SASL has failed it tells
/// nobody.
extension Connection {
    /// What was seen of a connection that is being made.
    struct Handshake {
        /// When to look next; `nil` while there is nothing to look at.
        var lookAt: BootTime?
        /// Our own end of it, which is never the same for two, and since which look.
        var own: (address: SocketAddress, since: BootTime)?
        var isReadingFiles = false
        /// Since when no file can be used that was looked at.
        var spoiledSince: BootTime?
    }

    /// How long a handshake may take, and files may be unusable: they are replaced one after the other.
    private static let patience = Duration.seconds(2)

    func watchHandshake(_ shared: inout Shared, _ now: BootTime) {
        guard self.configuration.security != .none, shared.handshake.lookAt == nil else { return }
        shared.handshake.own = nil
        shared.handshake.lookAt = now + Self.patience / 2
        self.setAlarm(&shared, now + Self.patience / 2)
    }

    /// On the alarm's thread, under the lock.
    ///
    /// - Returns: What the session has come to, if it cannot be connected any more.
    func lookAtHandshake(_ shared: inout Shared, _ now: BootTime) -> SessionState? {
        guard let at = shared.handshake.lookAt, at <= now else { return nil }
        shared.handshake.lookAt = nil
        // While it is closed nobody else may use the handle, and its memory goes in the end: only the socket is looked at,
        // in a way that cannot fault, and cut if it was there before.
        guard let pointer = shared.handle?.pointer ?? shared.closed else { return nil }
        var isInHandshake = true
        if let handle = shared.handle {
            if handle.isRefused, !shared.stream.state.isFinal { return .authenticationFailed }
            isInHandshake = handle.isInHandshake
        }
        if self.configuration.security.isTLS {
            self.cutIfSlow(LibrarySocket(Handle(pointer: pointer)), isInHandshake, &shared, now)
            if isInHandshake, shared.handle != nil { self.readFiles(&shared) }
        }
        shared.handshake.lookAt = now + Self.patience / 2
        guard let since = shared.handshake.spoiledSince, now - since >= Self.patience, !shared.stream.state.isFinal
        else { return nil }
        return .lost
    }

    private func cutIfSlow(_ socket: LibrarySocket, _ isInHandshake: Bool, _ shared: inout Shared, _ now: BootTime) {
        guard isInHandshake, let address = socket.own else {
            shared.handshake.own = nil
            return
        }
        guard let (before, since) = shared.handshake.own, before == address else {
            shared.handshake.own = (address, since: now)
            return
        }
        if now - since >= Self.patience { _ = socket.shutdown(own: address) }
    }

    /// On a thread of its own: a disk may hang, and the alarm is everybody's.
    private func readFiles(_ shared: inout Shared) {
        guard !shared.handshake.isReadingFiles else { return }
        shared.handshake.isReadingFiles = runOnOwnThread {
            let isSpoiled = self.configuration.security.obstacle != nil
            self.shared.withLock { shared in
                shared.handshake.isReadingFiles = false
                shared.handshake.spoiledSince = isSpoiled ? shared.handshake.spoiledSince ?? .now : nil
            }
        }
    }
}
