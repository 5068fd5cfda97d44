import Cluster
import Foundation

/// Where the proxy takes orders as lines.
enum ProxyControlAddress: Hashable, Sendable {
    /// A path of at most 107 bytes; a socket that nobody serves any more is replaced.
    case unix(String)
    case tcp(Endpoint)

    /// `unix:PATH` or `HOST:PORT`.
    init(_ text: String) throws {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard (1...107).contains(path.utf8.count) else { throw UsageError("'\(path)' cannot be a socket's path") }
            self = .unix(path)
        } else {
            self = .tcp(try Endpoint(argument: text))
        }
    }
}

extension Endpoint {
    /// `HOST:PORT`.
    init(argument text: String) throws {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
            colon != text.startIndex
        else { throw UsageError("'\(text)' is not HOST:PORT") }
        self.init(host: String(text[..<colon]), port: port)
    }
}

/// The control channel: one order a line, answered by `ok …` or `error …`; what happens comes as `event …` to all.
/// Lives on the proxy's thread.
final class ProxyControls {
    private struct Line {
        var received: [UInt8] = []
        var unsent: [UInt8] = []
    }
    private let listener: Int32
    private let path: String?
    let description: String
    private var lines: [Int32: Line] = [:]

    private static let maximumLines = 16
    /// In bytes, of what one side has not taken.
    private static let bound = 64 << 10

    init(_ address: ProxyControlAddress) throws {
        switch address {
        case .tcp(let endpoint):
            self.listener = try ProxySocket.listen(endpoint)
            self.path = nil
            self.description = "\(endpoint.host):\(ProxySocket.port(of: self.listener))"
        case .unix(let path):
            self.listener = try Self.listen(path)
            self.path = path
            self.description = "unix:\(path)"
        }
    }

    private static func listen(_ path: String) throws -> Int32 {
        let flags = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(AF_UNIX, flags, 0)
        guard descriptor >= 0 else { throw SandboxError.system("cannot make a socket") }
        unlink(path)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard code == 0, Glibc.listen(descriptor, 8) == 0 else {
            let error = SandboxError.system("cannot listen at \(path)")
            Glibc.close(descriptor)
            throw error
        }
        return descriptor
    }

    func want(_ wanted: inout [Int32: Int16]) {
        if self.lines.count < Self.maximumLines { wanted[self.listener] = Int16(POLLIN) }
        for (descriptor, line) in self.lines {
            wanted[descriptor] = Int16(POLLIN) | (line.unsent.isEmpty ? 0 : Int16(POLLOUT))
        }
    }

    func serve(_ ready: [Int32: Int16], obey: (ProxyOrder) throws -> ProxyStatus) {
        if ready[self.listener] != nil, let descriptor = ProxySocket.accept(self.listener) {
            self.lines[descriptor] = Line()
        }
        for descriptor in self.lines.keys where ready[descriptor] != nil {
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                self.lines[descriptor]?.received += buffer[..<count]
                self.answer(descriptor, obey)
            } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
                self.drop(descriptor)
            }
            self.send(descriptor)
        }
    }

    /// To all who are connected.
    func tell(_ line: String) {
        for descriptor in self.lines.keys {
            self.lines[descriptor]?.unsent += Array((line + "\n").utf8)
            self.send(descriptor)
        }
    }

    func close() {
        for descriptor in self.lines.keys { Glibc.close(descriptor) }
        Glibc.close(self.listener)
        if let path { unlink(path) }
    }

    private func answer(_ descriptor: Int32, _ obey: (ProxyOrder) throws -> ProxyStatus) {
        while let received = self.lines[descriptor]?.received, let end = received.firstIndex(of: UInt8(ascii: "\n")) {
            self.lines[descriptor]?.received = Array(received[(end + 1)...])
            let text = String(decoding: received[..<end], as: UTF8.self).trimmingCharacters(in: .whitespaces)
            let answer: String
            do {
                let order = try ProxyOrder(line: text)
                let status = try obey(order)
                answer = order == .status ? "ok \(status.line)" : "ok \(text)"
            } catch {
                answer = "error \(error)"
            }
            self.lines[descriptor]?.unsent += Array((answer + "\n").utf8)
        }
        if let line = self.lines[descriptor], line.received.count > Self.bound { self.drop(descriptor) }
    }

    private func send(_ descriptor: Int32) {
        guard let line = self.lines[descriptor], !line.unsent.isEmpty else { return }
        let sent = line.unsent.withUnsafeBytes {
            Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if sent > 0 { self.lines[descriptor]?.unsent.removeFirst(sent) }
        if let line = self.lines[descriptor], line.unsent.count > Self.bound { self.drop(descriptor) }
    }

    private func drop(_ descriptor: Int32) {
        Glibc.close(descriptor)
        self.lines[descriptor] = nil
    }
}
