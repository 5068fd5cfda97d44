import Cluster
import Glibc

@testable import ChaosTool

/// Two servers that say nothing: with the first the kernel connects, and nobody takes the connection; the second's queue is
/// full, so that not even the kernel answers, as with a host that is down.
struct MuteServers {
    let ports: [UInt16]
    private let sockets: [Int32]

    init() throws {
        let mute = try ProxySocket.listen(Endpoint(host: "127.0.0.1", port: 0))
        let deaf = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var sockets = [mute, deaf]
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(deaf, $0, size) }
        }
        guard bound == 0, Glibc.listen(deaf, 0) == 0 else { throw SandboxError.system("no port to be deaf at") }
        let port = ProxySocket.port(of: deaf)
        address.sin_port = port.bigEndian
        for _ in 0..<4 {
            let filler = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            _ = withUnsafePointer(to: address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(filler, $0, size) }
            }
            sockets.append(filler)
        }
        self.ports = [ProxySocket.port(of: mute), port]
        self.sockets = sockets
    }

    func close() { for socket in self.sockets { Glibc.close(socket) } }
}
