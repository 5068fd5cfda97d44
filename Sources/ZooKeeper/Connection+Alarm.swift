internal import CZooKeeper

/// What time does to a session.
extension Connection {
    func setAlarm(_ shared: inout Shared, _ at: BootTime) {
        if let alarm = shared.alarm, alarm <= at { return }
        shared.alarm = at
        Alarm.shared.set(self, at: at)
    }

    /// On the alarm's thread. Looks at everything that waits for a time, and sets the alarm for the next.
    func alarmRang(at now: BootTime) {
        let (late, closers, ending) = self.shared.withLock { shared in
            shared.alarm = nil
            var late: [any PendingCall] = []
            for (key, call) in shared.calls {
                guard let deadline = call.deadline, deadline <= now else { continue }
                shared.calls[key]?.abandon()
                late.append(call.pending)
            }
            for (key, waiter) in shared.waiters where waiter.until <= now {
                shared.waiters[key] = nil
                late.append(waiter.0)
            }
            self.cutIfSilent(&shared, now)

            var closers: [CheckedContinuation<Void, Never>] = []
            if let limit = shared.closeBy, limit <= now, case .underWay(let waiting) = shared.closing {
                shared.closeBy = nil
                shared.closing = .underWay([])
                closers = waiting
            }
            let isLost = shared.lostAt.map { $0 <= now } ?? false
            if isLost { shared.disconnectedSince = nil }
            let ending = isLost ? .lost : self.lookAtHandshake(&shared, now)
            if let next = shared.nextAlarm(self.configuration) { self.setAlarm(&shared, next) }
            return (late, closers, ending)
        }
        for pending in late {
            pending.fail(ZooKeeperError(.operationTimeout, operation: pending.operation, path: pending.path))
        }
        for closer in closers { closer.resume() }
        if let ending { self.end(ending) }
    }

    /// The library itself pings only when nothing is under way, and gives a silent server 2/3 of the session timeout.
    private func cutIfSilent(_ shared: inout Shared, _ now: BootTime) {
        guard let silentAt = shared.silentAt(self.configuration), silentAt <= now, let handle = shared.handle else {
            return
        }
        let _ = LibrarySocket(handle).shutdown()
        // If there was nothing to cut, it is looked at again after another limit.
        shared.lastHeard = now
    }
}

extension Connection.Shared {
    /// When the connection will have been silent for too long, if nothing comes; `nil` while nothing is waited for.
    func silentAt(_ configuration: Session.Configuration) -> BootTime? {
        guard let limit = configuration.silenceLimit, case .connected = self.stream.state,
            let oldest = self.calls.values.map(\.sentAt).min()
        else { return nil }
        return max(oldest, self.lastHeard) + limit
    }

    fileprivate var lostAt: BootTime? {
        guard let since = self.disconnectedSince, let timeout = self.negotiatedTimeout, !self.stream.state.isFinal
        else {
            return nil
        }
        return since + timeout * 4 / 3
    }

    fileprivate func nextAlarm(_ configuration: Session.Configuration) -> BootTime? {
        let deadlines = self.calls.values.compactMap(\.deadline) + self.waiters.values.map(\.until)
        return
            (deadlines
            + [self.closeBy, self.lostAt, self.handshake.lookAt, self.silentAt(configuration)].compactMap { $0 })
            .min()
    }
}
