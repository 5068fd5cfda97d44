import Cluster
import Foundation

/// A blocking TCP connection to a port of this host, with one limit for each call.
struct LoopbackConnection: ~Copyable {
    private let descriptor: Int32

    init(port: UInt16, limit: Duration) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SandboxError.system("cannot make a socket") }
        let microseconds = limit.wholeNanoseconds / 1000
        var time = timeval(tv_sec: Int(microseconds / 1_000_000), tv_usec: Int(microseconds % 1_000_000))
        // Linux takes the time-out of sending for connecting too.
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = Self.address(port)
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            let error = SandboxError.system("cannot connect to 127.0.0.1:\(port)")
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit { close(self.descriptor) }

    static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return address
    }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw SandboxError.system("cannot send") }
            rest = rest.dropFirst(count)
        }
    }

    /// Exactly that many bytes.
    func receive(_ count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let part = try self.receiveSome(upTo: count - bytes.count)
            guard !part.isEmpty else { throw SandboxError("the connection was closed") }
            bytes += part
        }
        return bytes
    }

    /// Everything until the other side closes, at most 4 MiB.
    func receiveAll() throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < 4 << 20 {
            let part = try self.receiveSome(upTo: 65_536)
            if part.isEmpty { break }
            bytes += part
        }
        return bytes
    }

    private func receiveSome(upTo count: Int) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: min(count, 65_536))
        let received = recv(self.descriptor, &buffer, buffer.count, 0)
        guard received >= 0 else { throw SandboxError.system("no answer") }
        return Array(buffer[..<received])
    }
}

/// ZooKeeper's four-letter words.
enum FourLetterWord {
    /// The server's answer to `srvr`, `cons`, `dump` and so on.
    static func ask(_ word: String, port: UInt16, limit: Duration = .seconds(2)) throws -> String {
        let connection = try LoopbackConnection(port: port, limit: limit)
        try connection.send(Array(word.utf8))
        return String(decoding: try connection.receiveAll(), as: UTF8.self)
    }

    /// The server's part in its ensemble (`leader`, `follower`, `standalone`); `nil` while it does not serve.
    static func mode(port: UInt16) -> String? {
        guard let answer = try? self.ask("srvr", port: port) else { return nil }
        return answer.split(separator: "\n").first { $0.hasPrefix("Mode: ") }.map { String($0.dropFirst(6)) }
    }
}
