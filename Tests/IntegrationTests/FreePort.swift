import Cluster
import Glibc

@testable import ChaosTool

/// Of the loopback interface; free a moment ago.
func freePort() throws -> UInt16 {
    let listener = try ProxySocket.listen(Endpoint(host: "127.0.0.1", port: 0))
    defer { close(listener) }
    return ProxySocket.port(of: listener)
}
