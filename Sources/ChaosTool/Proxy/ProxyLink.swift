import Cluster
import Foundation

/// The bytes of one connection in one direction, between the socket they come from and the one they go to.
struct ProxyStream {
    struct Chunk {
        var bytes: ArraySlice<UInt8>
        let due: Moment
        /// Looked through for the awaited bytes.
        var isSeen = false
    }
    enum End {
        case open
        /// The sender has closed in order: passed on after its bytes.
        case finished
        /// The sender's connection broke: passed on at once.
        case broken
    }

    var chunks: [Chunk] = []
    /// In bytes.
    var waiting = 0
    var end = End.open
    var isEndPassed = false
    /// Some bytes, or its end, have vanished in a cut.
    var hasLost = false
    /// The last bytes forwarded, for what is split between chunks.
    var tail: [UInt8] = []
    /// When the last chunk is due: none overtakes another.
    var lastDue = Moment.zero

    /// In bytes: so much waits here, then the sender waits.
    static let bound = 1 << 20
    /// In bytes, of one read.
    static let portion = 64 << 10

    var wantsMore: Bool { self.end == .open && self.waiting < Self.bound }

    /// Whether the bytes occur in what has just been forwarded together with this chunk, and end in this chunk.
    func completes(_ bytes: [UInt8], with chunk: ArraySlice<UInt8>) -> Bool {
        let window = Array(self.tail.suffix(bytes.count - 1)) + chunk
        guard window.count >= bytes.count else { return false }
        return (0...(window.count - bytes.count)).contains { start in
            window[start] == bytes[0] && window[start..<(start + bytes.count)].elementsEqual(bytes)
        }
    }
}

/// What every chunk takes on its way.
struct ProxyPace {
    var delay = Duration.zero
    var jitter = Duration.zero
    /// In bytes a second; 0 is as fast as it goes.
    var bandwidth = 0

    /// When so many bytes, read now, are due behind what was read before.
    func due(_ count: Int, at now: Moment, after last: Moment) -> Moment {
        let wait = self.jitter == .zero ? .zero : self.jitter * Double.random(in: 0...1)
        let time: Duration =
            self.bandwidth == 0 ? .zero : .nanoseconds(Int64(count) * 1_000_000_000 / Int64(self.bandwidth))
        return max(now + self.delay + wait, last) + time
    }
}

/// Bytes that stand for others of the same length at the beginning of a connection: for protocols that say there where
/// they are to be called back.
struct ProxySubstitution: Sendable {
    let old: [UInt8]
    let new: [UInt8]

    func apply(to bytes: inout [UInt8]) {
        guard self.old.count == self.new.count, !self.old.isEmpty, bytes.count >= self.old.count else { return }
        for start in 0...(bytes.count - self.old.count)
        where bytes[start] == self.old[0] && bytes[start..<(start + self.old.count)].elementsEqual(self.old) {
            bytes.replaceSubrange(start..<(start + self.old.count), with: self.new)
            return
        }
    }
}

/// One connection through the proxy.
final class ProxyLink {
    let client: Int32
    let server: Int32
    var isConnected = false
    /// The server's side is gone without the client's knowledge, or was never there.
    var isHalfOpen = false
    /// For the first bytes towards the server.
    var substitution: ProxySubstitution?
    var toServer = ProxyStream()
    var toClient = ProxyStream()

    init(client: Int32, server: Int32) {
        self.client = client
        self.server = server
    }

    subscript(direction: ProxyDirection) -> ProxyStream {
        get { direction == .toServer ? self.toServer : self.toClient }
        set { if direction == .toServer { self.toServer = newValue } else { self.toClient = newValue } }
        _modify {
            if direction == .toServer { yield &self.toServer } else { yield &self.toClient }
        }
    }

    var isDamaged: Bool { self.toServer.hasLost || self.toClient.hasLost || self.isHalfOpen }

    func source(_ direction: ProxyDirection) -> Int32 { direction == .toServer ? self.client : self.server }
    func sink(_ direction: ProxyDirection) -> Int32 { direction == .toServer ? self.server : self.client }

    /// Reads once what has come. While `isCut`, it vanishes.
    func read(_ direction: ProxyDirection, isCut: Bool, _ pace: ProxyPace) {
        var buffer = [UInt8](repeating: 0, count: ProxyStream.portion)
        let count = recv(self.source(direction), &buffer, buffer.count, 0)
        if count < 0, errno == EAGAIN || errno == EINTR { return }
        if count <= 0 { self[direction].end = count == 0 ? .finished : .broken }
        if isCut {
            self[direction].hasLost = true
        } else if count > 0 {
            var bytes = Array(buffer[..<count])
            if direction == .toServer {
                self.substitution?.apply(to: &bytes)
                self.substitution = nil
            }
            let due = pace.due(count, at: HostClock.now, after: self[direction].lastDue)
            self[direction].lastDue = due
            self[direction].chunks.append(.init(bytes: bytes[...], due: due))
            self[direction].waiting += count
        }
    }

    /// Whatever the client sends goes nowhere.
    func swallow() {
        var buffer = [UInt8](repeating: 0, count: ProxyStream.portion)
        let count = recv(self.client, &buffer, buffer.count, 0)
        if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { self.toServer.end = .broken }
    }

    /// Resets the server's side; the client goes on talking to nobody.
    func halve() {
        guard !self.isHalfOpen else { return }
        self.isHalfOpen = true
        if self.server >= 0 { ProxySocket.reset(self.server) }
        self.toServer.chunks = []
        self.toClient.chunks = []
    }

    /// Sends what is due; calls `seen` with each chunk before its first byte goes.
    func write(_ direction: ProxyDirection, at now: Moment, seen: (ProxyStream, ArraySlice<UInt8>) -> Void) {
        while let chunk = self[direction].chunks.first, chunk.due <= now {
            if !chunk.isSeen {
                seen(self[direction], chunk.bytes)
                self[direction].chunks[0].isSeen = true
                self[direction].tail = Array((self[direction].tail + chunk.bytes).suffix(256))
            }
            let sent = chunk.bytes.withUnsafeBytes {
                send(self.sink(direction), $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else {
                // Whoever should get this is gone: for its own direction that is a break.
                if errno != EAGAIN && errno != EINTR { self[direction.opposite].end = .broken }
                return
            }
            self[direction].waiting -= sent
            if sent == chunk.bytes.count {
                self[direction].chunks.removeFirst()
            } else {
                self[direction].chunks[0].bytes = chunk.bytes.dropFirst(sent)
            }
        }
        guard self[direction].chunks.isEmpty, self[direction].end == .finished, !self[direction].isEndPassed else {
            return
        }
        shutdown(self.sink(direction), Int32(SHUT_WR))
        self[direction].isEndPassed = true
    }

    func close() {
        Glibc.close(self.client)
        if !self.isHalfOpen { Glibc.close(self.server) }
    }

    func reset() {
        ProxySocket.reset(self.client)
        if !self.isHalfOpen { ProxySocket.reset(self.server) }
    }
}

extension ProxyDirection {
    var opposite: ProxyDirection { self == .toServer ? .toClient : .toServer }
}
