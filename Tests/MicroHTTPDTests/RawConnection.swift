import Dispatch
import Glibc

/// A TCP connection over which a test says what no proper client would say.
struct RawConnection: Sendable {
    private let descriptor: Int32

    init(port: UInt16) throws {
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        // No read of a test waits longer, whatever goes wrong.
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(self.descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = INADDR_LOOPBACK.bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(self.descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard code == 0 else {
            let number = errno
            Glibc.close(self.descriptor)
            throw Refused(errno: number)
        }
    }

    struct Refused: Error { let errno: Int32 }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes {
            Glibc.send(self.descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
    }

    /// All that comes until the text ends with `end`, or the other side closes.
    func read(until end: String? = nil) async -> String {
        await withCheckedContinuation { continuation in
            DispatchQueue(label: "RawConnection").async {
                var text: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 4096)
                while end.map({ !text.reversed().starts(with: $0.utf8.reversed()) }) ?? true {
                    let count = recv(self.descriptor, &buffer, buffer.count, 0)
                    guard count > 0 else { break }
                    text.append(contentsOf: buffer[0..<count])
                }
                continuation.resume(returning: String(decoding: text, as: UTF8.self))
            }
        }
    }

    func close() { Glibc.close(self.descriptor) }
}
